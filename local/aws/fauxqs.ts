import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { buildApp } from 'fauxqs'
import { hostOf } from './hosts.ts'
import { AwsError, refuseS3 } from './protocol.ts'

/** SQS and S3, in memory. */
export interface Fauxqs {
  readonly sqs: RequestListener
  readonly s3: RequestListener
  /** Makes a queue and answers its URL. */
  createQueue(name: string): Promise<string>
  createBucket(name: string): Promise<void>
  close(): Promise<void>
}

export class FauxqsError extends Error {
  readonly code = 'ERR_FAUXQS'
}

/** fauxqs reads a request into memory and takes 11 MiB; a signed upload has some framing around the object. */
const MAX_OBJECT = 10 << 20
/** The account in all that fauxqs answers; it knows no other. */
const FAUXQS_ACCOUNT = '000000000000'
/** The answers that name queues. Message bodies are never touched: their MD5 goes with them. */
const NAMES_QUEUES = new Set(
  ['CreateQueue', 'GetQueueUrl', 'ListQueues', 'GetQueueAttributes'].map((name) => `AmazonSQS.${name}`),
)

/** fauxqs without a listener of its own: requests come in from our TLS front, so no port stands open in the clear. */
export async function openFauxqs(world: { readonly region: string; readonly account: string }): Promise<Fauxqs> {
  const app = buildApp({ logger: false, defaultRegion: world.region, host: 'amazonaws.com' })
  const sqsHost = hostOf('sqs', world.region)
  const s3Host = hostOf('s3', world.region)

  // Queue URLs must lead an SDK client back to us: by TLS, in our account.
  app.addHook('onSend', (request, _reply, payload, done) => {
    const named = typeof payload === 'string' && NAMES_QUEUES.has(String(request.headers['x-amz-target']))
    if (!named) return done(null, payload)
    return done(
      null,
      payload
        .replaceAll(`http://${sqsHost}/${FAUXQS_ACCOUNT}/`, `https://${sqsHost}/${world.account}/`)
        .replaceAll(`:${world.region}:${FAUXQS_ACCOUNT}:`, `:${world.region}:${world.account}:`),
    )
  })
  await app.ready()

  /** fauxqs overlooks If-None-Match, with which S3 creates and never replaces. */
  async function create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '/'] = (request.url ?? '/').split('?')
    const there = await app.inject({ method: 'HEAD', url: path, headers: { host: request.headers.host ?? '' } })
    if (there.statusCode === 404) app.routing(request, response)
    else refuseS3(response, new AwsError('PreconditionFailed', 'the object exists already', 412))
  }

  return {
    sqs: (request, response) => app.routing(request, response),
    s3(request, response) {
      // fauxqs takes the first label of any dotted host for a bucket; on S3's own host the bucket is in the path.
      if (request.headers.host === s3Host) request.headers.host = 'localhost'
      const length = Number(request.headers['x-amz-decoded-content-length'] ?? request.headers['content-length'] ?? 0)
      if (length > MAX_OBJECT) {
        refuseS3(response, new AwsError('EntityTooLarge', `the local S3 takes objects of up to ${MAX_OBJECT} bytes`))
      } else if (request.method === 'PUT' && request.headers['if-none-match'] === '*') void create(request, response)
      else app.routing(request, response)
    },
    async createQueue(name) {
      const response = await app.inject({
        method: 'POST',
        url: '/',
        headers: {
          host: sqsHost,
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': 'AmazonSQS.CreateQueue',
        },
        payload: JSON.stringify({ QueueName: name }),
      })
      if (response.statusCode !== 200) throw new FauxqsError(`queue ${name} could not be made: ${response.body}`)
      return response.json<{ QueueUrl: string }>().QueueUrl
    },
    async createBucket(name) {
      const response = await app.inject({ method: 'PUT', url: `/${name}`, headers: { host: 'localhost' } })
      if (response.statusCode !== 200) throw new FauxqsError(`bucket ${name} could not be made: ${response.body}`)
    },
    close: () => app.close(),
  }
}
