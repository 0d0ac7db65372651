import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createIngress, type Answers } from '../../../enclave/adapters/ingress.ts'
import { createIdentity } from '../../../enclave/identity.ts'

const DOCUMENT = Buffer.of(0x84, 0x00, 0xff)
const ATTESTATION = '/.well-known/driftseal/attestation'

const identity = await createIdentity(Date.now())
let now: Omit<Answers, 'metrics'>
const server = createIngress(identity.tls, {
  missing: () => now.missing(),
  attest: (nonce) => now.attest(nonce),
  metrics: () => 'driftseal_errors_total 0\n',
  get authority() {
    return now.authority
  },
})
let port = 0
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port // it listens on TCP
})
afterAll(() => void server.close())

let nonces: Uint8Array[]
beforeEach(() => {
  nonces = []
  now = {
    missing: () => [],
    authority: undefined,
    async attest(nonce) {
      nonces.push(nonce)
      return DOCUMENT
    },
  }
})

async function ask(path: string, options: RequestOptions = {}) {
  const call = request({ port, path, rejectUnauthorized: false, agent: false, ...options }).end()
  const [response] = (await once(call, 'response')) as [IncomingMessage] // the documented argument of 'response'
  const socket = response.socket as TLSSocket // node:https connects with TLS
  const { raw } = socket.getPeerCertificate()
  const { statusCode: status, headers } = response
  return { status, headers, protocol: socket.getProtocol(), certificate: raw, body: await buffer(response) }
}
const jsonOf = ({ body }: { body: Buffer }): unknown => JSON.parse(body.toString())

describe('the ingress', () => {
  it('is TLS 1.3 with the key that the attestation document vouches for', async () => {
    const { protocol, certificate } = await ask('/healthz')
    expect(protocol).toBe('TLSv1.3')
    const { publicKey } = new X509Certificate(certificate)
    expect(publicKey.export({ type: 'spki', format: 'der' })).toEqual(identity.tls.publicKey)
  })

  it('does not speak TLS 1.2', async () => {
    await expect(ask('/healthz', { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert protocol version/)
  })

  it('hangs up on those who speak no TLS, and goes on for the others', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.end('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket.resume(), 'close')
    expect((await ask('/healthz')).status).toBe(200)
  })

  it('says that it is up', async () => {
    const answer = await ask('/healthz')
    expect(jsonOf(answer)).toEqual({ status: 'up' })
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  })

  it('says whether it is judging, and if not, why', async () => {
    const serving = await ask('/readyz')
    expect([serving.status, jsonOf(serving)]).toEqual([200, { status: 'serving' }])
    now = { ...now, missing: () => ['state network'] }
    const waiting = await ask('/readyz')
    expect([waiting.status, jsonOf(waiting)]).toEqual([503, { status: 'waiting', for: ['state network'] }])
  })

  it('shows the metrics, as Prometheus reads them', async () => {
    const { status, body, headers } = await ask('/metrics')
    expect([status, body.toString()]).toEqual([200, 'driftseal_errors_total 0\n'])
    expect(headers['content-type']).toBe('text/plain; version=0.0.4')
  })

  it('shows the CA certificate, if there is one', async () => {
    expect((await ask('/.well-known/driftseal/ca.pem')).status).toBe(404)
    now = { ...now, authority: 'a PEM' }
    const { status, body, headers } = await ask('/.well-known/driftseal/ca.pem')
    expect([status, body.toString()]).toEqual([200, 'a PEM'])
    expect(headers['content-type']).toBe('application/x-pem-file')
  })

  it.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'])('serves no %s', async (method) => {
    for (const path of ['/healthz', `${ATTESTATION}?nonce=${'ab'.repeat(32)}`]) {
      expect((await ask(path, { method })).status).toBe(405)
    }
    expect(nonces).toEqual([])
  })

  it.each(['/', '/metrics/', '/healthz/', '/Healthz', '/.well-known/driftseal', `${ATTESTATION}/`, '/%68ealthz'])(
    'serves nothing at %s',
    async (path) => {
      expect((await ask(path)).status).toBe(404)
    },
  )

  it('outlives a path that is none', async () => {
    await expect(ask('//')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await ask('/healthz')).status).toBe(200)
  })

  it('takes no more than a few kilobytes of headers', async () => {
    expect((await ask('/healthz', { headers: { x: 'x'.repeat(8 << 10) } })).status).toBe(431)
  })
})

describe('an attestation document', () => {
  it.each([16, 32, 64])('is given for a nonce of %i bytes', async (length) => {
    const nonce = Buffer.alloc(length, 0xa5)
    const { status, headers, body } = await ask(`${ATTESTATION}?nonce=${nonce.toString('hex')}`)
    expect([status, body]).toEqual([200, DOCUMENT])
    expect(headers).toMatchObject({ 'content-type': 'application/cose', 'cache-control': 'no-store' })
    expect(nonces).toEqual([nonce])
  })

  it.each<[string, string]>([
    ['none', ''],
    ['an empty one', '?nonce='],
    ['one too short', `?nonce=${'a5'.repeat(15)}`],
    ['one too long', `?nonce=${'a5'.repeat(65)}`],
    ['half a byte more', `?nonce=${'a5'.repeat(16)}a`],
    ['one in capitals', `?nonce=${'A5'.repeat(16)}`],
    ['one that is no hex', `?nonce=${'xy'.repeat(16)}`],
    ['one with a line break', `?nonce=${'a5'.repeat(16)}%0a`],
    ['one by another name', `?Nonce=${'a5'.repeat(16)}`],
  ])('is not given for %s', async (_what, query) => {
    const answer = await ask(ATTESTATION + query)
    expect(answer.status).toBe(400)
    expect(jsonOf(answer)).toEqual({ error: expect.stringContaining('16 to 64 bytes') as string })
    expect(nonces).toEqual([])
  })

  it('that cannot be had ends the connection, and says nothing of why', async () => {
    now = { ...now, attest: () => Promise.reject(new Error('the device is gone')) }
    await expect(ask(`${ATTESTATION}?nonce=${'a5'.repeat(16)}`)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect((await ask('/healthz')).status).toBe(200)
  })
})

it('a client that goes away before its answer harms nobody', async () => {
  const asked = Promise.withResolvers<void>()
  const given = Promise.withResolvers<Uint8Array>()
  now = {
    ...now,
    attest() {
      asked.resolve()
      return given.promise
    },
  }
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  socket.on('error', () => {}).write(`GET ${ATTESTATION}?nonce=${'a5'.repeat(16)} HTTP/1.1\r\nhost: x\r\n\r\n`)
  await asked.promise
  socket.destroy()
  await once(socket, 'close')
  given.resolve(DOCUMENT)
  expect((await ask('/healthz')).status).toBe(200)
})
