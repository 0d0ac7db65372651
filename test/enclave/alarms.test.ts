import { expect, it } from 'vitest'
import { createAlarms } from '../../enclave/alarms.ts'
import { alarmFinding, type Alarm } from '../../enclave/core/alarm.ts'
import { createDrifts } from '../../enclave/core/drifts.ts'
import { toPerson } from '../../enclave/core/render.ts'
import { recordLog } from '../fakes/log.ts'

const alarm = (id: string): Alarm => ({ code: 'LedgerTampered', id, reason: 'place 3 is missing' })

it('alarms wait until somebody listens, and are told one after the other', async () => {
  const { log, lines } = recordLog()
  const alarms = createAlarms(log)
  alarms.raise(alarm('a'))
  alarms.raise(alarm('a'))
  alarms.raise(alarm('b'))
  const told: string[] = []
  const stop = new AbortController()
  const following = alarms.follow(async ({ id }) => {
    told.push(id)
    if (id === 'b') queueMicrotask(() => alarms.raise(alarm('c')))
    if (id === 'c') stop.abort()
  }, stop.signal)
  await expect(following).rejects.toThrow('aborted')
  expect(told).toEqual(['a', 'b', 'c'])
  expect(lines[0]).toEqual({ level: 'error', code: 'alarm.raised', fields: { alarm: 'LedgerTampered', id: 'a' } })
})

const finding = alarmFinding(alarm('a'), Date.parse('2026-01-05T08:00:00Z'))

it('an alarm reads like a finding', () => {
  expect(toPerson(finding, { colour: false }).split('\n')).toEqual([
    'TAMPER  critical  driftseal',
    '  LedgerTampered by unknown, 2026-01-05 08:00:00.000 UTC',
    '  place 3 is missing',
  ])
})

it('the same alarm is known again, also from what was stored; another is not', () => {
  const drifts = createDrifts([finding])
  expect(drifts.isSeen(alarmFinding(alarm('a'), 0))).toBe(true)
  expect(drifts.isSeen(alarmFinding(alarm('b'), 0))).toBe(false)
})
