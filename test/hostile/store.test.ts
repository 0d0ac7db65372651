import { randomBytes } from 'node:crypto'
import { cp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, type Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seal } from '../../enclave/sealing/envelope.ts'
import { createRing } from '../../enclave/sealing/ring.ts'
import { Secret } from '../../enclave/sealing/types.ts'
import { parseBlobName, type Blobs } from '../../parent-proxy/blobs.ts'
import { Refusal } from '../../parent-proxy/refusal.ts'
import { openAccount, OTHER_HOST, type Account } from './account.ts'
import { codes, openHost, SAFE, tells, type Host } from './host.ts'
import type { Lie } from './parent.ts'

let account: Account
/** A host on which three alerts were stored and told. Its ledger has four places: the first tells of the key. */
let like: Host
beforeAll(async () => {
  account = await openAccount()
  like = await openHost(account)
  const enclave = await like.boot({}, PARENT_ONLY)
  for (const name of ['service-1', 'service-2', 'service-3']) await tells(like, await like.drift(name))
  await like.until(() => like.stored.filter((name) => name.startsWith('cursor-')).length === 4)
  await enclave.stop()
})
afterAll(async () => {
  await like[Symbol.asyncDispose]()
  await account[Symbol.asyncDispose]()
})

/** No copy in S3: all that there is, the host has. */
const PARENT_ONLY = { ledger: undefined }

const place = (sequence: number): string => `alerts-${String(sequence).padStart(12, '0')}`
const found = (bytes: Uint8Array) => ({ size: bytes.length, body: Readable.from([bytes], { objectMode: false }) })
const notFound = () => new Refusal('not-found', 'there is no such blob')
const bytesOf = async (honest: Blobs, name: string): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync((await honest.get(parseBlobName(name))).body as AsyncIterable<Buffer>))

/** Gives something else in place of the blobs whose names begin so. */
const gives = (prefix: string, instead: (honest: Blobs, name: string) => Promise<Uint8Array>): Lie => ({
  blobs: (honest) => ({
    get: async (name) => (name.startsWith(prefix) ? found(await instead(honest, name)) : honest.get(name)),
  }),
})
const lists = (change: (names: readonly string[], after: string) => readonly string[]): Lie => ({
  blobs: (honest) => ({
    list: async (prefix, after) =>
      prefix === 'alerts-' ? change(await honest.list(prefix, after), after) : honest.list(prefix, after),
  }),
})
/** Has lost some blobs. */
function lost(...names: readonly string[]): Lie {
  const gone = new Set(names)
  return {
    blobs: (honest) => ({
      list: async (...query) => (await honest.list(...query)).filter((name) => !gone.has(name)),
      get: async (name) => (gone.has(name) ? Promise.reject(notFound()) : honest.get(name)),
      put: (name, body, mode) => honest.put(name, body, gone.delete(name) ? 'replace' : mode),
    }),
  }
}
/** Lists one place more, and has this there. */
const plants = (instead: (honest: Blobs) => Promise<Uint8Array>): Lie => ({
  blobs: (honest) => ({
    list: async (prefix, after) =>
      prefix === 'alerts-' && after < place(5)
        ? [...(await honest.list(prefix, after)), place(5)]
        : honest.list(prefix, after),
    get: async (name) => (name === place(5) ? found(await instead(honest)) : honest.get(name)),
  }),
})
const sealed = (environment: string, ring = account.ring): Uint8Array =>
  seal(
    ring,
    { environment, purpose: 'alert', stream: 'alerts', sequence: 5, predecessor: Buffer.alloc(32), time: Date.now() },
    randomBytes(12),
    Buffer.from('[]'),
  )
function foreign() {
  const ring = createRing()
  const id = ring.add(randomBytes(180), new Secret(randomBytes(32)))
  ring.sealWith(id)
  return { ring, name: `key-${id}` }
}

const finds: readonly [attack: string, lie: () => Lie, alarm: string, reason: RegExp][] = [
  ['has lost a place', () => lost(place(3)), 'LedgerTampered', /place 3 is missing/],
  [
    'lists a place and has nothing there',
    () => ({
      blobs: (honest) => ({ get: (name) => (name === place(3) ? Promise.reject(notFound()) : honest.get(name)) }),
    }),
    'LedgerTampered',
    /place 3 is missing/,
  ],
  [
    'has lost the newest place',
    () => lost(place(4)),
    'LedgerTampered',
    /ends at place 3, but on-call was told of place 4/,
  ],
  [
    'has lost all but what says how far it came',
    () => lost(place(1), place(2), place(3), place(4)),
    'LedgerTampered',
    /ends at place 0/,
  ],
  [
    'exchanges two places',
    () =>
      gives('alerts-', (honest, name) =>
        bytesOf(honest, name === place(2) ? place(3) : name === place(3) ? place(2) : name),
      ),
    'LedgerTampered',
    /place 2 holds the entry of place 3; place 3 holds the entry of place 2/,
  ],
  [
    'replays an old entry as a new one',
    () => plants((honest) => bytesOf(honest, place(2))),
    'LedgerTampered',
    /place 5 holds the entry of place 2/,
  ],
  [
    'gives a part of an entry',
    () => gives(place(3), async (honest, name) => (await bytesOf(honest, name)).subarray(0, -20)),
    'LedgerTampered',
    /place 3 was altered or cut/,
  ],
  [
    'gives an entry with one bit changed',
    () => gives(place(3), async (honest, name) => flip(await bytesOf(honest, name))),
    'LedgerTampered',
    /place 3 was altered or cut/,
  ],
  ['gives noise', () => gives(place(3), async () => randomBytes(500)), 'LedgerTampered', /place 3 was altered or cut/],
  [
    'gives nothing but zero bytes',
    () => gives(place(3), async () => Buffer.alloc(8 << 20)),
    'LedgerTampered',
    /place 3 was altered or cut/,
  ],
  [
    'plants an entry of another environment',
    () => plants(async () => sealed('staging')),
    'LedgerTampered',
    /place 5 holds something .*wrong-environment/,
  ],
  [
    'plants an entry under a key of its own',
    () => plants(async () => sealed('local', foreign().ring)),
    'LedgerTampered',
    /place 5 holds something .*unknown-key/,
  ],
  [
    'plants an entry under a key of its own, and ours under that one’s name',
    () => {
      const { ring, name } = foreign()
      const entry = sealed('local', ring)
      return {
        blobs: (honest) => ({
          ...plants(async () => entry).blobs?.(honest),
          get: async (asked) =>
            asked === place(5)
              ? found(entry)
              : honest.get(asked === name ? parseBlobName(await nameLike('key-')) : asked),
        }),
      }
    },
    'KeyTampered',
    /what the host keeps as key-[0-9a-f]{16} is something else/,
  ],
  [
    'gives a state for the cursor',
    () => gives('cursor-', async (honest) => bytesOf(honest, await nameLike('state-'))),
    'ObjectTampered',
    /changed, exchanged or cut \(wrong-purpose\)/,
  ],
  [
    'gives half of the cursor',
    () => gives('cursor-', async (honest, name) => (await bytesOf(honest, name)).subarray(0, 40)),
    'ObjectTampered',
    /changed, exchanged or cut/,
  ],
]

const flip = (bytes: Buffer): Buffer => {
  const last = bytes.length - 1
  bytes[last] = (bytes[last] ?? 0) ^ 1
  return bytes
}
const nameLike = async (prefix: string): Promise<string> =>
  (await readdir(join(like.dir, 'parent', 'blobs'))).find((name) => name.startsWith(prefix)) ?? ''

describe.concurrent('a parent that, when the enclave starts again,', () => {
  it.each(finds)('%s: an alarm says so, and the enclave goes on', async (_attack, lie, alarm, reason) => {
    await using host = await openHost(account, lie(), like)
    await host.boot({}, PARENT_ONLY)
    await host.until(() => host.delivered.some(({ event }) => event === alarm))
    expect(host.delivered.find(({ event }) => event === alarm)).toMatchObject({
      outcome: 'tamper',
      reason: expect.stringMatching(reason) as string,
    })
    await tells(host, await host.drift('service-9'))
    expect(await host.aftermath()).toEqual(SAFE)
  })
})

const refused: readonly [attack: string, lie: Lie, error: RegExp][] = [
  ['lists in no order', lists((names) => names.toReversed()), /malformed/],
  ['lists names twice', lists((names) => names.flatMap((name) => [name, name])), /malformed/],
  ['lists what was not asked for', lists((names) => [...names, 'state-0123456789abcdef']), /malformed/],
  ['lists paths', lists(() => ['alerts-/../../etc/shadow']), /malformed/],
  ['lists the same page for ever', lists(() => [place(1), place(2)]), /malformed/],
  ['lists without end', lists((_names, after) => pageAfter(after)), /malformed|too-large/],
  [
    'lists in what is no JSON',
    {
      answer: (request, response, honest) =>
        request.url?.startsWith('/blobs?') === true ? void response.end('[') : honest(),
    },
    /malformed/,
  ],
  [
    'claims that an entry has 10 GB, and sends what there is',
    { blobs: (honest) => ({ get: async (name) => ({ ...(await honest.get(name)), size: 10 * 2 ** 30 }) }) },
    /unreachable|timeout/,
  ],
]

const pageAfter = (after: string): readonly string[] => {
  const first = Number(after.slice('alerts-'.length)) + 1
  return Array.from({ length: 500_000 }, (_, index) => place(first + index))
}

describe.concurrent('a parent that, when the enclave starts again,', () => {
  it.each(refused)('%s: it does not start, and says why', async (_attack, lie, error) => {
    await using host = await openHost(account, lie, like)
    await expect(host.boot({}, PARENT_ONLY)).rejects.toMatchObject({ phase: 'state' })
    expect(codes(host, 'boot.state.failed')[0]?.['error']).toMatch(error)
    expect(await host.aftermath()).toEqual(SAFE)
  })
})

/** With the copy in S3, which is there by default. */
describe.concurrent('a parent that, while the enclave runs,', () => {
  it('says that it stored what it did not: the alerts come from S3', async () => {
    await using host = await openHost(account)
    const enclave = await host.boot()
    host.parent.tell({ blobs: () => ({ put: async (_name, body) => void (await Array.fromAsync(body)) }) })
    for (const name of ['service-1', 'service-2']) await tells(host, await host.drift(name))
    expect(await host.aftermath()).toEqual(SAFE)

    await enclave.stop()
    host.parent.tell({})
    await host.boot()
    await host.until(() => host.delivered.some(({ event }) => event === 'LedgerRepaired'))
    expect(codes(host, 'ledger.opened').at(-1)).toMatchObject({ findings: 2, anomalies: 0, repaired: 2 })
  })

  it('puts all that it has back to an older day, the marks of it too: S3 tells', async () => {
    await using host = await openHost(account)
    const enclave = await host.boot()
    await tells(host, await host.drift('service-1'))
    const [blobs, old] = ['blobs', 'old'].map((name) => join(host.dir, 'parent', name)) as [string, string]
    await cp(blobs, old, { recursive: true })
    await tells(host, await host.drift('service-2'))
    await enclave.stop()

    await rm(blobs, { recursive: true })
    await rename(old, blobs)
    await host.boot()
    await host.until(() => host.delivered.some(({ event }) => event === 'LedgerRepaired'))
    expect(await host.aftermath()).toEqual(SAFE)
  })

  it('says so where nobody else has a copy: an alarm names the place, and nothing is made up', async () => {
    await using host = await openHost(account)
    await host.boot({}, PARENT_ONLY)
    host.parent.tell({
      blobs: (honest) => ({
        put: async (name, body, mode) =>
          name === place(2) ? void (await Array.fromAsync(body)) : honest.put(name, body, mode),
      }),
    })
    await host.drift('service-1')
    await host.until(() => host.delivered.some(({ event }) => event === 'LedgerTampered'))
    expect(host.delivered).toMatchObject([
      { outcome: 'tamper', reason: expect.stringMatching(/^place 2 of the ledger was lost or altered/) as string },
    ])
  })

  it.each<[attack: string, lie: (honest: Blobs) => Partial<Blobs>]>([
    [
      'stores, and answers 500',
      (honest) => ({
        put: async (...call) => {
          await honest.put(...call)
          throw new Error('disk')
        },
      }),
    ],
    [
      'stores, and does not answer',
      (honest) => ({
        put: async (...call) => {
          await honest.put(...call)
          await new Promise<never>(() => {})
        },
      }),
    ],
  ])('%s: each alert is stored once and told once', async (_attack, blobs) => {
    await using host = await openHost(account)
    await host.boot()
    let lies = 3
    host.parent.tell({ blobs: (honest) => (lies-- > 0 ? blobs(honest) : {}) })
    const ids = [await host.drift('service-1'), await host.drift('service-2')]
    for (const id of ids) await tells(host, id)
    expect(host.delivered.map(({ eventId }) => eventId).toSorted()).toEqual(ids.toSorted())
    expect(codes(host, 'ledger.append.failed').length).toBeGreaterThan(0)
    expect(await host.aftermath()).toEqual(SAFE)
  })

  it.each<[attack: string, lie: Lie]>([
    [
      'says "taken" and has nothing',
      { blobs: () => ({ put: () => Promise.reject(new Refusal('taken', 'the name is taken')) }) },
    ],
    [
      'says "taken" and has something else',
      {
        blobs: () => ({
          put: () => Promise.reject(new Refusal('taken', 'the name is taken')),
          get: async () => found(randomBytes(100)),
        }),
      },
    ],
  ])('%s: the enclave ends, and the event stays in its queue', async (_attack, lie) => {
    await using host = await openHost(account)
    const enclave = await host.boot()
    host.parent.tell(lie)
    const id = await host.drift('service-1')
    expect(await enclave.ended).toMatchObject({ code: 'ERR_NAME_TAKEN' })
    await enclave.stop() // as the end of its process does
    expect(host.judged).toEqual([])
    expect(await host.cloud.depth()).toBe(1)
    host.parent.tell({})
    await host.boot()
    await tells(host, id)
    expect(await host.aftermath()).toEqual(SAFE)
  })

  it('gives other alerts to tell than those that were stored: they are not told', async () => {
    await using host = await openHost(account)
    await host.boot({}, PARENT_ONLY)
    const first = await host.drift('service-1')
    await tells(host, first)
    host.parent.tell(gives(place(3), (honest) => bytesOf(honest, place(2))))
    await host.drift('service-2')
    await host.until(() => host.delivered.some(({ event }) => event === 'LedgerTampered'))
    const told = host.delivered.filter(({ outcome }) => outcome === 'drift').map(({ eventId }) => eventId)
    expect(new Set(told)).toEqual(new Set([first])) // twice, where the answer to the first time was lost
    expect(await host.aftermath()).toEqual(SAFE)
  })
})

describe.concurrent('a parent that keeps S3 from the enclave and gives the state that it has', () => {
  const withoutS3 = (authority: string, client: Duplex, honest: () => void) =>
    authority.startsWith(OTHER_HOST) ? void client.destroy() : honest()

  it('as it was stored, be it an old one: it is in force, and an alarm says so', async () => {
    await using host = await openHost(account, { connect: withoutS3 }, like)
    await host.boot({}, PARENT_ONLY)
    expect(codes(host, 'state.recalled')).toEqual([{ state: 'registry', serial: 1 }])
    await host.until(() => host.delivered.some(({ event }) => event === 'StateRecalled'))
    await tells(host, await host.drift('service-9'))
    expect(await host.aftermath()).toEqual(SAFE)
  })

  it.each<[what: string, instead: (honest: Blobs, name: string) => Promise<Uint8Array>]>([
    ['cut', async (honest, name) => (await bytesOf(honest, name)).subarray(0, -1)],
    ['changed', async (honest, name) => flip(await bytesOf(honest, name))],
    ['exchanged for an alert', (honest) => bytesOf(honest, place(2))],
  ])('%s: nothing is judged without a state, and an alarm says why', async (_what, instead) => {
    await using host = await openHost(account, { connect: withoutS3, ...gives('state-', instead) }, like)
    await host.boot({}, PARENT_ONLY)
    await host.until(() => host.delivered.some(({ event }) => event === 'ObjectTampered'))
    const id = await host.drift('service-9')
    await host.until(() => codes(host, 'state.unavailable').length > 1)
    expect(host.judged.filter(({ eventId }) => eventId === id)).toEqual([])
    expect(await host.cloud.depth()).toBe(1)
    host.parent.tell({})
    await tells(host, id)
    expect(await host.aftermath()).toEqual(SAFE)
  })
})
