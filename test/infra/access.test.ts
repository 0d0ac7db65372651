import { describe, expect, it } from 'vitest'
import { asked } from './access.ts'
import { type Case, CASES } from './cases.ts'
import { evaluate } from './iam/evaluate.ts'
import { readRendering } from './rendering.ts'

const rendering = readRendering()

const LEAST_CASES = 30

const shown = ({ who, action, what, context, run, through, decision }: Case): string => {
  const name = who.principal.split('/').at(-1) ?? ''
  const given = Object.entries(context ?? {}).map(
    ([key, value]) => `${key.split(':').at(-1)}=${String(value).slice(-40)}`,
  )
  const where = [run === undefined ? '' : `gate ${run}`, through ?? '', ...given]
    .filter((text) => text !== '')
    .join(', ')
  return `${name}${who.attached === undefined ? '' : ' (*)'} ${action} ${what.arn.split(':').at(-1)} [${where}]: ${decision}`
}

describe.each(CASES)('%s', (_subject, cases) => {
  it.each(cases.map((one) => [shown(one), one] as const))('%s', (_shown, one) => {
    expect(evaluate(...asked(rendering, one))).toBe(one.decision)
  })
})

it(`holds at least ${LEAST_CASES} cases`, () => {
  expect(CASES.flatMap(([, cases]) => cases).length).toBeGreaterThanOrEqual(LEAST_CASES)
})
