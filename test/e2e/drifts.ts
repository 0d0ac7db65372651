import { ecrEvent, stateOf } from '../../local/story.ts'

/** So many repositories, and for each the call that makes its tags mutable. */
export function manyDrifts(count: number): { state: string; events: { id: string; body: string }[] } {
  const names = Array.from({ length: count }, (_, index) => `service-${index}`)
  return { state: stateOf(names), events: names.map((name) => makeMutable(name)) }
}

/** Somebody makes the tags of a repository mutable. */
export const makeMutable = (repositoryName: string) =>
  ecrEvent(
    'PutImageTagMutability',
    {
      type: 'IAMUser',
      arn: 'arn:aws:iam::111122223333:user/contractor',
      accountId: '111122223333',
      userName: 'contractor',
    },
    'aws-cli/2.17.0',
    { repositoryName, imageTagMutability: 'MUTABLE' },
  )
