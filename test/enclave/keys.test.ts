import { beforeEach, describe, expect, it } from 'vitest'
import { openKeys, type Keys } from '../../enclave/keys.ts'
import type { HostBytes } from '../../enclave/ports.ts'
import { open, seal } from '../../enclave/sealing/envelope.ts'
import { digestOf, keyIdOf, type KeyId } from '../../enclave/sealing/ring.ts'
import { recordAlarms, type RecordedAlarms } from '../fakes/alarms.ts'
import { createMemoryBlobs, hostBytes, type MemoryBlobs } from '../fakes/blobs.ts'
import { createFakeKms, ENVIRONMENT, type FakeKms } from '../fakes/kms.ts'
import { recordLog } from '../fakes/log.ts'

let kms: FakeKms
let parent: MemoryBlobs
let s3: MemoryBlobs
let alarms: RecordedAlarms

beforeEach(() => {
  kms = createFakeKms()
  parent = createMemoryBlobs()
  s3 = createMemoryBlobs()
  alarms = recordAlarms()
})

const start = (): Promise<Keys> => openKeys(kms.unwrapping, { parent, s3 }, { alarms, log: recordLog().log })
const sealing = (keys: Keys): KeyId => keys.ring.current('alert').id
const nameOf = (wrapped: HostBytes): string => `key-${keyIdOf(wrapped)}`

const header = { environment: ENVIRONMENT, purpose: 'alert', stream: 'alerts', sequence: 1, time: 0 } as const
const sealed = ({ ring }: Keys): Uint8Array =>
  seal(ring, { ...header, predecessor: new Uint8Array(32) }, new Uint8Array(12), Buffer.from('x'))
const opens = async (keys: Keys, object: Uint8Array): Promise<boolean> => {
  await keys.unlock(object)
  try {
    open(keys.ring, header, object)
    return true
  } catch {
    return false
  }
}

/** Enclaves of before, each of which found another of these keys, sealed something, and is gone. */
async function history(...wrapped: readonly HostBytes[]): Promise<{ ids: KeyId[]; objects: Uint8Array[] }> {
  const ids: KeyId[] = []
  const objects: Uint8Array[] = []
  for (const key of wrapped) {
    kms.rotate(key)
    const keys = await start()
    for (const object of objects) await keys.unlock(object)
    await keys.begin(ids)
    ids.push(sealing(keys))
    objects.push(sealed(keys))
  }
  return { ids, objects }
}

describe('at the start', () => {
  it('AWSCURRENT seals, once it is stored wherever its objects will be', async () => {
    const wrapped = kms.wrap()
    kms.rotate(wrapped)
    const keys = await start()
    expect(await keys.begin([])).toBe(true)
    expect(sealing(keys)).toBe(keyIdOf(wrapped))
    for (const store of [parent, s3]) expect(store.objects.get(nameOf(wrapped))).toEqual(wrapped)
  })

  it('a key that the ledger knows as its newest is nothing new', async () => {
    const { ids } = await history(kms.wrap())
    const keys = await start()
    expect(await keys.begin(ids)).toBe(false)
    expect(sealing(keys)).toBe(ids[0])
    expect(alarms.all).toEqual([])
  })

  it('every Decrypt brings a document of its own', async () => {
    const { objects } = await history(kms.wrap(), kms.wrap())
    const keys = await start()
    for (const object of objects) await keys.unlock(object)
    expect(new Set(kms.asked).size).toBe(kms.asked.length)
  })

  it('a key that is put back is refused: the newest that the ledger knows goes on sealing', async () => {
    const [first, second] = [kms.wrap(), kms.wrap()]
    const { ids, objects } = await history(first, second)
    kms.rotate(first)
    const keys = await start()
    for (const object of objects) await keys.unlock(object)
    expect(await keys.begin(ids)).toBe(false)
    expect(sealing(keys)).toBe(keyIdOf(second))
    expect(alarms.all).toMatchObject([
      { code: 'KeyRolledBack', reason: expect.stringMatching(/put a new one as a new version$/) as string },
    ])
  })

  it('a key of another environment opens nothing, and nothing starts', async () => {
    kms.rotate(kms.wrap('staging'))
    await expect(start()).rejects.toMatchObject({ code: 'foreign' })
  })

  it('no key, no start', async () => {
    await expect(start()).rejects.toThrow(/no AWSCURRENT of driftseal\/dek/)
  })
})

describe('an older key', () => {
  type Case = [where: string, lose: (name: string) => void]
  it.each<Case>([
    ['AWSPREVIOUS', (name) => [parent, s3].forEach(({ objects }) => objects.delete(name))],
    ['its wrapped form with the parent', (name) => [kms.stages, s3.objects].forEach((map) => forget(map, name))],
    ['its wrapped form in S3', (name) => [kms.stages, parent.objects].forEach((map) => forget(map, name))],
  ])('opens what it sealed, from %s, and is put wherever it is missing', async (_where, lose) => {
    const [first, second] = [kms.wrap(), kms.wrap()]
    const { objects } = await history(first, second)
    lose(nameOf(first))
    const keys = await start()
    expect(await opens(keys, objects[0] ?? new Uint8Array())).toBe(true)
    for (const store of [parent, s3]) expect(store.objects.get(nameOf(first))).toEqual(first)
    expect(alarms.all).toEqual([])
  })

  it('swapped for another valid one is not taken for it, and told; the copy in S3 is', async () => {
    const [first, second] = [kms.wrap(), kms.wrap()]
    const { objects } = await history(first, second)
    kms.stages.delete('AWSPREVIOUS')
    parent.objects.set(nameOf(first), second)
    const keys = await start()
    expect(await opens(keys, objects[0] ?? new Uint8Array())).toBe(true)
    expect(alarms.all).toMatchObject([{ code: 'KeyTampered', id: `${nameOf(first)}-${keyIdOf(second)}` }])
    s3.objects.delete(nameOf(first))
    parent.objects.set(nameOf(first), second)
    expect(await opens(await start(), objects[0] ?? new Uint8Array())).toBe(false)
  })

  it.each<[string, () => HostBytes]>([
    ['noise', () => hostBytes(Buffer.alloc(180, 7))],
    ['a key of another environment', () => kms.wrap('staging')],
  ])('that is %s under its right name does no harm, and KMS is asked once', async (_what, plant) => {
    const { objects } = await history(kms.wrap())
    const planted = plant()
    parent.objects.set(nameOf(planted), planted)
    const object = Buffer.from(
      (objects[0] ?? new Uint8Array()).toHex().replace(keyIdOf(firstOf(kms)), keyIdOf(planted)),
      'hex',
    )
    const keys = await start()
    const before = kms.asked.length
    expect(await opens(keys, object)).toBe(false)
    expect(await opens(keys, object)).toBe(false)
    expect(kms.asked.length).toBe(before + 1)
  })

  it('that KMS cannot be asked about now is not given up', async () => {
    const { objects } = await history(kms.wrap(), kms.wrap())
    const keys = await start()
    kms.fault = () => true
    await expect(keys.unlock(objects[0] ?? new Uint8Array())).rejects.toThrow('not reached')
    kms.fault = () => false
    expect(await opens(keys, objects[0] ?? new Uint8Array())).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['noise', 'ffff'],
  ])('is not looked for because of %s', async (_what, hex) => {
    await history(kms.wrap())
    await expect((await start()).unlock(Buffer.from(hex, 'hex'))).resolves.toBeUndefined()
  })
})

describe('a refresh', () => {
  let keys: Keys
  let first: HostBytes
  beforeEach(async () => {
    first = kms.wrap()
    kms.rotate(first)
    keys = await start()
    await keys.begin([])
  })

  it('that finds nothing new asks KMS for nothing', async () => {
    const before = kms.asked.length
    expect(await keys.refresh()).toBe(false)
    expect(kms.asked.length).toBe(before)
  })

  it('that finds a new key seals with it at once, and still opens what the old one sealed', async () => {
    const object = sealed(keys)
    const second = kms.wrap()
    kms.rotate(second)
    expect(await keys.refresh()).toBe(true)
    expect(sealing(keys)).toBe(keyIdOf(second))
    expect(await opens(keys, object)).toBe(true)
    for (const store of [parent, s3]) expect(store.objects.get(nameOf(second))).toEqual(second)
  })

  it('takes the same key under a new version for what it is', async () => {
    kms.rotate(first)
    expect(await keys.refresh()).toBe(false)
    expect(alarms.all).toEqual([])
  })

  it('refuses a key that was replaced before, and then takes a new one', async () => {
    const second = kms.wrap()
    kms.rotate(second)
    await keys.refresh()
    kms.rotate(first)
    expect(await keys.refresh()).toBe(false)
    expect(sealing(keys)).toBe(keyIdOf(second))
    expect(alarms.codes()).toEqual(['KeyRolledBack'])
    kms.rotate(kms.wrap())
    expect(await keys.refresh()).toBe(true)
  })

  it('refuses other bytes under a version that it knows, though they are a valid key', async () => {
    kms.stages.set('AWSCURRENT', { version: 'v1', wrapped: kms.wrap() })
    expect(await keys.refresh()).toBe(false)
    expect(sealing(keys)).toBe(keyIdOf(first))
    expect(alarms.all).toMatchObject([
      { code: 'KeyTampered', reason: expect.stringMatching(/^version v1 of driftseal\/dek held key/) as string },
    ])
  })

  it.each<[string, () => void, () => void]>([
    ['Secrets Manager is away', () => (kms.fault = () => true), () => (kms.fault = () => false)],
    [
      'the new version is no key of ours',
      () => kms.rotate(kms.wrap('staging')),
      () => kms.stages.set('AWSCURRENT', { version: 'v9', wrapped: kms.wrap() }),
    ],
    [
      'the new key cannot be stored',
      () => (s3.fault = (verb) => (verb === 'create' ? 'before' : undefined)),
      () => (s3.fault = () => undefined),
    ],
  ])('fails when %s: the old key goes on sealing, and the next one succeeds', async (_what, harm, mend) => {
    kms.rotate(kms.wrap())
    harm()
    await expect(keys.refresh()).rejects.toThrow(Error)
    expect(sealing(keys)).toBe(keyIdOf(first))
    mend()
    expect(await keys.refresh()).toBe(true)
    expect(sealing(keys)).not.toBe(keyIdOf(first))
  })

  it('leaves the old key until nothing asks for it any more; whoever does later gets it again', async () => {
    const object = sealed(keys)
    kms.rotate(kms.wrap())
    await keys.refresh()
    await keys.unlock(object)
    keys.wipeIdle()
    expect(keys.ring.ids()).toContain(keyIdOf(first))
    keys.wipeIdle()
    expect(keys.ring.ids()).toEqual([sealing(keys)])
    expect(await opens(keys, object)).toBe(true)
  })

  it('keeps digests comparable: over rotation, over the old key’s end, and over a restart', async () => {
    const digest = digestOf(keys.ring, 'secret')
    const second = kms.wrap()
    kms.rotate(second)
    const object = sealed(keys)
    await keys.refresh()
    keys.wipeIdle()
    expect(digestOf(keys.ring, 'secret')).toBe(digest)
    const restarted = await start()
    await restarted.unlock(object)
    await restarted.begin([keyIdOf(first), keyIdOf(second)])
    expect(digestOf(restarted.ring, 'secret')).toBe(digest)
  })
})

const firstOf = ({ stages }: FakeKms): HostBytes => stages.get('AWSCURRENT')?.wrapped ?? hostBytes('')

/** Of the stages it is AWSPREVIOUS that is lost. */
function forget(map: FakeKms['stages'] | MemoryBlobs['objects'], name: string): void {
  ;(map as Map<string, unknown>).delete(map === kms.stages ? 'AWSPREVIOUS' : name)
}
