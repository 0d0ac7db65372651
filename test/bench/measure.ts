/** What one side took in each of its rounds. */
export type Samples = readonly number[]

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** One line of the report. Times are better small, rates are better large. */
export interface Figure {
  readonly what: string
  readonly unit: 'µs' | 'ms' | 'MB' | 'MB/s' | '1/s'
  readonly ours: Spread
  readonly beside?: { readonly name: string; readonly spread: Spread }
  /** How many times as good as what stands beside it: by the medians, and by each side's best round. */
  readonly ratio?: { readonly median: number; readonly best: number }
  readonly goal?: { readonly text: string; readonly met: boolean }
}

export interface Section {
  readonly title: string
  run(): Promise<readonly Figure[]>
}

/** Rounds before those that count: the compiler's, the caches' and the pools' first. */
export const WARM_UPS = 3

/**
 * Times every side once in each round, so that whatever else the machine does falls on all of them alike. The order
 * turns around each time: what follows a side's garbage is not always the same other one.
 */
export async function alternate<Side extends string>(
  sides: Readonly<Record<Side, () => void | Promise<void>>>,
  rounds: number,
  clock: Clock = clocks.wall,
): Promise<Readonly<Record<Side, Samples>>> {
  const { order, samples } = prepared(sides)
  for (let round = -WARM_UPS; round < rounds; round++) {
    for (const side of order) {
      const ms = await timed(sides[side], clock)
      if (round >= 0) samples[side].push(ms)
    }
    order.reverse()
  }
  return samples
}

/**
 * Times the sides apart, each in one go, and once more in the turned order. For tasks that leave so much garbage that the
 * other side would pay for its collection: in turns, the one that leaves less would be charged for the one that leaves more.
 */
export async function apart<Side extends string>(
  sides: Readonly<Record<Side, () => void | Promise<void>>>,
  rounds: number,
  clock: Clock = clocks.wall,
): Promise<Readonly<Record<Side, Samples>>> {
  const { order, samples } = prepared(sides)
  for (const side of [...order, ...order.toReversed()])
    for (let round = -WARM_UPS; round < rounds; round++) {
      const ms = await timed(sides[side], clock)
      if (round >= 0) samples[side].push(ms)
    }
  return samples
}

function prepared<Side extends string>(sides: Readonly<Record<Side, unknown>>) {
  const order = Object.keys(sides) as Side[] // the record's own keys
  const samples = Object.fromEntries(order.map((side) => [side, []])) as unknown as Record<Side, number[]>
  return { order, samples }
}

/** In milliseconds. */
export async function timed(task: () => unknown, clock: Clock = clocks.wall): Promise<number> {
  const began = clock()
  const result = task()
  if (result instanceof Promise) await result
  return clock() - began
}

/** Milliseconds since some beginning. */
type Clock = () => number

export const clocks = {
  wall: () => performance.now(),
  /** What a task costs on one core: V8's collector works on the others too, and the wall's clock does not see it. */
  core() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
} as const satisfies Record<string, Clock>

/** One round of a task that is too short to be timed alone. */
export const times = (count: number, task: (index: number) => void) => (): void => {
  for (let index = 0; index < count; index++) task(index)
}

export const each = (samples: Samples, convert: (sample: number) => number): Samples =>
  samples.map((sample) => convert(sample))

/** The smallest sample that at least this share of them does not exceed. */
export function percentile(samples: Samples, share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export const spreadOf = (samples: Samples): Spread => ({
  min: percentile(samples, 0),
  median: percentile(samples, 0.5),
  max: percentile(samples, 1),
})

/** What a figure aims at: at least this ratio of the medians, or a median below this. */
export type Goal = { readonly ratio: number } | { readonly below: number }

interface Beside {
  readonly name: string
  readonly samples: Samples
}

export const figure = (what: string, unit: Figure['unit'], samples: Samples, goal?: Goal): Figure =>
  withGoal({ what, unit, ours: spreadOf(samples) }, goal)

/** A figure beside another of the same run. */
export function compared(what: string, unit: Figure['unit'], samples: Samples, beside: Beside, goal?: Goal): Figure {
  const [ours, theirs] = [spreadOf(samples), spreadOf(beside.samples)]
  const ratio =
    unit === 'MB/s' || unit === '1/s'
      ? { median: ours.median / theirs.median, best: ours.max / theirs.max }
      : { median: theirs.median / ours.median, best: theirs.min / ours.min }
  return withGoal({ what, unit, ours, beside: { name: beside.name, spread: theirs }, ratio }, goal)
}

function withGoal(plain: Figure, goal: Goal | undefined): Figure {
  if (goal === undefined) return plain
  if ('below' in goal)
    return { ...plain, goal: { text: `< ${goal.below} ${plain.unit}`, met: plain.ours.median < goal.below } }
  const met = plain.ratio !== undefined && plain.ratio.median >= goal.ratio
  return { ...plain, goal: { text: `>= ${goal.ratio.toFixed(2)}x`, met } }
}
