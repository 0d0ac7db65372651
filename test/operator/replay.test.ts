import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../enclave/core/finding.ts'
import type { JsonObject } from '../../enclave/core/json.ts'
import { readRecords } from '../../operator/inputs.ts'
import { replay as judge, replayWorld } from '../../operator/replay.ts'
import { replayCommand } from '../../operator/replay_command.ts'
import { byTerraform, catalog, record, repository, stateOf, stateText } from '../enclave/core/world.ts'
import { ecrRules } from '../fakes/rules.ts'
import { driftseal } from './driftseal.ts'
import { folderOf } from './folder.ts'
import { runIn } from './run.ts'

const name = 'my-app-repo'
const mutability = (value: string, over: JsonObject = {}) =>
  record('PutImageTagMutability', { repositoryName: name, imageTagMutability: value }, over)

const drift = mutability('MUTABLE')
const restored = mutability('IMMUTABLE')
const applied = mutability('MUTABLE', byTerraform())
const unknown = record('PutRepositoryLabel', {})
const read = record('DescribeRepositories', {}, { readOnly: true })

const RULES = ecrRules()

/** Arguments for one state and these lines. */
function argumentsFor(lines: readonly (JsonObject | string)[], ...options: readonly string[]): readonly string[] {
  const events = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  const folder = folderOf({ 'a.tfstate': stateText(repository), 'events.ndjson': events })
  return ['replay', '--state', folder, '--events', folder, ...options]
}

/** Runs the command in this process, with the rules of one service. */
async function replay(...args: Parameters<typeof argumentsFor>) {
  const { status, out, err } = await runIn(
    (terminal, exit) => replayCommand(RULES, terminal, exit),
    ...argumentsFor(...args),
  )
  const json = () => out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Finding]))
  return { status, out, err, json }
}

describe('driftseal replay', () => {
  test('finds drift, says so for people, and exits with 2', () => {
    const { status, stdout, stderr } = driftseal(...argumentsFor([drift, read, unknown]))
    expect(status).toBe(2)
    expect(stdout).toContain('DRIFT  medium  aws_ecr_repository.app')
    expect(stdout).toContain('image_tag_mutability: "IMMUTABLE" -> "MUTABLE"')
    expect(stdout).toContain('rule ecr_image_tag_mutability_enabled')
    expect(stdout).not.toContain('PutRepositoryLabel')
    expect(stderr).toContain('3 records: 1 drift, 1 ignored, 1 unmapped')
    expect(stderr).toContain('not checked: ecr.amazonaws.com PutRepositoryLabel 1')
  })

  test('--json prints drift, unmanaged and unmapped, one a line', async () => {
    const stranger = mutability('MUTABLE', { awsRegion: 'us-east-1' })
    const { json } = await replay([drift, restored, read, unknown, stranger], '--json')
    expect(json().map(({ outcome }) => outcome)).toEqual(['drift', 'unmapped', 'unmanaged'])
  })

  test('--all prints every outcome, and goes on after what is no record', async () => {
    const { status, json } = await replay(
      ['{"x":', '[]', '{"eventName":"a"}', read, drift, restored, applied],
      '--json',
      '--all',
    )
    expect(status).toBe(2)
    expect(json().map(({ outcome }) => outcome)).toEqual([
      'rejected',
      'rejected',
      'ignored',
      'drift',
      'resolved',
      'expected',
    ])
  })

  test('--driftignore keeps quiet what it lists, and counts it', async () => {
    const file = join(
      folderOf({ '.driftignore': 'aws_ecr_repository.my-app-repo.image_tag_mutability\n' }),
      '.driftignore',
    )
    const { status, out, err } = await replay([drift], '--driftignore', file)
    expect({ status, out }).toEqual({ status: 0, out: '' })
    expect(err).toContain('1 records: 1 suppressed')
  })

  test('--strict shows what defaults keep quiet', async () => {
    const file = join(folderOf({ '.driftignore': 'aws_ecr_repository' }), '.driftignore')
    const { status, json } = await replay([drift, restored, read, applied], '--driftignore', file, '--json', '--strict')
    expect(status).toBe(0)
    expect(json().map(({ outcome }) => outcome)).toEqual(['suppressed', 'suppressed', 'suppressed'])
    const quiet = await replay([restored, read], '--json', '--strict')
    expect(quiet.json().map(({ outcome }) => outcome)).toEqual(['ignored'])
    const { out } = await replay([drift], '--driftignore', file, '--strict')
    expect(out).toContain('not alerted: image_tag_mutability')
  })

  test('--format drift-log prints the six fields', async () => {
    const [line] = (await replay([drift], '--format', 'drift-log')).json()
    expect(Object.keys(line ?? {})).toEqual(['service', 'event', 'resource', 'changes', 'user', 'timestamp'])
  })

  test.each<[string, readonly string[], number, string]>([
    ['without a list, who calls himself Terraform is believed', [], 0, 'any principal counted as Terraform'],
    ['a principal of the list is Terraform', ['--terraform-principal', '*:role/terraform'], 0, '1 expected'],
    ['another is not', ['--terraform-principal', '*:role/ci'], 2, '1 drift'],
  ])('%s', async (_, options, code, said) => {
    const { status, err } = await replay([applied], ...options)
    expect(status).toBe(code)
    expect(err).toContain(said)
  })

  test('a clean trail exits with 0', async () => {
    expect(await replay([read, restored])).toMatchObject({ status: 0, out: '' })
  })

  test.each<[string, readonly string[], string]>([
    [
      'a state that is not there',
      ['--state', '/nowhere', '--events', '.'],
      'driftseal: /nowhere: no such file or folder',
    ],
    ['no state at all', ['--events', '.'], "required option '--state <path...>' not specified"],
    ['a form that nobody knows', ['--format', 'xml'], 'Allowed choices are finding, drift-log'],
  ])('%s is one clear line and exits with 1', (_, args, said) => {
    const { status, stdout, stderr } = driftseal('replay', ...args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(said)
  })
})

test('a log file leads to the same findings as its records one by one', async () => {
  const assumed = record(
    'AssumeRole',
    {},
    { eventSource: 'sts.amazonaws.com', readOnly: true, responseElements: { credentials: { accessKeyId: 'ASIA' } } },
  )
  const caller = { type: 'AssumedRole', arn: 'arn:aws:sts::111122223333:assumed-role/ci/run', accessKeyId: 'ASIA' }
  const denied = mutability('MUTABLE', { errorCode: 'AccessDenied', errorMessage: 'no' })
  const told = { ...read, sharedEventID: 'shared', userAgent: 'Ü "quoted"' }
  const drifted = mutability('MUTABLE', { userIdentity: caller })
  const records = [{ eventName: 'of no service' }, read, denied, assumed, drifted, told, unknown]
  const of = async (file: string, text: string) => {
    const findings: Finding[] = []
    const world = replayWorld({ catalog, rules: [] }, [stateOf(repository)], [])
    const tally = await judge(readRecords([folderOf({ [file]: text })]), world, (_, tell) => findings.push(tell()))
    return { tally, findings }
  }
  const lines = await of('a.ndjson', records.map((each) => JSON.stringify(each)).join('\n'))
  const whole = await of('a.json', JSON.stringify({ Records: records }))
  expect(whole).toEqual(lines)
  const outcomes = ['rejected', 'ignored', 'ignored', 'ignored', 'drift', 'ignored', 'unmapped']
  expect(whole.findings.map(({ outcome }) => outcome)).toEqual(outcomes)
  expect(whole.findings[4]?.actor.assumedBy).toHaveLength(1)
})
