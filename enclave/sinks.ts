import type { Agent } from 'node:https'
import type { Writable } from 'node:stream'
import { openLines } from './adapters/lines.ts'
import { openWebhook } from './adapters/webhook.ts'
import type { SinkConfig } from './config.ts'
import { falcoAlerts, type AlertSettings } from './core/falco/alert.ts'
import type { Finding } from './core/finding.ts'
import { toDriftLog, toJson, toPerson } from './core/render.ts'
import type { Clock, Sink } from './ports.ts'
import type { Secret } from './sealing/types.ts'

/** A finding as programs take it: one text, or one for each rule where the format has no other way to say it. */
const FORMATS: Readonly<
  Record<'finding' | 'drift-log' | 'falco', (finding: Finding, falco: AlertSettings) => readonly string[]>
> = {
  finding: (finding) => [toJson(finding)],
  'drift-log': (finding) => [toDriftLog(finding)],
  falco: (finding, falco) => falcoAlerts(finding, falco).map((alert) => JSON.stringify(alert)),
}

/** Where the sinks of those names write. Of a production enclave nobody sees either. */
export interface Streams {
  readonly console: Writable & { readonly isTTY?: boolean }
  readonly ndjson: Writable
}

/** Opens a sink as the configuration describes it. `keyOf` unwraps the secret that it names. */
export async function openSink(
  sink: SinkConfig,
  world: {
    readonly streams: Streams
    readonly agent: Agent
    readonly clock: Clock
    readonly falco: AlertSettings
    readonly keyOf: (secretId: string) => Promise<Secret>
  },
): Promise<Sink> {
  const { console, ndjson } = world.streams
  const textsOf = (format: keyof typeof FORMATS) => (finding: Finding) => FORMATS[format](finding, world.falco)
  switch (sink.type) {
    case 'console':
      return openLines(sink.name, console, (finding) => toPerson(finding, { colour: console.isTTY === true }))
    case 'ndjson':
      return openLines(sink.name, ndjson, (finding) => textsOf(sink.format)(finding).join('\n'))
    case 'webhook':
      return openWebhook({
        name: sink.name,
        url: sink.url,
        agent: world.agent,
        clock: world.clock,
        bodies: textsOf(sink.format),
        key: await world.keyOf(sink.secret),
      })
  }
}
