import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import { detect, type Decision, type World } from '../../../enclave/core/detect.ts'
import type { Finding } from '../../../enclave/core/finding.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { record, repository, stateOf, worldOf } from './world.ts'

/** The repository of the ECR catalog's example, the calls on it, and the detector that is told of them. */
export const repositoryName = 'my-app-repo'
export const address = 'aws_ecr_repository.app'
const resourceArn = `arn:aws:ecr:eu-west-1:111122223333:repository/${repositoryName}`
/** When the example's records were made. */
export const START = Date.parse('2025-12-06T07:30:00Z')
export const MINUTE = 60_000

export const mutability = (value: string, over: JsonObject = {}): JsonObject =>
  record('PutImageTagMutability', { repositoryName, imageTagMutability: value }, over)
export const tag = (key: string, value: string, over: JsonObject = {}): JsonObject =>
  record('TagResource', { resourceArn, tags: [{ key, value }] }, over)
export const untag = (key: string, over: JsonObject = {}): JsonObject =>
  record('UntagResource', { resourceArn, tagKeys: [key] }, over)
export const gone = (over: JsonObject = {}): JsonObject => record('DeleteRepository', { repositoryName }, over)
export const back = (over: JsonObject = {}, value = 'IMMUTABLE'): JsonObject =>
  record(
    'CreateRepository',
    {
      repositoryName,
      imageTagMutability: value,
      imageScanningConfiguration: { scanOnPush: true },
      tags: [
        { key: 'Name', value: repositoryName },
        { key: 'Team', value: 'platform' },
      ],
    },
    over,
  )
/** So many minutes after the start. */
export const at = (minutes: number): JsonObject => ({
  eventTime: new Date(START + minutes * MINUTE).toISOString().replace('.000Z', 'Z'),
})

export interface Stage {
  readonly world: World
  readonly told: readonly Finding[]
  /** Judges a record at the moment that it tells of, or at another, and records what comes of it as the enclave does. */
  readonly judge: (one: JsonObject, now?: number) => Decision
  readonly play: (...records: readonly JsonObject[]) => readonly Finding[]
  readonly note: (findings: readonly Finding[]) => readonly Finding[]
  /** Paths of the open drifts. */
  readonly open: () => readonly string[]
}

export function stage(over: Partial<World> = {}, states = [stateOf(repository)]): Stage {
  const world = worldOf(states, over)
  const told: Finding[] = []
  const note = (findings: readonly Finding[]): readonly Finding[] => {
    for (const finding of findings) world.drifts.record(finding)
    told.push(...findings)
    return findings
  }
  const judge = (one: JsonObject, now?: number): Decision => {
    const event = parseRecord(one)
    world.sessions.record(event)
    const decision = detect(event, world, now ?? Date.parse(event.time))
    world.drifts.touch(decision.touched)
    if (decision.kind === 'judged') note(decision.findings)
    return decision
  }
  return {
    world,
    told,
    judge,
    note,
    play: (...records) => records.flatMap((one) => judge(one).findings),
    open: () => world.drifts.open('example', address).flatMap(({ path, isBack }) => (isBack ? [] : [path])),
  }
}

export const outcomesOf = (findings: readonly Finding[]): readonly string[] => findings.map(({ outcome }) => outcome)
