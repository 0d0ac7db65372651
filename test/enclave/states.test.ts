import { describe, expect, it } from 'vitest'
import { StatesError } from '../../enclave/adapters/s3.ts'
import { parseConfig } from '../../enclave/config.ts'
import { createStateIndex } from '../../enclave/core/state_index.ts'
import type { HostBytes, Queue, States } from '../../enclave/ports.ts'
import { type StateWatch, watchStates } from '../../enclave/states.ts'
import { createMemoryBlobs, flipped, hostBytes, type MemoryBlobs } from '../fakes/blobs.ts'
import { recordLog } from '../fakes/log.ts'
import { createMemoryQueue } from '../fakes/queue.ts'
import { testVault } from '../fakes/vault.ts'
import { catalog, repository, stateText } from './core/world.ts'

const NAMES = ['network', 'registry'] as const
const config = parseConfig(
  Buffer.from(`
environment: production
region: us-east-1
kms_key: arn:aws:kms:us-east-1:111122223333:key/2f1c7e9a
dek_secret: driftseal/dek
queue: https://sqs.us-east-1.amazonaws.com/111122223333/events
state_refresh_interval_secs: 1
states:
  - { name: network, bucket: states, key: network }
  - { name: registry, bucket: states, key: registry }
`),
)
const text = (serial: number, lineage = 'l'): string => stateText(repository, { serial, lineage })
const { signal } = new AbortController()

type Found = Awaited<ReturnType<States['fetch']>>
type Name = (typeof NAMES)[number]

/** States that answer with the version that they were last given, and `unchanged` to whoever knows it. */
function createBucket() {
  const objects = new Map<string, { version: string; bytes: HostBytes }>()
  const asked: (string | undefined)[] = []
  const bucket = {
    away: false,
    asked,
    put: (name: Name, content: string | Uint8Array): void =>
      void objects.set(name, { version: `v${asked.length}`, bytes: hostBytes(content) }),
    async fetch({ key }: { key: string }, known: string | undefined): Promise<Found> {
      asked.push(known)
      if (bucket.away) throw new StatesError('refused', 'S3 gave no state: AccessDenied')
      const object = objects.get(key)
      if (object === undefined) return { kind: 'missing' }
      return object.version === known ? { kind: 'unchanged' } : { kind: 'found', ...object }
    },
  }
  return bucket
}

/** A watch of its own; the store may be one that another filled before. */
function watching({
  bucket = createBucket(),
  blobs = createMemoryBlobs(),
  notices,
  interval = 1,
}: { bucket?: ReturnType<typeof createBucket>; blobs?: MemoryBlobs; notices?: Queue; interval?: number } = {}) {
  const { log, lines, codes } = recordLog()
  const vault = testVault(blobs)
  const index = createStateIndex(catalog.types)
  const watch = watchStates({
    config: { ...config, state_refresh_interval_secs: interval },
    source: bucket,
    notices,
    index,
    vault,
    alarms: vault.alarms,
    clock: { now: () => 0 },
    log,
  })
  const serials = () => NAMES.map((name) => index.serial(name))
  return {
    bucket,
    blobs,
    watch,
    serials,
    lines,
    codes,
    raised: () => vault.alarms.codes(),
    refresh: () => watch.refresh(signal),
  }
}

/** A watch that has both states at serial 5. */
async function settled(how: { notices?: Queue; interval?: number } = {}) {
  const bucket = createBucket()
  for (const name of NAMES) bucket.put(name, text(5))
  const watched = watching({ bucket, ...how })
  expect(await watched.refresh()).toEqual(NAMES)
  return watched
}

describe('states', () => {
  it('are missing until they were good once', async () => {
    const { watch, refresh, bucket, serials, codes } = watching()
    expect(watch.missing()).toEqual(NAMES)
    expect(await refresh()).toEqual([])
    expect(codes()).toEqual(['state.missing', 'state.missing'])
    bucket.put('registry', text(1))
    expect(await refresh()).toEqual(['registry'])
    expect(watch.missing()).toEqual(['network'])
    expect(serials()).toEqual([undefined, 1])
  })

  it('that have not changed are not read again', async () => {
    const { bucket, refresh, codes } = await settled()
    const before = codes().length
    expect(await refresh()).toEqual([])
    expect(bucket.asked).toEqual([undefined, undefined, 'v0', 'v0'])
    expect(codes()).toHaveLength(before)
  })

  it('that moved are told, the others not', async () => {
    const { bucket, refresh, serials, lines } = await settled()
    bucket.put('registry', text(6))
    expect(await refresh()).toEqual(['registry'])
    expect(serials()).toEqual([5, 6])
    expect(lines.at(-1)).toMatchObject({
      code: 'state.loaded',
      fields: { state: 'registry', serial: 6, resources: Object.keys(repository).length },
    })
  })

  it.each<[string, string | Uint8Array, string | undefined]>([
    ['an older serial', text(4), 'state.refused'],
    ['another lineage', text(6, 'another'), 'state.refused'],
    ['the same serial in another version of the object', text(5), undefined],
    ['no JSON', '<xml/>', 'state.malformed'],
    ['an older format', JSON.stringify({ version: 3, serial: 6 }), 'state.malformed'],
    ['what OpenTofu encrypted', JSON.stringify({ encrypted_data: 'x', meta: {} }), 'state.malformed'],
    ['bytes that are not UTF-8', Buffer.from(text(6).replace('{', '{"note":"\xff",'), 'latin1'), 'state.malformed'],
    ['nothing', '', 'state.malformed'],
  ])('stay as they are when they are replaced by %s', async (_what, content, code) => {
    const { bucket, refresh, serials, codes, blobs } = await settled()
    const [before, kept] = [codes().length, new Map(blobs.objects)]
    bucket.put('network', content)
    bucket.put('registry', text(6))
    expect(await refresh()).toEqual(['registry'])
    expect(serials()).toEqual([5, 6])
    expect(codes().slice(before)).toEqual([...(code === undefined ? [] : [code]), 'state.loaded'])
    expect([...blobs.objects].filter(([name, bytes]) => kept.get(name) === bytes)).toHaveLength(1)
  })

  it('stay as they are while they cannot be read, or are gone', async () => {
    const watched = await settled()
    watched.bucket.away = true
    expect(await watched.refresh()).toEqual([])
    expect(watched.lines.at(-1)).toMatchObject({ code: 'state.unavailable', fields: { error: 'refused' } })
    const gone = watching({ blobs: watched.blobs })
    expect(await gone.refresh()).toEqual(NAMES)
    expect(await gone.refresh()).toEqual([])
    expect(gone.serials()).toEqual([5, 5])
  })

  it('never show the log what is in them', async () => {
    const { bucket, refresh, lines } = await settled()
    bucket.put('network', text(6).replace('"version":4', '"version":"a secret"'))
    bucket.put('registry', '{"a secret"')
    await refresh()
    expect(JSON.stringify(lines)).not.toContain('a secret')
  })
})

describe('the last good version', () => {
  it('is in force again after a restart, when the state is away', async () => {
    const { blobs, bucket } = await settled()
    bucket.away = true
    const { watch, refresh, serials, lines, raised } = watching({ blobs, bucket })
    expect(await refresh()).toEqual(NAMES)
    expect(raised()).toEqual(['StateRecalled', 'StateRecalled'])
    expect(serials()).toEqual([5, 5])
    expect(watch.missing()).toEqual([])
    expect(lines.at(-1)).toMatchObject({ code: 'state.recalled', fields: { state: 'registry', serial: 5 } })
    bucket.away = false
    bucket.put('network', text(6))
    expect(await refresh()).toEqual(['network'])
  })

  it('stands in for a new one that is malformed', async () => {
    const { blobs, bucket } = await settled()
    bucket.put('network', 'x')
    const { refresh, serials } = watching({ blobs, bucket })
    expect(await refresh()).toEqual(NAMES)
    expect(serials()).toEqual([5, 5])
  })

  it('is kept under names that say nothing, and sealed', async () => {
    const { blobs } = await settled()
    const held = [...blobs.objects].map(([name, bytes]) => name + Buffer.from(bytes).toString('latin1')).join('\n')
    for (const plain of ['network', 'registry', 'aws_ecr_repository', 'my-app-repo']) expect(held).not.toContain(plain)
  })

  it.each<[string, (blobs: MemoryBlobs['objects'], names: readonly string[]) => void]>([
    [
      'altered',
      (objects, names) => names.forEach((name) => objects.set(name, flipped(objects.get(name) ?? hostBytes('')))),
    ],
    ['cut', (objects, names) => names.forEach((name) => objects.set(name, hostBytes('')))],
    [
      'exchanged',
      (objects, [a = '', b = '']) => {
        const [first, second] = [objects.get(a), objects.get(b)]
        if (first === undefined || second === undefined) throw new Error('no such object')
        objects.set(a, second).set(b, first)
      },
    ],
  ])('that the host has %s is not used, and said', async (_what, tamper) => {
    const { blobs, bucket } = await settled()
    bucket.away = true
    tamper(blobs.objects, [...blobs.objects.keys()])
    const { refresh, watch, raised } = watching({ blobs, bucket })
    expect(await refresh()).toEqual([])
    expect(watch.missing()).toEqual(NAMES)
    expect(raised()).toEqual(['ObjectTampered', 'ObjectTampered'])
  })

  it('that the parent cannot give now is asked for again', async () => {
    const { blobs, bucket } = await settled()
    bucket.away = true
    blobs.fault = () => 'before'
    const { refresh, codes } = watching({ blobs, bucket })
    expect(await refresh()).toEqual([])
    expect(codes().filter((code) => code === 'state.snapshot-unusable')).toHaveLength(2)
    blobs.fault = () => undefined
    expect(await refresh()).toEqual(NAMES)
  })

  it('is told as moved only once it is kept', async () => {
    const { blobs, bucket, refresh, codes } = await settled()
    const faults = ['before', 'after'] as const
    let failures = 0
    blobs.fault = () => faults[failures++]
    bucket.put('network', text(6))
    expect(await refresh()).toEqual(['network'])
    expect(codes().filter((code) => code === 'state.keep.failed')).toHaveLength(2)
    bucket.away = true
    const { refresh: recall, serials } = watching({ blobs, bucket })
    await recall()
    expect(serials()).toEqual([6, 5])
  })
})

/** Follows until something moves, and then to the end. */
async function firstMove(watch: StateWatch): Promise<readonly string[]> {
  const over = new AbortController()
  const { promise, resolve } = Promise.withResolvers<readonly string[]>()
  const followed = watch.follow(async (moved) => {
    if (moved.length > 0) resolve(moved)
  }, over.signal)
  const moved = await promise
  over.abort()
  await Promise.allSettled([followed])
  return moved
}

describe('following', () => {
  it('looks again and again, and ends when all is over', async () => {
    const { bucket, watch } = await settled()
    bucket.put('network', text(6))
    expect(await firstMove(watch)).toEqual(['network'])
  })

  const DAY_SECS = 86_400

  it.each([
    ['nothing', 0, 'before'],
    ['that it cannot be read', 1, 'receive'],
    ['that nothing can be taken off', 1, 'remove'],
  ])('with a queue that says %s, looks all the same', async (_what, warnings, verb) => {
    const notices = createMemoryQueue()
    notices.fault = (asked) => asked === verb
    notices.send(...(verb === 'remove' ? ['a state was written'] : []))
    const { bucket, watch, codes } = await settled({ notices })
    bucket.put('network', text(6))
    expect(await firstMove(watch)).toEqual(['network'])
    expect(codes().filter((code) => code === 'state.notices-unavailable')).toHaveLength(warnings)
  })

  it.each([
    ['one', ['{"source":"aws.s3"}']],
    ['several', ['{"source":"aws.s3"}', '{"source":"aws.s3"}']],
    ['what makes no sense', ['\0']],
  ])('looks as soon as a queue tells of %s, and takes it off', async (_what, bodies) => {
    const notices = createMemoryQueue()
    const { bucket, watch } = await settled({ notices, interval: DAY_SECS })
    bucket.put('registry', text(6))
    const moved = firstMove(watch)
    await notices.drained()
    notices.send(...bodies)
    expect(await moved).toEqual(['registry'])
    expect(notices.kept()).toEqual([])
  })

  it('does not wait for a parent that is away when all is over', async () => {
    const { bucket, watch, blobs } = await settled()
    const over = new AbortController()
    blobs.fault = () => {
      over.abort()
      return 'before'
    }
    bucket.put('network', text(6))
    await expect(watch.refresh(over.signal)).rejects.toMatchObject({ name: 'AbortError' })
  })
})
