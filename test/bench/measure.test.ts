import { describe, expect, it } from 'vitest'
import { alternate, apart, compared, figure, percentile, spreadOf, WARM_UPS, type Figure } from './measure.ts'

const of = (count: number) => Array.from({ length: count }, (_, index) => count - index)

describe('percentile', () => {
  it.each<[name: string, samples: readonly number[], share: number, value: number]>([
    ['the least', of(100), 0, 1],
    ['the median', of(100), 0.5, 50],
    ['the median of an odd number', [9, 1, 5], 0.5, 5],
    ['the 99th', of(100), 0.99, 99],
    ['the greatest', of(100), 1, 100],
    ['the only one', [7], 0.99, 7],
  ])('%s', (_, samples, share, value) => {
    expect(percentile(samples, share)).toBe(value)
  })
})

describe('alternate', () => {
  it('gives every side each round, in turns, and leaves the first rounds out', async () => {
    const order: string[] = []
    const samples = await alternate(
      {
        ours: () => void order.push('ours'),
        theirs: async () => void order.push('theirs'),
      },
      2,
    )
    expect([samples.ours.length, samples.theirs.length]).toEqual([2, 2])
    const turn = ['ours', 'theirs', 'theirs', 'ours']
    expect(order).toEqual(Array.from({ length: (WARM_UPS + 2) * 2 }, (_, index) => turn[index % turn.length]))
  })
})

describe('apart', () => {
  it('gives every side its rounds in one go, twice, and leaves the first of each go out', async () => {
    const order: string[] = []
    const sides = { ours: () => void order.push('ours'), theirs: async () => void order.push('theirs') }
    const samples = await apart(sides, 2)
    expect([samples.ours.length, samples.theirs.length]).toEqual([4, 4])
    const go = (side: string) => Array<string>(WARM_UPS + 2).fill(side)
    expect(order).toEqual([...go('ours'), ...go('theirs'), ...go('theirs'), ...go('ours')])
  })
})

describe('figures', () => {
  const ours = [2, 4, 8]
  const beside = { name: 'other', samples: [1, 2, 16] }

  it('tell the spread', () => {
    expect(spreadOf(ours)).toEqual({ min: 2, median: 4, max: 8 })
  })

  // A ratio above 1 is in our favour, whatever the unit counts.
  it.each<[unit: Figure['unit'], median: number, best: number]>([
    ['ms', 0.5, 0.5],
    ['MB/s', 2, 0.5],
    ['1/s', 2, 0.5],
  ])('in %s compare medians and best rounds', (unit, median, best) => {
    expect(compared('x', unit, ours, beside).ratio).toEqual({ median, best })
  })

  it.each<[what: string, figure: Figure, met: boolean | undefined]>([
    ['no goal', figure('x', 'ms', ours), undefined],
    ['below', figure('x', 'ms', ours, { below: 5 }), true],
    ['not below', figure('x', 'ms', ours, { below: 4 }), false],
    ['at least', compared('x', 'MB/s', ours, beside, { ratio: 2 }), true],
    ['not at least', compared('x', 'ms', ours, beside, { ratio: 0.7 }), false],
  ])('know whether the goal is met: %s', (_, { goal }, met) => {
    expect(goal?.met).toBe(met)
  })
})
