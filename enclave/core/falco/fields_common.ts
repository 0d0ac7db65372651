import type { CloudEvent } from '../event.ts'
import { pointerParts, textOf, valueAt, type Field, type FieldType, type Found, type View } from './fields.ts'
import { CLOUDTRAIL } from './fields_cloudtrail.ts'

/** By cloud: what Falco calls the source of its events, and the plugin that reads them. */
export const CLOUD_SOURCES: Readonly<Record<string, { readonly source: string; readonly plugin: string }>> = {
  aws: { source: 'aws_cloudtrail', plugin: 'cloudtrail' },
  gcp: { source: 'gcp_auditlog', plugin: 'gcpaudit' },
}

const SECONDS = 19
const NANOSECONDS = 9

/** A record's time as date and time, with nine digits behind the second. */
export function timeParts({
  time,
}: Pick<CloudEvent, 'time'>): Readonly<Record<'date' | 'clock' | 'nanos', string>> | undefined {
  if (time === '') return undefined
  const nanos = /\.(\d+)/.exec(time)?.[1] ?? ''
  return { date: time.slice(0, 10), clock: time.slice(11, SECONDS), nanos: nanos.padEnd(NANOSECONDS, '0') }
}

function timed(name: string, from: string, write: (parts: NonNullable<ReturnType<typeof timeParts>>) => string): Field {
  return plain(name, 'text', from, ({ event }) => {
    const parts = timeParts(event)
    return parts === undefined ? undefined : write(parts)
  })
}

const secondsOf = ({ time }: CloudEvent): bigint | undefined =>
  time === '' ? undefined : BigInt(Date.parse(`${time.slice(0, SECONDS)}Z`)) / 1000n
const nanosOf = (event: CloudEvent): bigint | undefined => {
  const parts = timeParts(event)
  return parts === undefined ? undefined : BigInt(parts.nanos)
}
const raw = (event: CloudEvent): bigint | undefined => {
  const [seconds, nanos] = [secondsOf(event), nanosOf(event)]
  return seconds === undefined || nanos === undefined ? undefined : seconds * 1_000_000_000n + nanos
}

function plain(name: string, type: FieldType, from: string, read: (view: View) => Found): Field {
  return { name, type, from, read }
}

const info = CLOUDTRAIL.find(({ name }) => name === 'ct.info')

/** The fields that every event has, whatever its source. Times are UTC. */
export const EVENT: readonly Field[] = [
  // A common way to match everything or nothing is to compare it with 0.
  plain('evt.num', 'number', 'always 1: there is no capture in which to count', () => 1n),
  timed('evt.time', 'the time of day with nanoseconds', ({ clock, nanos }) => `${clock}.${nanos}`),
  timed('evt.time.s', 'the time of day', ({ clock }) => clock),
  timed('evt.time.iso8601', 'date and time', ({ date, clock, nanos }) => `${date}T${clock}.${nanos}+0000`),
  timed('evt.datetime', 'date and time with nanoseconds', ({ date, clock, nanos }) => `${date} ${clock}.${nanos}`),
  timed('evt.datetime.s', 'date and time', ({ date, clock }) => `${date} ${clock}`),
  plain('evt.rawtime', 'number', 'nanoseconds since 1970', ({ event }) => raw(event)),
  plain('evt.rawtime.s', 'number', 'seconds since 1970', ({ event }) => secondsOf(event)),
  plain('evt.rawtime.ns', 'number', 'nanoseconds behind the second', ({ event }) => nanosOf(event)),
  plain('evt.source', 'text', 'the name of the source', ({ event }) => CLOUD_SOURCES[event.cloud]?.source),
  plain('evt.pluginname', 'text', "the name of Falco's plugin", ({ event }) => CLOUD_SOURCES[event.cloud]?.plugin),
  plain('evt.plugininfo', 'text', 'as `ct.info`', (view) => info?.read(view, undefined)),
  plain('evt.is_async', 'flag', 'always false', () => false),
]

/** Those that rules name: they ask for the same few of every event. */
const pointers = new Map<string, readonly string[]>()

/** The plugin `json`, under its present and its former prefix. */
export const JSON_FIELDS: readonly Field[] = ['json', 'jevt'].flatMap((prefix): readonly Field[] => [
  {
    name: `${prefix}.value`,
    type: 'text',
    argument: { kind: 'key', required: true },
    from: 'the value at a JSON pointer (RFC 6901): `json.value[/requestParameters/bucketName]`',
    read({ event }, pointer = '') {
      const parts = pointers.get(pointer) ?? pointerParts(pointer)
      if (parts === undefined) return undefined
      pointers.set(pointer, parts)
      return textOf(valueAt(event.record, parts))
    },
  },
  plain(`${prefix}.obj`, 'text', 'the whole record, indented', ({ event }) =>
    JSON.stringify(event.record, undefined, 2),
  ),
  plain(`${prefix}.rawtime`, 'text', 'as `evt.rawtime`', ({ event }) => raw(event)?.toString()),
])
