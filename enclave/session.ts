import type { Session } from './adapters/rolesanywhere.ts'
import type { Clock, Log } from './ports.ts'
import { codeOf } from './retry.ts'

/** The part of a session's life after which its successor is asked for. The rest is time to ask again. */
const RENEW_AFTER = 2 / 3
/** A refusal stands for so long, however many ask: a thousand states would each ask on their own. */
const REFUSAL_MS = 500

/**
 * One session for all who need it, renewed before it ends. Whoever asks while there is none hears why; a renewal that
 * fails leaves the present one in use and is tried again.
 */
export function keepSession(
  open: () => Promise<Session>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): () => Promise<Session> {
  let session: Session | undefined
  let refusal: unknown
  let due = 0
  let asking: Promise<void> | undefined

  async function ask(): Promise<void> {
    const began = clock.now()
    try {
      session = await open()
      due = began + (session.expiration.getTime() - began) * RENEW_AFTER
      log('info', 'session.opened', { until: session.expiration.toISOString() })
    } catch (error) {
      refusal = error
      due = clock.now() + REFUSAL_MS
      log('error', 'session.refused', { error: codeOf(error) })
    } finally {
      asking = undefined
    }
  }

  return async () => {
    if (clock.now() >= due) await (asking ??= ask())
    if (session !== undefined && clock.now() < session.expiration.getTime()) return session
    throw refusal
  }
}
