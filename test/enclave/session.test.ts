import { beforeEach, describe, expect, it } from 'vitest'
import { RolesAnywhereError, type Session } from '../../enclave/adapters/rolesanywhere.ts'
import { keepSession } from '../../enclave/session.ts'

const HOUR = 3_600_000
const refused = ['error', 'session.refused', { error: 'disabled' }]
let now: number
let asked: number
let refuse: boolean
let lines: unknown[]
let credentials: () => Promise<Session>

const open = async (): Promise<Session> => {
  asked += 1
  const accessKeyId = `ASIA${asked}`
  await Promise.resolve()
  if (refuse) throw new RolesAnywhereError('disabled', 'no session')
  return { accessKeyId, secretAccessKey: 's', sessionToken: 't', expiration: new Date(now + HOUR) }
}

beforeEach(() => {
  now = 1_800_000_000_000
  asked = 0
  refuse = false
  lines = []
  credentials = keepSession(open, { clock: { now: () => now }, log: (...line) => lines.push(line) })
})

const keyAt = async (time: number): Promise<string> => {
  now = time
  return (await credentials()).accessKeyId
}

describe('a session', () => {
  it('is one for all who ask, however many at once', async () => {
    const all = await Promise.all([credentials(), credentials(), credentials()])
    expect(new Set(all).size).toBe(1)
    expect(asked).toBe(1)
    expect(lines).toEqual([['info', 'session.opened', { until: '2027-01-15T09:00:00.000Z' }]])
  })

  it('is renewed when a third of its life is left', async () => {
    const start = now
    expect(await keyAt(start)).toBe('ASIA1')
    expect(await keyAt(start + 0.66 * HOUR)).toBe('ASIA1')
    expect(await keyAt(start + 0.67 * HOUR)).toBe('ASIA2')
    expect(await keyAt(start + 1.3 * HOUR)).toBe('ASIA2')
  })

  it('stays in use while renewing it fails, until it ends', async () => {
    const start = now
    await credentials()
    refuse = true
    expect(await keyAt(start + 0.7 * HOUR)).toBe('ASIA1')
    expect(await keyAt(start + 0.9 * HOUR)).toBe('ASIA1')
    expect(lines.slice(1)).toEqual([refused, refused])
    await expect(keyAt(start + HOUR)).rejects.toMatchObject({ code: 'disabled' })
    refuse = false
    expect(await keyAt(start + HOUR + 1000)).toMatch(/^ASIA\d$/)
  })

  it('that is refused is asked for again, but not by each of many', async () => {
    refuse = true
    const start = now
    await Promise.allSettled([credentials(), credentials()])
    await expect(keyAt(start + 100)).rejects.toThrow(RolesAnywhereError)
    expect(asked).toBe(1)
    refuse = false
    expect(await keyAt(start + 1000)).toBe('ASIA2')
  })
})
