import { setTimeout as sleep } from 'node:timers/promises'
import type { Alarms } from './alarms.ts'
import type { Alarm } from './core/alarm.ts'
import { StateError, parseState } from './core/state.ts'
import type { StateIndex } from './core/state_index.ts'
import type { Config } from './config.ts'
import type { Clock, HostBytes, Log, Queue, States } from './ports.ts'
import { codeOf, persist } from './retry.ts'
import { opaque, type Vault } from './vault.ts'

export interface StateWatch {
  /** One look at every state; the names of those whose new version is now in force. */
  refresh(signal: AbortSignal): Promise<readonly string[]>
  /** States of which no version was ever good: without them nothing can be judged. */
  missing(): readonly string[]
  /** Looks when a state was written, and now and then, until the signal aborts; tells after each look what moved, if anything did. */
  follow(looked: (moved: readonly string[]) => Promise<void>, signal: AbortSignal): Promise<void>
}

interface Parts {
  readonly config: Config
  readonly source: States
  readonly notices: Queue | undefined
  readonly index: StateIndex
  readonly vault: Vault
  readonly alarms: Alarms
  readonly clock: Clock
  readonly log: Log
}

type StateConfig = Config['states'][number]

/** Terraform writes more than once within an apply. It also bounds how often others can make the enclave look. */
const GATHER_MS = 1000

const place = (state: StateConfig) => ({ purpose: 'state', stream: `state-${opaque(state.name)}` }) as const

/**
 * Keeps the index as new as the states that Terraform writes. Whatever goes wrong with one of them, its last good
 * version stays in force, also over a restart: it is kept sealed in the parent's store.
 */
export function watchStates({ config, source, notices, index, vault, alarms, clock, log }: Parts): StateWatch {
  const fetched = new Map<string, string>()
  /** Puts a version in force; false if it is not newer than what is. */
  function adopt(state: StateConfig, bytes: Uint8Array): boolean {
    const parsed = parseState(bytes, state.name)
    const replacement = index.replace(parsed, clock.now())
    if (replacement.kind === 'refused') log('error', 'state.refused', { state: state.name, reason: replacement.reason })
    if (replacement.kind === 'replaced') {
      log('info', 'state.loaded', { state: state.name, serial: parsed.serial, resources: parsed.instances.length })
    }
    return replacement.kind === 'replaced'
  }

  async function fetch(state: StateConfig): Promise<HostBytes | undefined> {
    const answer = await source.fetch(state, fetched.get(state.name))
    switch (answer.kind) {
      case 'unchanged':
        return undefined
      case 'missing':
        log('warn', 'state.missing', { state: state.name, bucket: state.bucket, key: state.key })
        return undefined
      case 'found':
        fetched.set(state.name, answer.version)
        return answer.bytes
    }
  }

  async function look(state: StateConfig, signal: AbortSignal): Promise<boolean> {
    try {
      const bytes = await fetch(state)
      if (bytes === undefined || !adopt(state, bytes)) return false
      await persist('state.keep', () => keep(state, bytes), { log, signal })
      return true
    } catch (error) {
      signal.throwIfAborted()
      log('error', error instanceof StateError ? 'state.malformed' : 'state.unavailable', {
        state: state.name,
        error: codeOf(error),
      })
      return false
    }
  }

  async function keep(state: StateConfig, bytes: Uint8Array): Promise<void> {
    await vault.keep({ ...place(state), sequence: index.serial(state.name) ?? 0 }, bytes)
  }

  async function recall(state: StateConfig): Promise<boolean> {
    try {
      const snapshot = await vault.recall(place(state))
      if (snapshot === undefined || !adopt(state, snapshot.plaintext)) return false
      const serial = index.serial(state.name) ?? 0
      log('warn', 'state.recalled', { state: state.name, serial })
      alarms.raise(recalled(state.name, serial, clock.now()))
      return true
    } catch (error) {
      log('error', 'state.snapshot-unusable', { state: state.name, error: codeOf(error) })
      return false
    }
  }

  const isMissing = (state: StateConfig): boolean => index.serial(state.name) === undefined

  async function refresh(signal: AbortSignal): Promise<readonly string[]> {
    const moved: string[] = []
    for (const state of config.states) {
      if ((await look(state, signal)) || (isMissing(state) && (await recall(state)))) moved.push(state.name)
    }
    return moved
  }

  /** Until somebody has written a state, or it is time to look anyway. */
  async function waited(signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    const interval = sleep(config.state_refresh_interval_secs * 1000, undefined, { signal: either })
    if (notices === undefined) return interval
    const told = noticed(notices, either).catch((error: unknown) => {
      either.throwIfAborted()
      log('warn', 'state.notices-unavailable', { error: codeOf(error) })
      return interval
    })
    await Promise.race([interval, told]).finally(() => over.abort())
  }

  return {
    refresh,
    missing: () => config.states.filter(isMissing).map(({ name }) => name),
    async follow(looked, signal) {
      while (!signal.aborted) {
        await waited(signal)
        await looked(await refresh(signal))
      }
    },
  }
}

/** The host chose which of the sealed versions it gave back, and it may be what keeps the newest from us. */
const recalled = (state: string, serial: number, now: number): Alarm => ({
  code: 'StateRecalled',
  id: `${state}-${serial}-${new Date(now).toISOString()}`,
  reason: `state ${state} could not be read where it lives, so changes are judged by the version that the host keeps, serial ${serial}: see that it is the newest, and why S3 was not reached`,
})

/**
 * Until a notice comes. What it says is not looked at: it makes the enclave look, and no more. It is off the queue before
 * the look, so that what is written meanwhile is told again.
 */
async function noticed(notices: Queue, signal: AbortSignal): Promise<void> {
  let messages = await notices.receive(signal)
  while (messages.length === 0) messages = await notices.receive(signal)
  await notices.remove(messages)
  await sleep(GATHER_MS, undefined, { signal })
}
