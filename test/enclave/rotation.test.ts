import { expect, it } from 'vitest'
import type { Keys } from '../../enclave/keys.ts'
import type { Ledger } from '../../enclave/ledger.ts'
import { rotate } from '../../enclave/rotation.ts'
import { createRing } from '../../enclave/sealing/ring.ts'
import { recordAlarms } from '../fakes/alarms.ts'
import { recordLog } from '../fakes/log.ts'

/** As short as an interval may be. */
const INTERVAL_SECS = 0.001
const NEVER = new Promise<never>(() => {})

/** Runs the loop over these answers of `refresh`, one a look; it ends when they do. */
async function run(
  looks: readonly (boolean | Error)[],
  { renew = async () => 0, append = async () => {} }: { renew?: () => Promise<number>; append?: Ledger['append'] } = {},
) {
  const done: string[] = []
  const remaining = [...looks]
  const stop = new AbortController()
  const alarms = recordAlarms()
  const log = recordLog()
  const keys: Keys = {
    ring: createRing(),
    begin: async () => false,
    unlock: async () => {},
    wipeIdle: () => void done.push('wipe'),
    async refresh() {
      const look = remaining.shift()
      if (look === undefined) {
        stop.abort()
        throw new Error('over')
      }
      if (look instanceof Error) throw look
      done.push(look ? 'adopted' : 'same')
      return look
    },
  }
  const ledger: Ledger = {
    async append(findings, signal) {
      done.push(`entry of ${findings.length}`)
      await append(findings, signal)
    },
    read: async () => [],
    openedAt: 0,
    beyond: () => NEVER,
  }
  const vault = {
    async renew() {
      done.push('renew')
      return renew()
    },
  }
  const ended = rotate({ keys, ledger, vault }, INTERVAL_SECS, {
    alarms,
    log: log.log,
    clock: { now: () => 0 },
    signal: stop.signal,
  })
  const error = await ended.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { done, alarms, log, error }
}

it('a new key is noted in the ledger, live objects are sealed again, and idle keys wiped', async () => {
  expect((await run([false, true])).done).toEqual(['same', 'renew', 'wipe', 'adopted', 'entry of 0', 'renew', 'wipe'])
})

const away = new Error('away')

it.each<[string, readonly (boolean | Error)[], number]>([
  ['two failures are weather', [away, away, false, away, away], 0],
  ['three in a row are an alarm', [away, away, away], 1],
  ['which is not repeated while they last', [away, away, away, away, away, away, away], 1],
  ['but is when they come again', [away, away, away, false, away, away, away], 2],
])('%s', async (_what, looks, count) => {
  const { alarms, log } = await run(looks)
  expect(alarms.codes()).toEqual(Array(count).fill('KeyRefreshFailing'))
  expect(log.codes().filter((code) => code === 'key.refresh.failed')).toHaveLength(
    looks.filter((look) => look instanceof Error).length,
  )
})

it('a parent that is away delays the renewal, and nothing else', async () => {
  const { done, log } = await run([true, false], { renew: () => Promise.reject(away) })
  expect(done).toEqual(['adopted', 'entry of 0', 'renew', 'wipe', 'same', 'renew', 'wipe'])
  expect(log.codes().filter((code) => code === 'vault.renew.failed')).toHaveLength(2)
})

it('a ledger that another writes to ends it', async () => {
  const taken = new Error('taken')
  expect((await run([true, true], { append: () => Promise.reject(taken) })).error).toBe(taken)
})
