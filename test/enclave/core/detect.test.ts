import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventError, parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect } from '../../../enclave/core/detect.ts'
import type { Finding, Severity } from '../../../enclave/core/finding.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import type { Rule } from '../../../enclave/core/rule.ts'
import { byTerraform, ecr, record, repository, ruleOf, stateOf, worldOf } from './world.ts'

const rule = (name: string, severity: Severity, event?: string): Rule =>
  ruleOf(name, severity, {
    matches: ({ finding }) => event === undefined || finding.event === event,
    message: ({ finding }) => `${name}: ${finding.resource?.id}`,
  })

describe('rules and severity', () => {
  const name = 'my-app-repo'
  const mutable = record('PutImageTagMutability', { repositoryName: name, imageTagMutability: 'MUTABLE' })
  const policy = 'PutImageTagMutability'
  test.each<[string, JsonObject, readonly Rule[], Severity, readonly string[]]>([
    ['a change', mutable, [], 'medium', []],
    ['a deletion', record('DeleteRepository', { repositoryName: name }), [], 'high', []],
    ['a stranger', record('DeleteRepository', { repositoryName: 'x' }), [], 'low', []],
    ['an unknown call', record('PutRepositoryLabel', {}), [], 'info', []],
    ['the highest rule', mutable, [rule('a', 'low'), rule('b', 'critical')], 'critical', ['b', 'a']],
    ['a rule below the usual', mutable, [rule('a', 'low')], 'low', ['a']],
    ['a rule for something else', mutable, [rule('a', 'critical', 'x')], 'medium', []],
    ['a failed call', { ...mutable, errorCode: 'AccessDenied' }, [rule('a', 'critical')], 'info', []],
    ['an unapproved principal', { ...mutable, ...byTerraform('intern') }, [rule('a', 'low', policy)], 'high', ['a']],
  ])('%s', (_, one, rules, severity, names) => {
    const { findings } = detect(parseRecord(one), worldOf([stateOf(repository)], { rules }), 0)
    expect(findings).toHaveLength(1)
    expect(findings[0]?.severity).toBe(severity)
    expect(findings[0]?.rules.map((matched) => matched.name)).toEqual(names)
  })

  test('a rule speaks of the resource', () => {
    const { findings } = detect(parseRecord(mutable), worldOf([stateOf(repository)], { rules: [rule('a', 'low')] }), 0)
    expect(findings[0]?.rules[0]?.message).toBe('a: my-app-repo')
  })
})

test('whatever a record holds, it ends in one outcome, and nothing but an EventError is thrown', () => {
  const events = [...new Set(ecr.examples.map(({ event }) => event)), 'PutImage', 'PutRepositoryLabel', 'Describe']
  const key = fc.constantFrom('repositoryName', 'imageTagMutability', 'policyText', 'tags', 'tagKeys', 'resourceArn')
  const leaf = fc.oneof(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom('my-app-repo', 'MUTABLE', '{"Statement":[]}'))
  const rules = fc.record({ destinations: fc.jsonValue(), repositoryFilters: fc.jsonValue() }, { requiredKeys: [] })
  const replication = fc.record({ replicationConfiguration: fc.record({ rules: fc.array(rules) }) })
  const request = fc.oneof(fc.dictionary(key, leaf), replication, fc.jsonValue())
  const over = fc.record(
    { userAgent: fc.constantFrom('Terraform/1.9', 'x'), userIdentity: fc.jsonValue(), eventTime: fc.string() },
    { requiredKeys: [] },
  )
  const world = worldOf([stateOf(repository)])
  fc.assert(
    fc.property(fc.constantFrom(...events), request, over, (name, parameters, fields) => {
      let findings: readonly Finding[]
      try {
        const event = parseRecord(record(name, parameters as JsonObject, fields as { [key: string]: Json }))
        ;({ findings } = detect(event, world, Date.parse(event.time)))
      } catch (error) {
        if (error instanceof EventError) return
        throw error
      }
      expect(findings).toHaveLength(1)
    }),
    { numRuns: 500 },
  )
})
