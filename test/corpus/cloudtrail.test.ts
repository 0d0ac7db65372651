import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { loadRules } from '../../enclave/adapters/rules.ts'
import type { Finding } from '../../enclave/core/finding.ts'
import { readRecords } from '../../operator/inputs.ts'
import { replay, replayWorld } from '../../operator/replay.ts'
import { corpusPath } from './data.ts'

const folder = corpusPath('cloudtrail')
const rules = await loadRules(fileURLToPath(new URL('../../rules', import.meta.url)))

test.each(readdirSync(folder))('%s: every record ends in exactly one outcome', async (name) => {
  const findings = new Map<number, Finding[]>()
  const tally = await replay(readRecords([`${folder}/${name}`]), replayWorld(rules, [], []), (_, read, record) => {
    findings.set(record, [...(findings.get(record) ?? []), read()])
  })
  expect(tally.records).toBeGreaterThan(0)
  expect(findings.size).toBe(tally.records)
  expect([...tally.outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(tally.records)
  // Several findings are of several resources: a call names many addresses, or many rules of a group.
  for (const found of findings.values())
    expect(new Set(found.map(({ resource }) => `${resource?.type} ${resource?.id}`)).size).toBe(found.length)
  // Nothing in the corpus touches what an empty world could call drifted, and hardly anything is unreadable.
  expect(tally.outcomes.get('drift')).toBeUndefined()
  expect(tally.outcomes.get('rejected') ?? 0).toBeLessThan(tally.records / 10)
})
