import { Agent } from 'node:https'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { SinkConfig } from '../../enclave/config.ts'
import { Secret } from '../../enclave/sealing/types.ts'
import { openSink } from '../../enclave/sinks.ts'
import { findingOf } from './findings.ts'

const finding = findingOf('event-1')
const { signal } = new AbortController()

/** What a sink writes of one finding, and which secrets it asked for. */
async function written(sink: SinkConfig, isTTY = false) {
  const streams = { console: Object.assign(new PassThrough(), { isTTY }), ndjson: new PassThrough() }
  const asked: string[] = []
  const opened = await openSink(sink, {
    streams,
    agent: new Agent(),
    clock: { now: () => 0 },
    falco: { hostname: 'production', tags: (rule) => [`tag of ${rule}`] },
    keyOf: async (secret) => {
      asked.push(secret)
      return new Secret(new Uint8Array(32))
    },
  })
  if (sink.type !== 'webhook') await opened.deliver(finding, signal)
  streams.console.end()
  streams.ndjson.end()
  return { name: opened.name, asked, console: await text(streams.console), ndjson: await text(streams.ndjson) }
}

const outcomes: SinkConfig['outcomes'] = ['drift']

describe('a sink', () => {
  it('for people writes on the console, in colour only on a terminal', async () => {
    const sink = { type: 'console', name: 'people', outcomes } as const
    const plain = await written(sink)
    expect(plain).toMatchObject({ name: 'people', ndjson: '', asked: [] })
    expect(plain.console).toMatch(/^DRIFT .*\n(.*\n)+$/)
    expect(plain.console).not.toContain('\u001B')
    expect((await written(sink, true)).console).toContain('\u001B[31mDRIFT')
  })

  it.each([
    ['finding', finding],
    ['drift-log', { event: 'PutImageTagMutability', user: 'unknown' }],
    [
      'falco',
      { rule: 'driftseal drift', hostname: 'production', tags: ['tag of driftseal drift'], priority: 'Informational' },
    ],
  ] as const)('for programs writes lines of the format %s', async (format, expected) => {
    const { console, ndjson } = await written({ type: 'ndjson', name: 'programs', outcomes, format })
    expect(console).toBe('')
    expect(ndjson.endsWith('\n')).toBe(true)
    expect(JSON.parse(ndjson)).toMatchObject(expected)
  })

  it('of a webhook is opened with the key that its secret holds', async () => {
    const url = 'https://hooks.example.com'
    const sink = { type: 'webhook', name: 'hook', outcomes, format: 'finding', url, secret: 'a/secret' } as const
    expect(await written(sink)).toMatchObject({ name: 'hook', asked: ['a/secret'] })
  })
})
