import type { Agent } from 'node:https'
import type { Writable } from 'node:stream'
import { openLines } from './adapters/lines.ts'
import { openWebhook } from './adapters/webhook.ts'
import type { SinkConfig } from './config.ts'
import { toDriftLog, toJson, toPerson } from './core/render.ts'
import type { Clock, Sink } from './ports.ts'
import type { Secret } from './sealing/types.ts'

const FORMATS = { finding: toJson, 'drift-log': toDriftLog }

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
    readonly keyOf: (secretId: string) => Promise<Secret>
  },
): Promise<Sink> {
  const { console, ndjson } = world.streams
  switch (sink.type) {
    case 'console':
      return openLines(sink.name, console, (finding) => toPerson(finding, { colour: console.isTTY === true }))
    case 'ndjson':
      return openLines(sink.name, ndjson, FORMATS[sink.format])
    case 'webhook':
      return openWebhook({
        name: sink.name,
        url: sink.url,
        agent: world.agent,
        clock: world.clock,
        body: FORMATS[sink.format],
        key: await world.keyOf(sink.secret),
      })
  }
}
