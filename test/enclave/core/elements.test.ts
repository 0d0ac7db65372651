import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { compileElements } from '../../../enclave/core/elements.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'

const context = {
  fail(message: string): never {
    throw new TypeError(message)
  },
  note: () => undefined,
  path: [],
}
const failures = { from: 'response.unprocessed', pluck: 'id' }
const eventOf = (requestParameters: JsonObject, responseElements: JsonObject = {}) =>
  parseRecord({ eventSource: 'a.amazonaws.com', eventName: 'Batch', requestParameters, responseElements })
const elementsOf = (list: Json, unprocessed: Json, failed: unknown = failures) => {
  const elements = compileElements({ each: 'request.list', failed }, context)
  const event = eventOf({ list }, { unprocessed })
  return { done: elements.events(event).map(({ element }) => element), hasFailed: elements.hasFailed(event) }
}

describe('the elements of a call', () => {
  test.each<[string, Json, Json, Json, boolean]>([
    ['none failed', ['a', 'b'], [], ['a', 'b'], false],
    ['none failed, in XML', { items: ['a'] }, '', ['a'], false],
    ['one failed', ['a', 'b'], [{ id: 'b' }], ['a'], true],
    ['one failed, in XML', { tag: 1, content: 'a' }, { item: { id: 'a', error: { code: 'x' } } }, [], true],
    ['one failed, of objects', [{ id: 'a' }, { id: 'b' }], [{ id: 'a' }], [{ id: 'b' }], true],
    ['another failed', ['a'], [{ id: 'c' }], ['a'], true],
    ['a failure that names nothing', ['a', null], [{ code: 'x' }], ['a', null], false],
  ])('%s', (_, list, unprocessed, done, hasFailed) => {
    expect(elementsOf(list, unprocessed)).toEqual({ done, hasFailed })
  })

  test.each<[string, Json, Json]>([
    ['agrees in what both have', { a: '1', b: '1', code: 'x' }, []],
    ['differs in one of them', { a: '1', b: '2' }, [{ a: '1', b: '1', c: {} }]],
    ['has nothing of it', { code: 'x' }, [{ a: '1', b: '1', c: {} }]],
  ])('a failure that %s', (_, failure, done) => {
    const list = [{ a: '1', b: '1', c: {} }]
    expect(elementsOf(list, [failure], 'response.unprocessed').done).toEqual(done)
  })

  test('are the event itself where it names no list', () => {
    const event = eventOf({ a: 1 })
    expect(compileElements({}, context).events(event)).toEqual([event])
    expect(compileElements({}, context).hasFailed(event)).toBe(false)
  })

  test('fail only where there are some', () => {
    expect(() => compileElements({ failed: failures }, context)).toThrow('`failed` is for the elements of `each`')
  })

  test('are never more than the call names, whatever the answer', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), (list, unprocessed) => {
        const named = new Set(elementsOf(list as Json, [], undefined).done.map((one) => JSON.stringify(one)))
        const { done } = elementsOf(list as Json, unprocessed as Json) // what fast-check makes is JSON
        expect(done.filter((one) => !named.has(JSON.stringify(one)))).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})
