import { expect, it } from 'vitest'
import { LOG, runGuest } from './guest.ts'

// One boot, about a minute; each test that ran inside is a test here.
const { outcomes, ended } = await runGuest()

it(`the guest came to its end (${LOG})`, () => {
  expect(ended).toBe(true)
})

it.each(outcomes)('$name ($ms ms inside)', ({ error }) => {
  expect(error).toBeUndefined()
})
