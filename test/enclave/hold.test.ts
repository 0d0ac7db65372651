import { describe, expect, it } from 'vitest'
import { parseRecord } from '../../enclave/core/cloudtrail.ts'
import { createHold, type Held } from '../../enclave/hold.ts'
import { hostBytes } from '../fakes/blobs.ts'

const MAX_HELD = 10_000
const held = (id: string, ...names: readonly string[]): Held => ({
  message: { id, receipt: `receipt of ${id}`, body: hostBytes('') },
  events: names.map((eventName) => parseRecord({ eventName, eventSource: 'ecr.amazonaws.com' })),
})

describe('what is held', () => {
  it('is taken out once, in the order of its coming', () => {
    const hold = createHold()
    const all = [held('b', 'PutImage'), held('a', 'DeleteRepository')]
    expect(all.map((one) => hold.add(one))).toEqual([true, true])
    expect(hold.take()).toEqual(all)
    expect(hold.take()).toEqual([])
  })

  it('is a message’s second coming in the place of its first: only the newest receipt removes it', () => {
    const hold = createHold()
    const again = { ...held('a'), message: { ...held('a').message, receipt: 'a newer receipt' } }
    hold.add(held('a'))
    expect(hold.add(again)).toBe(true)
    expect(hold.take()).toEqual([again])
  })

  it('has its bound; what is held already does not count twice', () => {
    const hold = createHold()
    for (let index = 0; index < MAX_HELD; index += 1) expect(hold.add(held(`m${index}`))).toBe(true)
    expect(hold.add(held('one too many'))).toBe(false)
    expect(hold.add(held('m7', 'PutImage'))).toBe(true)
    expect(hold.take()).toHaveLength(MAX_HELD)
    expect(hold.add(held('one too many'))).toBe(true)
  })
})
