import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seal } from '../../../enclave/sealing/envelope.ts'
import type { Stream } from '../../../enclave/sealing/header.ts'
import { GENESIS, advance, extend, next, type Anomaly, type Entry, type Head } from '../../../enclave/sealing/ledger.ts'
import { createRing, type Ring } from '../../../enclave/sealing/ring.ts'
import type { Sealed } from '../../../enclave/sealing/types.ts'
import { ascii, nonce, ringOf } from './fixture.ts'

const stream: Stream = { environment: 'production', purpose: 'alert', stream: 'alerts' }
const ring = ringOf(1)

/** Seals the texts one behind the other. */
function chain(texts: readonly string[], place: Stream = stream, keys: Ring = ring): Sealed<unknown>[] {
  let head = GENESIS
  return texts.map((text) => {
    const object = seal(keys, { ...place, ...next(head), time: 1_800_000_000_000 }, nonce, ascii(text))
    head = advance(head, object)
    return object
  })
}

/** What the ledger makes of a store's entries, in their order. */
function read(entries: readonly Entry[], from: Head = GENESIS, keys: Ring = ring) {
  let head = from
  const anomalies: Anomaly[] = []
  const texts: string[] = []
  for (const entry of entries) {
    const step = extend(keys, stream, head, entry)
    head = step.head
    anomalies.push(...step.anomalies)
    if (step.opened !== undefined) texts.push(Buffer.from(step.opened.plaintext).toString())
  }
  return { head, anomalies, texts }
}

const objects = chain(['one', 'two', 'three', 'four', 'five'])
const named = (bytes: Uint8Array | undefined, sequence: number): Entry => ({ sequence, bytes })
/** The store as it ought to be, but for the places that a test changes. */
const store = (changes: Readonly<Record<number, Uint8Array | 'gone' | 'empty'>> = {}): Entry[] =>
  objects.flatMap((object, index) => {
    const change = changes[index + 1]
    if (change === 'gone') return []
    return [named(change === 'empty' ? undefined : (change ?? object), index + 1)]
  })
const at = (sequence: number): Uint8Array => objects[sequence - 1] ?? new Uint8Array()
const flipped = (sequence: number): Uint8Array => {
  const bytes = Buffer.from(at(sequence))
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  return bytes
}
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

test('a whole chain has no anomaly, and its head is its last object', () => {
  const { head, anomalies, texts } = read(store())
  expect(anomalies).toEqual([])
  expect(texts).toEqual(['one', 'two', 'three', 'four', 'five'])
  expect(head).toEqual({ sequence: 5, digest: digest(at(5)), linked: true })
})

test('a chain goes on from a head that was kept', () => {
  const kept = read(store().slice(0, 3)).head
  expect(read(store().slice(3), kept).anomalies).toEqual([])
})

test('a chain goes on under a new key', () => {
  const both = ringOf(1, 2)
  const { head } = read(store(), GENESIS, both)
  const six = seal(both, { ...stream, ...next(head), time: 0 }, nonce, ascii('six'))
  expect(read([...store(), named(six, 6)], GENESIS, both)).toMatchObject({ anomalies: [], head: { sequence: 6 } })
})

const other = (place: Partial<Stream>) => chain(['a', 'b', 'c'], { ...stream, ...place })[2] ?? new Uint8Array()
const fork = chain(['one', 'TWO', 'THREE', 'FOUR'])
const foreignKey = chain(['a', 'b', 'c'], stream, ringOf(3))[2] ?? new Uint8Array()

describe('what a lying store does is told, and the rest is read', () => {
  test.each<[string, Entry[], Anomaly[], string]>([
    ['one is missing', store({ 3: 'gone' }), [{ kind: 'missing', first: 3, last: 3 }], 'one two four five'],
    ['two are missing', store({ 2: 'gone', 3: 'gone' }), [{ kind: 'missing', first: 2, last: 3 }], 'one four five'],
    ['the first is missing', store({ 1: 'gone' }), [{ kind: 'missing', first: 1, last: 1 }], 'two three four five'],
    [
      'one is listed and not given',
      store({ 3: 'empty' }),
      [{ kind: 'missing', first: 3, last: 3 }],
      'one two four five',
    ],
    [
      'the last is listed and not given',
      store({ 5: 'empty' }),
      [{ kind: 'missing', first: 5, last: 5 }],
      'one two three four',
    ],
    ['one is altered', store({ 3: flipped(3) }), [{ kind: 'tampered', sequence: 3 }], 'one two four five'],
    ['one is cut short', store({ 3: at(3).subarray(0, -1) }), [{ kind: 'tampered', sequence: 3 }], 'one two four five'],
    ['one is something else', store({ 3: ascii('hello') }), [{ kind: 'tampered', sequence: 3 }], 'one two four five'],
    [
      'two are exchanged',
      store({ 2: at(4), 4: at(2) }),
      [
        { kind: 'renamed', sequence: 2, genuine: 4 },
        { kind: 'renamed', sequence: 4, genuine: 2 },
      ],
      'one three five',
    ],
    [
      'an old one comes again as the newest',
      [...store(), named(at(2), 6)],
      [{ kind: 'renamed', sequence: 6, genuine: 2 }],
      'one two three four five',
    ],
    [
      'a name is listed twice',
      [...store(), named(at(5), 5)],
      [{ kind: 'repeated', sequence: 5 }],
      'one two three four five',
    ],
    [
      'names are listed out of order',
      [named(at(2), 2), named(at(1), 1)],
      [
        { kind: 'missing', first: 1, last: 1 },
        { kind: 'repeated', sequence: 1 },
      ],
      'two',
    ],
    [
      'one is of another stream',
      store({ 3: other({ stream: 'audit' }) }),
      [{ kind: 'foreign', sequence: 3, code: 'wrong-stream' }],
      'one two four five',
    ],
    [
      'one is of another purpose',
      store({ 3: other({ purpose: 'state' }) }),
      [{ kind: 'foreign', sequence: 3, code: 'wrong-purpose' }],
      'one two four five',
    ],
    [
      'one is of another environment',
      store({ 3: other({ environment: 'staging' }) }),
      [{ kind: 'foreign', sequence: 3, code: 'wrong-environment' }],
      'one two four five',
    ],
    [
      'one is of an unknown key',
      store({ 3: foreignKey }),
      [{ kind: 'foreign', sequence: 3, code: 'unknown-key' }],
      'one two four five',
    ],
    [
      'one is of another history',
      store({ 3: fork[2] ?? 'gone' }),
      [
        { kind: 'forked', sequence: 3 },
        { kind: 'forked', sequence: 4 },
      ],
      'one two THREE four five',
    ],
    [
      'the end is of another history',
      [...store().slice(0, 3), named(fork[3], 4)],
      [{ kind: 'forked', sequence: 4 }],
      'one two three FOUR',
    ],
    [
      'one is missing and the next altered',
      store({ 2: 'gone', 3: flipped(3) }),
      [
        { kind: 'missing', first: 2, last: 2 },
        { kind: 'tampered', sequence: 3 },
      ],
      'one four five',
    ],
  ])('%s', (_, entries, anomalies, texts) => {
    const result = read(entries)
    expect(result.anomalies).toEqual(anomalies)
    expect(result.texts.join(' ')).toBe(texts)
  })
})

describe('after an anomaly at the end', () => {
  const broken = read(store({ 5: flipped(5) })).head

  test('the head stands behind the place, and holds to the last object that proved itself', () => {
    expect(broken).toEqual({ sequence: 5, digest: digest(at(4)), linked: false })
    expect(next(broken)).toEqual({ sequence: 6, predecessor: digest(at(4)) })
  })

  test('what is sealed next continues the chain without a second anomaly', () => {
    const six = seal(ring, { ...stream, ...next(broken), time: 0 }, nonce, ascii('six'))
    const { anomalies, head } = read([...store({ 5: flipped(5) }), named(six, 6)])
    expect(anomalies).toEqual([{ kind: 'tampered', sequence: 5 }])
    expect(head).toEqual(advance(broken, six))
  })

  test('the true object cannot be put back unnoticed', () => {
    const six = seal(ring, { ...stream, ...next(broken), time: 0 }, nonce, ascii('six'))
    expect(read([...store(), named(six, 6)]).anomalies).toEqual([{ kind: 'forked', sequence: 6 }])
  })
})

test('a wiped ring proves nothing, and does not fail', () => {
  expect(read(store().slice(0, 1), GENESIS, createRing())).toMatchObject({
    anomalies: [{ kind: 'foreign', sequence: 1, code: 'unknown-key' }],
    head: { sequence: 1, linked: false },
  })
})

test('no entry makes the ledger throw, or go back', () => {
  const bytes = fc.oneof(fc.constant(undefined), fc.constantFrom(...objects), fc.uint8Array({ maxLength: 300 }))
  const entries = fc.array(fc.record({ sequence: fc.nat(12), bytes }), { maxLength: 8 })
  fc.assert(
    fc.property(entries, (list) => {
      let head = GENESIS
      for (const entry of list) {
        const step = extend(ring, stream, head, entry)
        expect(step.head.sequence).toBe(Math.max(head.sequence, entry.sequence))
        expect(step.opened === undefined || step.opened.header.sequence === entry.sequence).toBe(true)
        head = step.head
      }
    }),
  )
})
