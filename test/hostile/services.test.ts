import { writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cloudPrincipal, hostPrincipal } from '../../local/principals.ts'
import { openAccount, type Account } from './account.ts'
import { codes, openHost, SAFE, tells, type Host } from './host.ts'
import type { Lie } from './parent.ts'

let account: Account
beforeAll(async () => {
  account = await openAccount()
})
afterAll(() => account[Symbol.asyncDispose]())

const TEN_GB = 10 * 2 ** 30
/** What the sockets and streams on the way hold besides what the enclave takes. */
const BUFFERS = 4 << 20

const at =
  (path: string, answer: (response: ServerResponse, request: IncomingMessage) => void): NonNullable<Lie['answer']> =>
  (request, response, honest) =>
    request.url?.startsWith(path) === true ? answer(response, request) : honest()
const says = (path: string, body: unknown): Lie => ({
  answer: at(path, (response) => void response.end(typeof body === 'string' ? body : JSON.stringify(body))),
})

const held = {
  AccessKeyId: hostPrincipal.credentials.accessKeyId,
  SecretAccessKey: hostPrincipal.credentials.secretAccessKey,
  Token: 'local',
  Expiration: '2040-01-01T00:00:00Z',
}
const credentials = (over: Readonly<Record<string, unknown>>): Lie => says('/credentials', { ...held, ...over })

const lies: readonly [attack: string, lie: Lie, code: string][] = [
  ['another role’s', credentials({ AccessKeyId: cloudPrincipal.credentials.accessKeyId }), 'AccessDeniedException'],
  ['those of nobody', credentials({ AccessKeyId: 'ASIAEXAMPLENOBODY001' }), 'UnrecognizedClientException'],
  ['expired', credentials({ Expiration: '2020-01-01T00:00:00Z' }), 'ERR_CREDENTIALS'],
  ['without a secret', credentials({ SecretAccessKey: undefined }), 'ERR_CREDENTIALS'],
  ['with a line break in them', credentials({ AccessKeyId: `ASIAEXAMPLE\r\nhost: other` }), 'ERR_CREDENTIALS'],
  ['of other types', credentials({ Token: { $ref: '/' } }), 'ERR_CREDENTIALS'],
  ['no JSON', says('/credentials', '<Credentials/>'), 'ERR_CREDENTIALS'],
  ['over 16 KB', says('/credentials', 'a'.repeat(17 << 10)), 'too-large'],
  [
    'elsewhere: a redirect',
    {
      answer: at(
        '/credentials',
        (response) => void response.writeHead(302, { location: 'http://other.example.com/' }).end(),
      ),
    },
    'ERR_CREDENTIALS',
  ],
  ['never', { answer: at('/credentials', () => {}) }, 'timeout'],
  ['a byte at a time', { answer: at('/credentials', drip) }, 'timeout'],
  [
    'half, and hangs up',
    {
      answer: at('/credentials', (response) => {
        response.writeHead(200, { 'content-length': 200 })
        response.write('{"AccessKeyId":', () => response.destroy())
      }),
    },
    'unreachable',
  ],
  [
    'in what is no HTTP',
    { answer: at('/credentials', (response) => void response.socket?.end('\0junk')) },
    'unreachable/HPE_INVALID_CONSTANT',
  ],
]

describe.concurrent('a parent that hands over credentials', () => {
  it.each(lies)('%s', async (_attack, lie, code) => {
    await using host = await openHost(account, lie)
    const id = await host.drift('service-1')
    const failure: unknown = await host.boot().catch((error: unknown) => error)
    expect(failure).toMatchObject({ phase: 'keys', message: expect.stringContaining(code) as string })
    expect(await host.aftermath()).toEqual(SAFE)
    host.parent.tell({})
    await host.boot()
    await tells(host, id)
    expect(await host.aftermath()).toEqual(SAFE)
  })
})

/** What a parent pours out, how much the enclave may take of it, and what a person sees. */
const floods: readonly [what: string, path: string, limit: number, code: string][] = [
  ['credentials', '/credentials', 16 << 10, 'boot.keys.failed'],
  ['a listing', '/blobs?', 16 << 20, 'boot.state.failed'],
  ['an entry of the ledger', '/blobs/alerts-', 2 * (8 << 20), 'boot.state.failed'],
  ['an answer to a write', '/blobs/key-', 4096, 'boot.state.failed'],
]

describe('a parent that answers with 10 GB', () => {
  let like: Host
  beforeAll(async () => {
    like = await openHost(account)
    const enclave = await like.boot()
    await tells(like, await like.drift('service-1'))
    await enclave.stop()
  })
  afterAll(() => like[Symbol.asyncDispose]())

  it.each(floods)('as %s', async (_what, path, limit, code) => {
    let poured = 0
    let closed: Promise<void> = Promise.resolve()
    const lie = {
      answer: at(path, (response) => {
        closed = pour(response, (bytes) => (poured += bytes))
      }),
    }
    await using host = await openHost(account, lie, like)
    await expect(host.boot()).rejects.toMatchObject({ code: 'ERR_BOOT' })
    await closed
    expect(poured).toBeGreaterThan(limit)
    expect(poured).toBeLessThan(limit + BUFFERS)
    expect(codes(host, code)[0]?.['error']).toMatch(/too-large/)
    expect(await host.aftermath()).toEqual(SAFE)
  })
})

describe('what the host could read', () => {
  it('would be found: the host of this test is given a repository’s name', async () => {
    await using host = await openHost(account)
    await host.boot()
    expect(await host.aftermath()).toEqual(SAFE)
    await writeFile(join(host.dir, 'parent', 'blobs', 'x'), `..${Buffer.from('service-17').toString('hex')}..`)
    expect((await host.aftermath()).leaked).toEqual([join(host.dir, 'parent', 'blobs', 'x')])
  })
})

describe.concurrent('a parent that takes log lines and', () => {
  const logs: readonly [what: string, lie: Lie][] = [
    ['refuses them', { answer: at('/log', (response) => void response.writeHead(500).end()) }],
    ['never answers', { answer: at('/log', () => {}) }],
    ['answers with 10 GB', { answer: at('/log', (response) => void pour(response, () => {})) }],
    [
      'keeps each twice, the last first',
      { append: (lines, honest) => honest(lines.repeat(2).split('\n').toReversed().join('\n')) },
    ],
    ['keeps others instead', { append: (_lines, honest) => honest('{"level":"info","code":"all.is.well"}\n') }],
  ]
  it.each(logs)('%s: the alerts go their way', async (_what, lie) => {
    await using host = await openHost(account, lie)
    await host.boot()
    const ids = [await host.drift('service-1'), await host.drift('service-2')]
    for (const id of ids) await tells(host, id)
    expect(await host.cloud.depth()).toBe(0)
    expect(await host.aftermath()).toEqual(SAFE)
  })
})

function drip(response: ServerResponse): void {
  response.writeHead(200)
  const timer = setInterval(() => response.write('{'), 100)
  response.once('close', () => clearInterval(timer))
}

/** Zeros without end, for as long as they are taken. */
async function pour(response: ServerResponse, count: (bytes: number) => void): Promise<void> {
  const chunk = Buffer.alloc(64 << 10)
  function* zeros() {
    for (let left = TEN_GB; left > 0; left -= chunk.length) {
      count(chunk.length)
      yield chunk
    }
  }
  await pipeline(Readable.from(zeros(), { objectMode: false }), response).catch(() => {}) // whoever hears it hangs up
}
