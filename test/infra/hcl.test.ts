import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { namesIn, readModule, readVariables, referencesIn, templateCalls } from './hcl.ts'
import { ROOT } from './terraform.ts'

const FOLDERS = ['infra', 'infra/modules/forward', 'infra/examples/minimal', 'infra/examples/complete']
const modules = await Promise.all(FOLDERS.map(readModule))
const [root] = modules
const inputs = Object.keys(root?.variables ?? {})
const required = Object.entries(root?.variables ?? {}).flatMap(([name, [block]]) =>
  block !== undefined && 'default' in block ? [] : [name],
)

describe.each(modules)('$folder', ({ declared, references, variables, outputs }) => {
  it('refers to what is declared', () => {
    expect(references.size).toBeGreaterThan(0)
    expect([...references].filter((one) => !declared.has(one))).toEqual([])
  })

  it('uses what it declares', () => {
    const unused = [...declared].filter((one) => /^(var|local|data)\./.test(one) && !references.has(one))
    expect(unused).toEqual([])
  })

  it('says of each variable and output what it is', () => {
    const unsaid = Object.entries({ ...variables, ...outputs }).filter(([, [block]]) => !block?.['description'])
    expect(unsaid.map(([name]) => name)).toEqual([])
    expect(Object.entries(variables).flatMap(([name, [block]]) => (block?.['type'] ? [] : [name]))).toEqual([])
  })
})

describe('inputs', () => {
  it.each(modules.filter(({ calls }) => 'driftseal' in calls))('$folder gives all that are required', ({ calls }) => {
    const given = Object.keys(calls['driftseal']?.[0] ?? {}).filter((name) => name !== 'source')
    expect(required.filter((name) => !given.includes(name))).toEqual([])
    expect(given.filter((name) => !inputs.includes(name))).toEqual([])
  })

  it('examples/complete has every setting', () => {
    const given = Object.keys(modules.at(-1)?.calls['driftseal']?.[0] ?? {})
    expect(inputs.filter((name) => !given.includes(name))).toEqual([])
  })

  it('terraform.tfvars.example has all that are required, and none that is unknown', async () => {
    const given = Object.keys(await readVariables('infra/terraform.tfvars.example'))
    expect(required.filter((name) => !given.includes(name))).toEqual([])
    expect(given.filter((name) => !inputs.includes(name))).toEqual([])
  })
})

it.each(templateCalls('infra'))('%s is given the names that are in it', (template, names) => {
  expect([...namesIn(readFileSync(join(ROOT, template), 'utf8'))].sort()).toEqual([...names].sort())
})

it('finds every call of a template', () => {
  expect(templateCalls('infra')).toHaveLength(1)
})

it('all modules ask for the same Terraform and the same provider', () => {
  const files = ['infra', 'infra/examples/minimal', 'infra/examples/complete'].map((folder) => `${folder}/versions.tf`)
  const texts = [...files, 'infra/modules/forward/main.tf'].map((file) => readFileSync(join(ROOT, file), 'utf8'))
  const wanted = texts.map((text) => text.match(/^\s*(required_version|version)\s+= .*$/gm)?.map((line) => line.trim()))
  expect(new Set(wanted.map(String)).size).toBe(1)
})

describe('references', () => {
  it.each([
    ['${var.name}-${local.region}', ['var.name', 'local.region']],
    ['${[for a in data.aws_region.current.id : aws_vpc.this[a].id]}', ['data.aws_region.current', 'aws_vpc.this']],
    ['${each.value.aws_thing.x}', []],
    ['${"x-var.name"}', []],
  ])('%s', (expression, references) => {
    expect(referencesIn(expression)).toEqual(references)
  })
})
