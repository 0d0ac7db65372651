import { Transform } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAccount, OTHER_HOST, WEBHOOK, type Account } from './account.ts'
import { codes, LIMITS, openHost, SAFE, tells } from './host.ts'
import { only, type Lie } from './parent.ts'

let account: Account
beforeAll(async () => {
  account = await openAccount()
})
afterAll(() => account[Symbol.asyncDispose]())

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n'
const PLAIN_HTTP = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
/** A TLS record that says: handshake failure. */
const ALERT = Buffer.from('15030300020228', 'hex')
const isSqs = (authority: string): boolean => authority.startsWith('sqs.')

const leads = (elsewhere: string): Lie => ({ connect: (_authority, _client, honest) => honest(elsewhere) })
const answers = (bytes: string | Buffer): Lie => ({ connect: (_authority, client) => void client.end(bytes) })
/** In a tunnel that stands, and not before the enclave's ClientHello. */
const speaks = (bytes: string | Buffer): Lie => ({
  connect(_authority, client) {
    client.write(ESTABLISHED)
    client.once('data', () => client.write(bytes))
  },
})
const cuts = (count: number, then: 'end' | 'reset'): Lie => ({ carry: () => only(count, then) })

const lies: readonly [attack: string, lie: Lie, code: string][] = [
  ['gives no answer', { connect: () => {} }, 'timeout'],
  ['hangs up', { connect: (_authority, client) => void client.destroy() }, 'parent-refused/ECONNRESET'],
  ['answers junk', answers('\0\x01junk\r\n\r\n'), 'parent-refused/HPE_INVALID_CONSTANT'],
  ['answers no', answers('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'), 'parent-refused'],
  [
    'answers with a header of 10 MB',
    answers(`HTTP/1.1 200\r\nx: ${'a'.repeat(10 << 20)}`),
    'parent-refused/HPE_HEADER_OVERFLOW',
  ],
  [
    'leads to S3, which shows its own true certificate',
    leads('another-host.example.com:443'),
    'tls/ERR_TLS_CERT_ALTNAME_INVALID',
  ],
  [
    'leads to a server under a CA of its own',
    leads('foreign-ca.example.com:443'),
    'tls/UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  ['leads to a server whose certificate has run out', leads('expired.example.com:443'), 'tls/CERT_HAS_EXPIRED'],
  ['speaks plain HTTP where TLS should begin', speaks(PLAIN_HTTP), 'tls/ERR_SSL_WRONG_VERSION_NUMBER'],
  ['answers the request before the handshake', answers(`${ESTABLISHED}${PLAIN_HTTP}`), 'parent-refused'],
  ['injects a TLS alert', speaks(ALERT), 'tls/ERR_SSL_SSL'],
  ['is silent in the handshake', speaks(''), 'timeout'],
  ['cuts its answer after 20 bytes', cuts(20, 'reset'), 'parent-refused/ECONNRESET'],
  ['cuts the ServerHello', cuts(100, 'reset'), 'tls/ECONNRESET'],
  ['ends in the certificate', cuts(700, 'end'), 'tls/ECONNRESET'],
]

describe.concurrent('a parent that, asked to CONNECT,', () => {
  it.each(lies)('%s: the enclave does not start, and says why', async (_attack, lie, code) => {
    await using host = await openHost(account, lie)
    await host.drift('service-1')
    await expect(host.boot()).rejects.toThrow(`keys: Secrets Manager gave no AWSCURRENT of driftseal/identity: ${code}`)
    expect(codes(host, 'boot.keys.failed')).toMatchObject([
      { error: expect.stringContaining(`refused/${code}`) as string },
    ])
    expect(await host.aftermath()).toEqual(SAFE)
    expect(account.believed()).toBe(0)
  })

  // One of each kind.
  it.each(lies.filter(([attack]) => /^(hangs|answers junk|leads|is silent|ends)/.test(attack)))(
    '%s, later: the log says why, and what comes is judged when the parent is honest again',
    async (_attack, lie, code) => {
      await using host = await openHost(account)
      await host.boot()
      await tells(host, await host.drift('service-1'))
      host.parent.tell(lie)
      const id = await host.drift('service-2')
      await host.until(() => codes(host, 'queue.receive.failed').length > 0)
      expect(codes(host, 'queue.receive.failed')[0]?.['error']).toContain(code)
      host.parent.tell({})
      await tells(host, id)
      expect(await host.aftermath()).toEqual(SAFE)
      expect(account.believed()).toBe(0)
    },
  )

  it('cuts each tunnel to SQS a little later than the last: in TLS, in answers, anywhere', async () => {
    await using host = await openHost(account)
    await host.boot()
    let count = 0
    host.parent.tell({ carry: (authority) => (isSqs(authority) ? only((count += 500), 'reset') : undefined) })
    const ids = [await host.drift('service-1'), await host.drift('service-2')]
    for (const id of ids) await tells(host, id)
    expect(count).toBeGreaterThan(2000)
    expect(host.delivered.map(({ eventId }) => eventId).toSorted()).toEqual(ids.toSorted())
    expect(await host.aftermath()).toEqual(SAFE)
  })

  it.each([
    ['cuts a state', 'reset'],
    ['stops in a state', 'silence'],
  ] as const)('%s in the middle: the last good one stays in force', async (_attack, then) => {
    const egress = { ...LIMITS.egress, idleTimeoutMs: 1_000 }
    const isState = (authority: string): boolean => authority.startsWith(OTHER_HOST)
    await using host = await openHost(account, {
      carry: (authority) => (isState(authority) ? only(20_000, then) : undefined),
    })
    await host.boot({ limits: { ...LIMITS, egress } })
    expect(codes(host, 'state.unavailable')).toMatchObject([{ error: 'refused/ECONNRESET' }])
    const id = await host.drift('service-1')
    host.parent.tell({})
    await tells(host, id)
    expect(codes(host, 'state.loaded')).toHaveLength(1)
    expect(await host.aftermath()).toEqual(SAFE)
  })

  it('plays back what SQS once answered', async () => {
    await using host = await openHost(account)
    const recorded: Buffer[] = []
    host.parent.tell({ carry: (authority) => (isSqs(authority) ? recorder(recorded) : undefined) })
    await host.boot()
    await tells(host, await host.drift('service-1'))
    const tape = Buffer.concat(recorded)
    host.parent.tell({
      connect: (authority, client, honest) =>
        isSqs(authority)
          ? void client.write(tape.subarray(0, ESTABLISHED.length), () =>
              client.once('data', () => client.write(tape.subarray(ESTABLISHED.length))),
            )
          : honest(),
    })
    await host.until(() => codes(host, 'queue.receive.failed').length > 0)
    expect(codes(host, 'queue.receive.failed')[0]?.['error']).toMatch(/^tls\//)
    host.parent.tell({})
    await tells(host, await host.drift('service-2'))
    expect(host.judged).toHaveLength(2)
    expect(await host.aftermath()).toEqual(SAFE)
  })

  it('leads the alerts to a server of its own', async () => {
    await using host = await openHost(account, {
      connect: (authority, _client, honest) =>
        honest(authority.startsWith(WEBHOOK) ? 'foreign-ca.example.com:443' : authority),
    })
    await host.boot()
    const id = await host.drift('service-1')
    await host.until(() => codes(host, 'sink.on-call.failed').length > 0)
    expect(codes(host, 'sink.on-call.failed')[0]?.['error']).toBe('ERR_WEBHOOK/tls/UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(host.delivered).toEqual([])
    host.parent.tell({})
    await tells(host, id)
    expect(await host.aftermath()).toEqual(SAFE)
    expect(account.believed()).toBe(0)
  })

  it('stops everything: nothing is acknowledged, and nothing lost', async () => {
    await using host = await openHost(account)
    await host.boot()
    await tells(host, await host.drift('service-1'))
    host.parent.tell({
      connect: (_authority, client) => void client.destroy(),
      answer: (request) => void request.socket.destroy(),
    })
    const id = await host.drift('service-2')
    await host.until(() => codes(host, 'queue.receive.failed').length > 0)
    expect(host.judged).toHaveLength(1)
    expect(await host.cloud.depth()).toBe(1)
    expect(await host.aftermath()).toEqual(SAFE)
    host.parent.tell({})
    await tells(host, id)
  })
})

const recorder = (into: Buffer[]): Transform =>
  new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const copy = Buffer.from(chunk) // the relay uses the memory again
      into.push(copy)
      done(null, copy)
    },
  })
