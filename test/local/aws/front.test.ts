import { request } from 'node:https'
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Access } from '../../../local/aws/access.ts'
import { createCa } from '../../../local/aws/ca.ts'
import { openFauxqs, type Fauxqs } from '../../../local/aws/fauxqs.ts'
import { agentTo, serveFront, type Front } from '../../../local/aws/front.ts'
import { hostsOf } from '../../../local/aws/hosts.ts'
import { jsonService } from '../../../local/aws/protocol.ts'
import { ACCOUNT, clientTo, REGION } from './clients.ts'

let fauxqs: Fauxqs
let front: Front
let ca: string
let queue: string
let may: ReturnType<Access>

beforeAll(async () => {
  const authority = await createCa(new Date())
  ca = authority.pem
  fauxqs = await openFauxqs({ region: REGION, account: ACCOUNT })
  queue = await fauxqs.createQueue('events')
  await fauxqs.createBucket('states')
  const nothing = jsonService('TrentService', new Map())
  front = await serveFront({
    region: REGION,
    certificate: await authority.issue(hostsOf(REGION)),
    services: { kms: nothing, secretsmanager: nothing, sqs: fauxqs.sqs, s3: fauxqs.s3, rolesanywhere: nothing },
    access: (accessKeyId, token, action) => {
      asked.push([accessKeyId, token, action])
      return may
    },
  })
})

afterAll(async () => {
  await front.close()
  await fauxqs.close()
})

const asked: Parameters<Access>[] = []
beforeEach(() => {
  may = 'allowed'
  asked.length = 0
})

const settings = () => clientTo({ port: front.port, ca })

describe('S3 by the SDK', () => {
  test.each([
    ['virtual-hosted style', false],
    ['path style', true],
  ])('%s', async (_style, forcePathStyle) => {
    const s3 = new S3Client({ ...settings(), forcePathStyle })
    const object = { Bucket: 'states', Key: `network/${forcePathStyle} a+b.tfstate` }
    const put = await s3.send(new PutObjectCommand({ ...object, Body: '{"version":4}' }))
    const got = await s3.send(new GetObjectCommand(object))
    expect(await got.Body?.transformToString()).toBe('{"version":4}')
    expect(got.ETag).toBe(put.ETag)
    const listed = await s3.send(new ListObjectsV2Command({ Bucket: 'states', Prefix: object.Key }))
    expect(listed.Contents?.map(({ Key }) => Key)).toEqual([object.Key])
    await expect(s3.send(new GetObjectCommand({ ...object, IfNoneMatch: put.ETag }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    })
  })

  test('large and too large objects, and what is missing', async () => {
    const s3 = new S3Client(settings())
    const body = new Uint8Array(5 << 20).fill(7)
    await s3.send(new PutObjectCommand({ Bucket: 'states', Key: 'large', Body: body }))
    const got = await s3.send(new GetObjectCommand({ Bucket: 'states', Key: 'large' }))
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true)
    const tooLarge = new PutObjectCommand({ Bucket: 'states', Key: 'too-large', Body: new Uint8Array((10 << 20) + 1) })
    await expect(s3.send(tooLarge)).rejects.toMatchObject({ name: 'EntityTooLarge' })
    await expect(s3.send(new GetObjectCommand({ Bucket: 'states', Key: 'none' }))).rejects.toMatchObject({
      name: 'NoSuchKey',
    })
    await expect(s3.send(new GetObjectCommand({ Bucket: 'elsewhere', Key: 'large' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
    })
  })
})

describe('SQS by the SDK', () => {
  test('send, receive, hide, delete', async () => {
    const sqs = new SQSClient(settings())
    expect(queue).toBe(`https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/events`)
    const body = JSON.stringify({ account: '000000000000', url: `http://sqs.${REGION}.amazonaws.com/000000000000/x` })
    await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: body }))
    const receive = async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue }))).Messages ?? []
    const [first] = await receive()
    expect(first?.Body).toBe(body)
    const hide = (handle: string | undefined, seconds: number) =>
      sqs.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: queue, ReceiptHandle: handle, VisibilityTimeout: seconds }),
      )
    await hide(first?.ReceiptHandle, 0)
    const [again] = await receive()
    expect(again?.MessageId).toBe(first?.MessageId)
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle: again?.ReceiptHandle }))
    expect(await receive()).toEqual([])
  })

  test('answered queue names lead back here', async () => {
    const sqs = new SQSClient(settings())
    const made = await sqs.send(new CreateQueueCommand({ QueueName: 'made' }))
    expect(made.QueueUrl).toBe(`https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/made`)
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'made' }))).QueueUrl).toBe(made.QueueUrl)
    expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls).toEqual([queue, made.QueueUrl])
    const attributes = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: made.QueueUrl, AttributeNames: ['QueueArn'] }),
    )
    expect(attributes.Attributes?.['QueueArn']).toBe(`arn:aws:sqs:${REGION}:${ACCOUNT}:made`)
  })
})

describe('who may do what', () => {
  test.each<[string, (s3: S3Client, sqs: SQSClient) => Promise<unknown>]>([
    ['s3:GetObject', (s3) => s3.send(new GetObjectCommand({ Bucket: 'states', Key: 'a/b' }))],
    ['s3:PutObject', (s3) => s3.send(new PutObjectCommand({ Bucket: 'states', Key: 'a', Body: 'x' }))],
    ['s3:ListBucket', (s3) => s3.send(new ListObjectsV2Command({ Bucket: 'states' }))],
    ['sqs:ReceiveMessage', (_s3, sqs) => sqs.send(new ReceiveMessageCommand({ QueueUrl: queue }))],
    [
      'sqs:DeleteMessage',
      (_s3, sqs) =>
        sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queue, Entries: [{ Id: '0', ReceiptHandle: 'x' }] })),
    ],
  ])('%s is asked for by name, in whatever style, and refused', async (action, call) => {
    for (const [answer, inS3, inSqs] of [
      ['denied', 'AccessDenied', 'AccessDeniedException'],
      ['expired', 'ExpiredToken', 'ExpiredTokenException'],
      ['unknown', 'InvalidAccessKeyId', 'UnrecognizedClientException'],
    ] as const) {
      may = answer
      for (const forcePathStyle of [false, true]) {
        const own = settings()
        const credentials = { ...own.credentials, sessionToken: 'a-token' }
        const client = { ...own, credentials, forcePathStyle }
        const name = action.startsWith('s3') ? inS3 : inSqs
        await expect(call(new S3Client(client), new SQSClient(client))).rejects.toMatchObject({ name })
        expect(asked.at(-1)).toEqual([credentials.accessKeyId, 'a-token', action])
      }
    }
  })
})

describe('requests that are refused', () => {
  const SIGNATURE = 'a'.repeat(64)
  const signed = (region: string, service: string) =>
    `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261121/${region}/${service}/aws4_request, SignedHeaders=host, Signature=${SIGNATURE}`
  const kms = `kms.${REGION}.amazonaws.com`
  const s3 = `states.s3.${REGION}.amazonaws.com`
  test.each([
    ['no signature', kms, undefined, 400, 'MissingAuthenticationTokenException'],
    ['another scheme', kms, 'Bearer token', 400, 'MissingAuthenticationTokenException'],
    ['no signature, to S3', s3, undefined, 403, '<Code>AccessDenied</Code>'],
    ['signed for another service', kms, signed(REGION, 's3'), 400, 'InvalidSignatureException'],
    ['signed for another region', kms, signed('eu-west-1', 'kms'), 400, 'InvalidSignatureException'],
    ['another region', 'kms.eu-west-1.amazonaws.com', signed('eu-west-1', 'kms'), 421, `kms.${REGION}.amazonaws.com`],
    ['a service that is not here', `sts.${REGION}.amazonaws.com`, signed(REGION, 'sts'), 421, `*.s3.${REGION}`],
    ['an unknown operation', kms, signed(REGION, 'kms'), 400, 'UnknownOperationException'],
  ])('%s', async (_what, host, authorization, status, text) => {
    const answer = await post(host, authorization)
    expect(answer.status).toBe(status)
    expect(answer.body).toContain(text)
  })

  test('a host that the certificate does not name finds no TLS', async () => {
    const call = request({ agent: agentTo({ port: front.port, ca }), host: 'kms.example.com' }).end()
    const { promise, reject } = Promise.withResolvers<never>()
    call.once('error', reject)
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  function post(
    host: string,
    authorization: string | undefined,
  ): Promise<{ status: number | undefined; body: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; body: string }>()
    const headers = { host, ...(authorization === undefined ? {} : { authorization }) }
    const agent = agentTo({ port: front.port, ca })
    const call = request({ agent, method: 'POST', path: '/', headers, servername: kms }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => (body += text))
      response.once('end', () => resolve({ status: response.statusCode, body }))
    })
    call.once('error', reject)
    call.end()
    return promise
  }
})
