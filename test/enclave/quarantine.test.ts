import { describe, expect, it } from 'vitest'
import { openQuarantine } from '../../enclave/quarantine.ts'
import { createMemoryBlobs } from '../fakes/blobs.ts'
import { recordLog } from '../fakes/log.ts'
import { testVault } from '../fakes/vault.ts'

const MAX_KEPT = 1000
const broken = Buffer.from('{"not": quite JSON')

describe('a quarantine', () => {
  it('keeps what is broken sealed, under a name that only chance made', async () => {
    const blobs = createMemoryBlobs()
    const vault = testVault(blobs)
    const { log, lines } = recordLog()
    const quarantine = await openQuarantine(vault, log)
    await quarantine(broken)
    await quarantine(broken)
    const [first, second] = [...blobs.objects.keys()]
    expect([first, second]).toEqual(Array(2).fill(expect.stringMatching(/^quarantine-[0-9a-f]{16}$/)))
    expect(first).not.toBe(second)
    for (const [stream, object] of blobs.objects) {
      expect(Buffer.from(object).includes('JSON')).toBe(false)
      const { plaintext } = await vault.open({ purpose: 'quarantine', stream, sequence: 0 }, object)
      expect(Buffer.from(plaintext)).toEqual(broken)
    }
    expect(lines.at(-1)).toEqual({
      level: 'warn',
      code: 'quarantine.kept',
      fields: { name: second, bytes: broken.length, kept: 2 },
    })
  })

  it('has its bound, over restarts too: who sends rubbish fills no store', async () => {
    const blobs = createMemoryBlobs()
    const { log, codes } = recordLog()
    const first = await openQuarantine(testVault(blobs), log)
    for (let count = 0; count < MAX_KEPT - 1; count += 1) await first(broken)
    const second = await openQuarantine(testVault(blobs), log)
    await second(broken)
    await second(broken)
    expect(blobs.objects.size).toBe(MAX_KEPT)
    expect(codes().at(-1)).toBe('quarantine.full')
  })

  it('says when the parent did not keep it, and does not count it', async () => {
    const blobs = createMemoryBlobs()
    const vault = testVault(blobs)
    const { log, lines } = recordLog()
    const quarantine = await openQuarantine(vault, log)
    blobs.fault = () => 'before'
    await expect(quarantine(broken)).rejects.toMatchObject({ code: 'refused' })
    blobs.fault = () => undefined
    await quarantine(broken)
    expect(lines).toMatchObject([{ code: 'quarantine.kept', fields: { kept: 1 } }])
  })
})
