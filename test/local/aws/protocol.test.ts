import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as fc from 'fast-check'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AwsError, base64, blob, jsonService, operation } from '../../../local/aws/protocol.ts'

const JSON_1_1 = 'application/x-amz-json-1.1'
const DONE = {}
const service = jsonService(
  'Example',
  new Map([
    ['Echo', operation(v.object({ Blob: blob(4) }), ({ Blob }) => ({ Blob: base64(Blob) }))],
    ['Refuse', operation(v.object({}), () => Promise.reject(new AwsError('LimitExceededException', 'too much')))],
  ]),
)
let server: Server

beforeAll(async () => {
  server = createServer(service)
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

describe('AWS JSON 1.1', () => {
  test.each<[string, Partial<Call>, number, object]>([
    ['an answer', { body: '{"Blob":"AAEC"}' }, 200, { Blob: 'AAEC' }],
    ['members that nobody knows', { body: '{"Blob":"AAEC","More":{}}' }, 200, { Blob: 'AAEC' }],
    ['a refusal', { target: 'Example.Refuse', body: '{}' }, 400, { __type: 'LimitExceededException' }],
    ['no JSON', { body: '{' }, 400, { __type: 'SerializationException' }],
    ['no UTF-8', { body: Buffer.of(0x22, 0xff, 0x22) }, 400, { __type: 'SerializationException' }],
    ['no object', { body: '[]' }, 400, { __type: 'ValidationException' }],
    ['a missing member', { body: '{}' }, 400, { message: expect.stringContaining('Blob') }],
    ['no base64', { body: '{"Blob":"A~"}' }, 400, { __type: 'ValidationException' }],
    ['an empty blob', { body: '{"Blob":""}' }, 400, { __type: 'ValidationException' }],
    ['a blob over its limit', { body: '{"Blob":"AAECAwQ="}' }, 400, { __type: 'ValidationException' }],
    ['another operation', { target: 'Example.Other' }, 400, { __type: 'UnknownOperationException' }],
    ['another service', { target: 'Elsewhere.Echo' }, 400, { __type: 'UnknownOperationException' }],
    ['an inherited name', { target: 'Example.constructor' }, 400, { __type: 'UnknownOperationException' }],
    ['another protocol', { type: 'application/x-amz-json-2.0' }, 400, { __type: 'UnknownOperationException' }],
    ['another method', { method: 'PUT' }, 400, { __type: 'UnknownOperationException' }],
    ['too large a body', { body: ' '.repeat(600 << 10) }, 413, { __type: 'RequestEntityTooLargeException' }],
  ])('%s', async (_what, call, status, expected) => {
    const answer = await send(call)
    expect(answer.status).toBe(status)
    expect(answer.output).toMatchObject(expected)
  })

  test('a body of unannounced length is refused', async () => {
    expect((await send({ body: '{}', chunked: true })).status).toBe(413)
  })

  test('an operation throws nothing but AwsError, whatever its input', async () => {
    const echo = operation(v.object({ Blob: blob(4) }), () => DONE)
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (input) => {
        const outcome = await echo(input).catch((error: unknown) => error)
        expect(outcome instanceof AwsError || outcome === DONE).toBe(true)
      }),
    )
  })
})

interface Call {
  method: string
  target: string
  type: string
  body: string | Buffer
  chunked: boolean
}

function send(call: Partial<Call>): Promise<{ status: number | undefined; output: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; output: unknown }>()
  const body = Buffer.from(call.body ?? '{}')
  const outgoing = request(
    {
      port: (server.address() as AddressInfo).port,
      method: call.method ?? 'POST',
      headers: {
        'content-type': call.type ?? JSON_1_1,
        'x-amz-target': call.target ?? 'Example.Echo',
        ...(call.chunked === true ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
      },
    },
    (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () => resolve({ status: response.statusCode, output: JSON.parse(text) }))
    },
  )
  outgoing.once('error', reject)
  outgoing.end(body)
  return promise
}
