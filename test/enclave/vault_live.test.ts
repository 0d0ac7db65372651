import { describe, expect, it } from 'vitest'
import { BlobError } from '../../enclave/adapters/blobs.ts'
import { sealedWith } from '../../enclave/sealing/envelope.ts'
import { createMemoryBlobs, flipped, hostBytes, type MemoryBlobs } from '../fakes/blobs.ts'
import { keyOf, testVault, type TestVault } from '../fakes/vault.ts'

const state = { purpose: 'state', stream: 'state-a' } as const
const other = { purpose: 'state', stream: 'state-b' } as const
const cursor = { purpose: 'cursor', stream: 'cursor-a' } as const

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()
const keyOfObject = (blobs: MemoryBlobs, name: string) => sealedWith(blobs.objects.get(name) ?? new Uint8Array())

async function vaultWithObjects(): Promise<{ blobs: MemoryBlobs; vault: TestVault }> {
  const blobs = createMemoryBlobs()
  const vault = testVault(blobs)
  await vault.keep({ ...state, sequence: 41 }, Buffer.from('a'))
  await vault.keep({ ...other, sequence: 7 }, Buffer.from('b'))
  await vault.keep({ ...cursor, sequence: 3 }, new Uint8Array())
  return { blobs, vault }
}

describe('live objects', () => {
  it('are sealed again under a new key, each in its place', async () => {
    const { blobs, vault } = await vaultWithObjects()
    vault.sealWith(2)
    expect(await vault.renew()).toBe(3)
    for (const { stream } of [state, other, cursor]) expect(keyOfObject(blobs, stream)).toBe(keyOf(2))
    expect(await vault.recall(state)).toMatchObject({ header: { sequence: 41 } })
    expect(text((await vault.recall(other))?.plaintext)).toBe('b')
    expect(await vault.renew()).toBe(0)
  })

  it('that an enclave of before left are sealed again once they were recalled', async () => {
    const { blobs } = await vaultWithObjects()
    const later = testVault(blobs)
    later.sealWith(2)
    await later.recall(state)
    expect(await later.renew()).toBe(1)
    expect(keyOfObject(blobs, state.stream)).toBe(keyOf(2))
  })

  it('that are written while they are renewed end as they were written last', async () => {
    const { blobs, vault } = await vaultWithObjects()
    vault.sealWith(2)
    await Promise.all([vault.renew(), vault.keep({ ...state, sequence: 42 }, Buffer.from('new')), vault.renew()])
    expect(text((await vault.recall(state))?.plaintext)).toBe('new')
    expect(keyOfObject(blobs, state.stream)).toBe(keyOf(2))
  })

  it.each(['before', 'after'] as const)('are renewed again when the parent failed %s it stored one', async (fault) => {
    const { blobs, vault } = await vaultWithObjects()
    vault.sealWith(2)
    blobs.fault = (verb) => (verb === 'replace' ? fault : undefined)
    await expect(vault.renew()).rejects.toThrow(BlobError)
    blobs.fault = () => undefined
    expect(await vault.renew()).toBe(3)
    expect(text((await vault.recall(state))?.plaintext)).toBe('a')
    expect(vault.alarms.all).toEqual([])
  })

  type Attack = [what: string, code: string, attack: (objects: MemoryBlobs['objects']) => void]
  it.each<Attack>([
    ['removed', 'missing', (objects) => objects.delete(state.stream)],
    ['altered', 'replaced', (objects) => objects.set(state.stream, flipped(take(objects, state.stream)))],
    ['exchanged', 'replaced', (objects) => objects.set(state.stream, take(objects, other.stream))],
  ])('that the host %s are not sealed again, and told', async (_what, code, attack) => {
    const { blobs, vault } = await vaultWithObjects()
    attack(blobs.objects)
    vault.sealWith(2)
    expect(await vault.renew()).toBe(2)
    expect(vault.alarms.all).toMatchObject([
      { code: 'ObjectTampered', id: expect.stringContaining(`state-a-${code}-`) as string },
    ])
  })

  it('that the host put back into an older form are not sealed again as if they were the newest', async () => {
    const { blobs, vault } = await vaultWithObjects()
    const old = take(blobs.objects, state.stream)
    await vault.keep({ ...state, sequence: 42 }, Buffer.from('new'))
    blobs.objects.set(state.stream, old)
    vault.sealWith(2)
    expect(await vault.renew()).toBe(2)
    expect(blobs.objects.get(state.stream)).toEqual(old)
    expect(vault.alarms.codes()).toEqual(['ObjectTampered'])
  })
})

describe('what the host gives for a live object', () => {
  it.each<[string, string, (objects: MemoryBlobs['objects']) => void]>([
    ['another object', 'wrong-stream', (objects) => objects.set(state.stream, take(objects, other.stream))],
    ['one of another purpose', 'wrong-purpose', (objects) => objects.set(state.stream, take(objects, cursor.stream))],
    ['one with a bit turned', 'tampered', (objects) => objects.set(state.stream, flipped(take(objects, state.stream)))],
    ['the beginning of it', 'malformed', (objects) => objects.set(state.stream, cut(objects))],
    ['noise', 'malformed', (objects) => objects.set(state.stream, hostBytes('noise'))],
    ['one of another environment', 'wrong-environment', (objects) => objects.set(state.stream, staging())],
  ])('is %s: not used, and told', async (_what, code, attack) => {
    const { blobs } = await vaultWithObjects()
    attack(blobs.objects)
    const vault = testVault(blobs)
    expect(await vault.recall(state)).toBeUndefined()
    expect(vault.alarms.all).toMatchObject([
      { code: 'ObjectTampered', id: expect.stringContaining(`state-a-${code}-`) as string },
    ])
  })

  it('is nothing where nothing was kept', async () => {
    const vault = testVault(createMemoryBlobs())
    expect(await vault.recall(state)).toBeUndefined()
    expect(vault.alarms.all).toEqual([])
  })
})

const take = (objects: MemoryBlobs['objects'], name: string) => objects.get(name) ?? hostBytes('')
const cut = (objects: MemoryBlobs['objects']) => hostBytes(take(objects, state.stream).subarray(0, -8))
const staging = () =>
  hostBytes(
    testVault(createMemoryBlobs(), { environment: 'staging' }).seal({ ...state, sequence: 41 }, Buffer.from('a')),
  )
