import { createHash, createHmac } from 'node:crypto'
import { request, type Agent } from 'node:https'
import type { Finding } from '../core/finding.ts'
import type { Clock, Sink } from '../ports.ts'
import type { Secret } from '../sealing/types.ts'

export class WebhookError extends Error {
  readonly code = 'ERR_WEBHOOK'
}

const TIMEOUT_MS = 15_000
/** Answers that speak of the body, not of the moment: sending it again cannot help. */
const PERMANENT = new Set([400, 413, 415, 422])

/**
 * Posts a finding as JSON, in as many bodies as its format makes of it. `driftseal-signature` is `t=<unix seconds>,v1=<hex>`, the HMAC-SHA256 of `<t>.<body>` under
 * the key that only the receiver and an attested enclave have; `driftseal-delivery` is the same on every retry.
 */
export function openWebhook(world: {
  name: string
  url: string
  agent: Agent
  key: Secret
  clock: Clock
  bodies: (finding: Finding) => readonly string[]
}): Sink {
  async function send(text: string, delivery: string, signal: AbortSignal): Promise<'taken' | 'refused'> {
    const body = Buffer.from(text)
    const at = Math.floor(world.clock.now() / 1000)
    const mac = world.key.use((key) => createHmac('sha256', key).update(`${at}.`).update(body).digest('hex'))
    const status = await post(world.url, world.agent, signal, body, {
      'content-type': 'application/json',
      'content-length': String(body.length),
      'user-agent': 'driftseal',
      'driftseal-signature': `t=${at},v1=${mac}`,
      'driftseal-delivery': delivery,
    })
    if (status >= 200 && status < 300) return 'taken'
    if (PERMANENT.has(status)) return 'refused'
    throw new WebhookError(`${world.name} answered ${status}`)
  }

  return {
    name: world.name,
    async deliver(finding, signal) {
      const answers: ('taken' | 'refused')[] = []
      for (const [index, body] of world.bodies(finding).entries())
        answers.push(await send(body, deliveryId(finding, index), signal))
      return answers.includes('refused') ? 'refused' : 'taken'
    },
  }
}

/** Hashed, because ids come from events and a header must not carry what they may hold. */
const deliveryId = ({ outcome, account, eventId, resource, resolves }: Finding, index: number): string =>
  createHash('sha256')
    .update(JSON.stringify([outcome, account, eventId, resource, resolves, ...(index === 0 ? [] : [index])]))
    .digest('hex')

function post(
  url: string,
  agent: Agent,
  signal: AbortSignal,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  const call = request(url, { method: 'POST', agent, headers, signal: limit })
  call.once('error', (error) => reject(new WebhookError(`no answer from ${new URL(url).host}`, { cause: error })))
  call.once('response', (response) => {
    response.resume()
    resolve(response.statusCode ?? 0)
  })
  call.end(body)
  return promise
}
