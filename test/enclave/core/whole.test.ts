import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { parseState } from '../../../enclave/core/state.ts'
import { address, gone, mutability, outcomesOf, stage, tag } from './stage.ts'
import { record, repository, stateText } from './world.ts'

describe('a deletion', () => {
  test('is one alert, which takes the open drifts along', () => {
    const { play, open } = stage()
    const [a, b, deletion] = play(mutability('MUTABLE'), tag('x', '1'), gone())
    expect(deletion).toMatchObject({ outcome: 'drift', kind: 'deleted', changes: {}, verdict: 'confirmed' })
    expect(deletion?.supersedes).toEqual([a?.eventId, b?.eventId])
    expect(open()).toEqual([''])
  })

  test('names what was made from the resource', () => {
    const text = JSON.parse(stateText(repository)) as { resources: { type: string; instances: JsonObject[] }[] }
    const resources = text.resources.map((resource) =>
      resource.type === 'aws_ecr_repository_policy' || resource.type === 'aws_ecr_lifecycle_policy'
        ? { ...resource, instances: resource.instances.map((one) => ({ ...one, dependencies: [address] })) }
        : resource,
    )
    const { play } = stage({}, [parseState(JSON.stringify({ ...text, resources }), 'example')])
    expect(play(gone())).toMatchObject([
      {
        dependents: { count: 2, addresses: ['aws_ecr_repository_policy.app', 'aws_ecr_lifecycle_policy.app'] },
      },
    ])
    expect(outcomesOf(play(record('DeleteRepositoryPolicy', { repositoryName: 'my-app-repo' })))).toEqual(['drift'])
  })
})

test('what was made shows who, what, and how to take it over', () => {
  const [made] = stage().play(record('CreateRepository', { repositoryName: 'team/side-project' }))
  expect(made).toMatchObject({ outcome: 'unmanaged', kind: 'created', actor: { name: 'admin@example.com' } })
  expect(made?.import).toBe('import {\n  to = aws_ecr_repository.team_side-project\n  id = "team/side-project"\n}')
})

test('who assumed the role is told, where the trail has shown it', () => {
  const { play } = stage()
  const assumed = record(
    'AssumeRole',
    { roleArn: 'arn:aws:iam::111122223333:role/Admin' },
    {
      eventSource: 'sts.amazonaws.com',
      readOnly: true,
      userIdentity: { type: 'IAMUser', userName: 'mallory', arn: 'arn:aws:iam::111122223333:user/mallory' },
      responseElements: { credentials: { accessKeyId: 'ASIAEXAMPLE1' } },
    },
  )
  const identity = mutability('MUTABLE')['userIdentity'] as JsonObject
  const [assuming, drift] = play(
    assumed,
    mutability('MUTABLE', { userIdentity: { ...identity, accessKeyId: 'ASIAEXAMPLE1' } }),
  )
  expect(assuming?.outcome).toBe('ignored')
  expect(drift?.actor).toMatchObject({ accessKey: 'ASIAEXAMPLE1', assumedBy: [{ type: 'IAMUser', name: 'mallory' }] })
})
