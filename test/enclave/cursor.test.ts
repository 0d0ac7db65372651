import { describe, expect, it } from 'vitest'
import { openCursor } from '../../enclave/cursor.ts'
import { createMemoryBlobs, flipped, hostBytes, type MemoryBlobs } from '../fakes/blobs.ts'
import { testVault } from '../fakes/vault.ts'

/** The sink's cursor, as an enclave that has just started finds it. */
const cursorOf = (blobs: MemoryBlobs, sink = 'on-call') => openCursor(sink, testVault(blobs))
const only = (blobs: MemoryBlobs): string => [...blobs.objects.keys()][0] ?? ''

describe('a cursor', () => {
  it('begins at the beginning, and stays where it was left', async () => {
    const blobs = createMemoryBlobs()
    const cursor = cursorOf(blobs)
    expect(await cursor.read()).toBe(0)
    for (const sequence of [1, 2, 300]) {
      await cursor.write(sequence)
      expect(await cursor.read()).toBe(sequence)
    }
    expect(await cursorOf(blobs).read()).toBe(300)
    expect(blobs.objects.size).toBe(1)
  })

  it('is one for each sink, under a name that does not tell which', async () => {
    const blobs = createMemoryBlobs()
    await cursorOf(blobs, 'on-call').write(7)
    await cursorOf(blobs, 'log').write(3)
    expect([await cursorOf(blobs, 'on-call').read(), await cursorOf(blobs, 'log').read()]).toEqual([7, 3])
    expect([...blobs.objects.keys()].join()).not.toMatch(/on-call|log/)
  })

  it.each<[string, (blobs: MemoryBlobs) => void]>([
    ['lost', (blobs) => blobs.objects.clear()],
    ['altered', (blobs) => blobs.objects.set(only(blobs), flipped(blobs.objects.get(only(blobs)) ?? hostBytes('')))],
    ['exchanged for noise', (blobs) => blobs.objects.set(only(blobs), hostBytes('noise'))],
  ])('that the host has %s is at the beginning: a sink hears twice, and misses nothing', async (_what, tamper) => {
    const blobs = createMemoryBlobs()
    await cursorOf(blobs).write(7)
    tamper(blobs)
    expect(await cursorOf(blobs).read()).toBe(0)
  })

  it('of another sink is not taken for this one’s', async () => {
    const blobs = createMemoryBlobs()
    await cursorOf(blobs, 'log').write(1)
    const mine = only(blobs)
    await cursorOf(blobs, 'on-call').write(1000)
    const theirs = [...blobs.objects.keys()].find((name) => name !== mine) ?? ''
    blobs.objects.set(mine, blobs.objects.get(theirs) ?? hostBytes(''))
    expect(await cursorOf(blobs, 'log').read()).toBe(0)
  })

  it('that the parent cannot give is not taken for one that is lost', async () => {
    const blobs = createMemoryBlobs()
    blobs.fault = () => 'before'
    await expect(cursorOf(blobs).read()).rejects.toMatchObject({ code: 'refused' })
    await expect(cursorOf(blobs).write(1)).rejects.toMatchObject({ code: 'refused' })
  })
})
