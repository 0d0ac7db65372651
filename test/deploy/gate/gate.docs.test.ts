import { expect, test } from 'vitest'
import type { GateErrorCode } from '../../../deploy/gate/error.ts'
import { textOf } from '../manifests.ts'

const page = textOf('docs/gate.md')

test('the page builds the image with the words that the pipeline uses', () => {
  const builds = (text: string) =>
    Array.from(text.matchAll(/docker buildx build -f Dockerfile\.enclave --build-arg[^]*? \.\n/g), ([line]) =>
      line.replaceAll(/\\\n\s+/g, '').replaceAll(/"SOURCE_DATE_EPOCH=\$SOURCE_DATE_EPOCH"/g, 'SOURCE_DATE_EPOCH=0'),
    )
  expect(builds(page)).toHaveLength(1)
  expect(builds(page)).toEqual(builds(textOf('deploy/buildspec.yml')))
})

const CODES = {
  ERR_GATE_INPUT: 1,
  ERR_GATE_MEASUREMENT: 1,
  ERR_GATE_MISMATCH: 1,
  ERR_GATE_SIGNATURE: 1,
  ERR_GATE_BUILDER: 1,
  ERR_GATE_SOURCE: 1,
  ERR_GATE_PARAMETERS: 1,
  ERR_GATE_SUBJECT: 1,
  ERR_GATE_LIST: 1,
  ERR_GATE_IN_USE: 1,
  ERR_GATE_COMMAND: 1,
  ERR_GATE_PULL_REQUEST: 1,
  ERR_GATE_ROLLOUT: 1,
} satisfies Record<GateErrorCode, 1>

test.each(Object.keys(CODES))('%s is on the page', (code) => {
  expect(page).toContain(`| \`${code}\``)
})

test('the stages on the page are those of the pipeline', () => {
  const stages = Array.from(
    textOf('infra/pipeline.tf').matchAll(/^ {2}stage \{\n {4}name = (.*)$/gm),
    ([, name = '']) => (name === 'local.approve_stage' ? 'Approve' : name.replaceAll('"', '')),
  )
  const told = Array.from(
    page.matchAll(/^\| (\w+)\s+\| (?:takes|tests|compares|\*\*waits|proposes|waits)/gm),
    ([, name]) => name,
  )
  expect(told).toEqual(stages)
})
