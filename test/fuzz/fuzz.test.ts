import { describe, expect, test } from 'vitest'
import { type Decoder, Forgery } from './decoder.ts'
import { DECODERS } from './decoders.ts'
import { fuzz } from './fuzz.ts'

const ignore = () => {}

// A million inputs each are for `npm run fuzz`; here is that it starts from what is sound, and repeats itself.
describe.each(Object.entries<Decoder>(DECODERS))('%s', (_, decoder) => {
  test('takes every seed', async () => {
    for (const seed of decoder.seeds) expect(await decoder.read(seed)).not.toBeInstanceOf(Error)
  })

  test('comes to the same end from the same seed', async () => {
    const [once, again, later] = [
      await fuzz(decoder, { seed: 7, from: 0, count: 300 }, ignore),
      await fuzz(decoder, { seed: 7, from: 0, count: 300 }, ignore),
      await fuzz(decoder, { seed: 7, from: 100, count: 200 }, ignore),
    ]
    expect(once.failure).toBeUndefined()
    expect(again.outcomes).toEqual(once.outcomes)
    const first = await fuzz(decoder, { seed: 7, from: 0, count: 100 }, ignore)
    for (const [code, times] of once.outcomes)
      expect((first.outcomes.get(code) ?? 0) + (later.outcomes.get(code) ?? 0)).toBe(times)
  })
})

class Refused extends Error {
  readonly code = 'refused'
}
const failing = (fail: () => void): Decoder => ({
  seeds: [],
  make: (random) => Uint8Array.of(random()),
  error: Refused,
  read(input) {
    if (input[0] === 7) fail()
    throw new Refused()
  },
})

test.each<[string, () => void, string]>([
  [
    'an error of another kind',
    () => {
      throw new RangeError('out of range')
    },
    'foreign error: RangeError: out of range',
  ],
  [
    'an acceptance that must not be',
    () => {
      throw new Forgery('an object')
    },
    'accepted what it must refuse: an object',
  ],
])('stops at %s, and the input can be made again', async (_, fail, why) => {
  const seen: number[] = []
  const { failure, inputs } = await fuzz(failing(fail), { seed: 1, from: 0, count: 5000 }, (input) => seen.push(input))
  expect(failure?.why).toContain(why)
  expect(seen.at(-1)).toBe(failure?.input)
  expect(inputs).toBe(failure?.input)
  const again = await fuzz(failing(fail), { seed: 1, from: failure?.input ?? 0, count: 1 }, ignore)
  expect(again.failure).toMatchObject({ input: failure?.input })
})
