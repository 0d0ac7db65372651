import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  alternate,
  compared,
  each,
  figure,
  percentile,
  timed,
  type Figure,
  type Goal,
  type Samples,
  type Section,
} from './measure.ts'
import { fetch, roundTrips, stream } from './proxy_peer.ts'
import { openWays, type Way, type Ways } from './proxy_ways.ts'

const ROUNDS = 11
const MESSAGE_BYTES = 64 * 1024
const MESSAGES = 2048
const STREAMS = [1, 16]
const BYTES_A_MB = 1e6
const GOAL: Goal = { ratio: 1 }

const SMALL_BYTES = 64
const TRIPS = 1000

const CONNECTIONS = 1000
const BYTES_OF_EACH = 128 * 1024
const CROWDS = 3

/** What was measured of each way, by its name. */
type Measured = Readonly<Record<string, Samples>>

/** 128 MB over so many connections at once, each message as soon as there is room for it. */
async function throughput(name: string, ways: Ways, streams: number): Promise<readonly Figure[]> {
  const message = Buffer.alloc(MESSAGE_BYTES, 'ciphertext ')
  const over = (way: Way) => async () => {
    const sockets = await Promise.all(Array.from({ length: streams }, () => way()))
    await Promise.all(sockets.map((socket) => stream(socket, message, MESSAGES / streams)))
  }
  const took = await alternate(mapped(ways, over), ROUNDS)
  const rates = mapped(took, (samples) => each(samples, (ms) => (MESSAGE_BYTES * MESSAGES * 1000) / ms / BYTES_A_MB))
  const what = `${name}: 64 kB messages, ${streams === 1 ? '1 stream' : `${streams} streams`}`
  return [...beside(what, 'MB/s', rates, GOAL), figure('  without a proxy', 'MB/s', rates['direct'] ?? [])]
}

async function latency(name: string, ways: Ways): Promise<readonly Figure[]> {
  const message = Buffer.alloc(SMALL_BYTES, 'ciphertext ')
  const trips: Record<string, Samples[]> = {}
  const over = (way: Way, side: string) => async () => {
    ;(trips[side] ??= []).push(await roundTrips(await way(), message, TRIPS))
  }
  await alternate(mapped(ways, over), ROUNDS)
  const at = (share: number) => mapped(trips, (rounds) => rounds.slice(-ROUNDS).map((took) => percentile(took, share)))
  return [
    ...beside(`${name}: round trip of 64 bytes, p50`, 'µs', at(0.5)),
    figure('  without a proxy', 'µs', at(0.5)['direct'] ?? []),
    ...beside(`${name}: round trip of 64 bytes, p99`, 'µs', at(0.99)),
  ]
}

/** So many connections at once, each of which wants its bytes back: when the first had them, and when the last. */
async function crowd(name: string, ways: Ways): Promise<readonly Figure[]> {
  const bytes = Buffer.alloc(BYTES_OF_EACH, 'ciphertext ')
  const [first, last]: [Record<string, number[]>, Record<string, number[]>] = [{}, {}]
  for (let round = 0; round < CROWDS; round++) {
    for (const [side, way] of Object.entries(ways)) {
      if (side === 'direct') continue
      const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => way()))
      const took = await Promise.all(sockets.map((socket) => timed(() => fetch(socket, bytes))))
      for (const socket of sockets) socket.destroy()
      ;(first[side] ??= []).push(percentile(took, 0))
      ;(last[side] ??= []).push(percentile(took, 1))
    }
  }
  const what = `${name}: ${CONNECTIONS.toLocaleString('en')} connections, 128 kB there and back`
  return [...beside(`${what}, the first`, 'ms', first), ...beside(`${what}, the last`, 'ms', last)]
}

/** Ours beside each socat; alone where there is none. */
function beside(what: string, unit: Figure['unit'], measured: Measured, goal?: Goal): readonly Figure[] {
  const { ours = [], direct: _, ...others } = measured
  const [one, ...more] = Object.entries(others).map(([name, samples]) => ({ name, samples }))
  if (one === undefined) return [figure(what, unit, ours)]
  return [
    compared(what, unit, ours, one, goal),
    ...more.map((other) => compared('  the same', unit, ours, other, goal)),
  ]
}

const mapped = <T, U>(record: Readonly<Record<string, T>>, convert: (value: T, name: string) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, convert(value, name)]))

export const proxy: Section = {
  title: 'Parent-proxy, beside socat between the same kinds of sockets',
  async run() {
    await using ends = new AsyncDisposableStack()
    const dir = await mkdtemp(join(tmpdir(), 'ds-'))
    ends.defer(() => rm(dir, { recursive: true, force: true }))
    const ways = Object.entries(await openWays(dir, ends))
    if (ways.some(([, { socat }]) => socat === undefined))
      process.stderr.write('socat is not installed, so nothing stands beside the proxy: apt-get install -y socat\n')
    const figures: Figure[] = []
    for (const [name, way] of ways) {
      for (const streams of STREAMS) figures.push(...(await throughput(name, way, streams)))
      figures.push(...(await latency(name, way)), ...(await crowd(name, way)))
    }
    return figures
  },
}
