import { expect, test } from 'vitest'
import { createTouches, WHOLE, type Touched } from '../../../enclave/core/touches.ts'

const place = { state: 's', address: 'a' }
const wrote = (event: string, time: number, over: Partial<Touched>): Touched => ({
  ...place,
  event,
  time,
  paths: [],
  parts: [],
  isHeld: false,
  ...over,
})
const tags = wrote('e', 2, { paths: ['tags'] })
const name = wrote('e', 2, { paths: ['tags.Name'] })
const rule = wrote('e', 2, { parts: ['ingress'] })

test.each<[string, readonly Touched[], string, number, string, boolean, boolean]>([
  ['an earlier one', [tags], 'f', 1, 'tags', true, true],
  ['a later one', [tags], 'f', 3, 'tags', false, false],
  ['another attribute', [tags], 'f', 1, 'policy', false, false],
  ['another attribute of a like name', [tags], 'f', 1, 'tags_all', false, false],
  ['a part of what was written', [tags], 'f', 1, 'tags.Name', true, true],
  ['the whole of what was written in part', [name], 'f', 1, 'tags', false, false],
  ['anything of what was made since', [wrote('e', 2, { paths: [WHOLE] })], 'f', 1, 'tags', true, true],
  ['one that joins a set after another', [rule], 'f', 1, 'ingress', false, true],
  ['the same event', [tags], 'e', 2, 'tags', false, false],
  ['one of the same second that came after', [tags], 'f', 2, 'tags', false, false],
  ['one of the same second that came before', [wrote('f', 2, { paths: ['tags'] }), tags], 'f', 2, 'tags', true, true],
  [
    'the same, judged again',
    [wrote('f', 2, { paths: ['tags'] }), tags, wrote('f', 2, { paths: ['tags'] })],
    'f',
    2,
    'tags',
    true,
    true,
  ],
  ['one whose time nobody knows', [tags], 'f', Number.NaN, 'tags', false, false],
  ['one against such', [wrote('e', Number.NaN, { paths: ['tags'] })], 'f', 1, 'tags', false, false],
])('%s', (_, written, event, time, path, isLate, isFollowed) => {
  const touches = createTouches()
  for (const one of written) touches.add(one)
  const later = touches.since({ ...place, event, time })
  expect([later.isLate(path), later.isFollowed(path)]).toEqual([isLate, isFollowed])
  expect(touches.since({ ...place, address: 'b', event, time: 0 }).isLate(path)).toBe(false)
})

test('knows when it was last written, and by what that still waits', () => {
  const touches = createTouches()
  expect(touches.last('s', 'a')).toBeUndefined()
  touches.add(wrote('e', 2, { paths: ['tags'], isHeld: true }))
  touches.add(rule)
  expect([touches.last('s', 'a'), touches.heldAt('s', 'a', 'tags'), touches.heldAt('s', 'a', 'ingress')]).toEqual([
    2,
    2,
    undefined,
  ])
  touches.add(wrote('e', 2, { paths: ['tags'] }))
  expect(touches.heldAt('s', 'a', 'tags')).toBeUndefined()
})

test('forgets the oldest of too many', () => {
  const touches = createTouches()
  for (let at = 0; at <= 50_000; at += 1) touches.add({ ...tags, address: `r${at}` })
  for (let at = 0; at <= 256; at += 1) touches.add({ ...tags, address: 'x', paths: [`p${at}`] })
  expect([touches.last('s', 'r0'), touches.last('s', 'r50000')]).toEqual([undefined, 2])
  const early = { state: 's', address: 'x', event: 'f', time: 1 }
  const later = touches.since(early)
  expect([later.isLate('p0'), later.isLate('p256')]).toEqual([false, true])
})
