import { describe, expect, it } from 'vitest'
import { play } from './play.ts'
import { readScenarios } from './scenario.ts'
import { score } from './score.ts'

const scenarios = readScenarios()

describe.each(Object.entries(Object.groupBy(scenarios, ({ file }) => file)))('%s', (_file, these = []) => {
  it.each(these.map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    const { wrong, missed } = score(scenario, await play(scenario))
    expect({ wrong, missed }).toEqual({ wrong: [], missed: [] })
  })
})

it('no two scenarios have one name', () => {
  const names = scenarios.map(({ file, name }) => `${file}: ${name}`)
  expect(new Set(names).size).toBe(names.length)
})
