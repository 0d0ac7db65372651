import type { JsonObject } from '../../enclave/core/json.ts'
import { story } from '../../local/story.ts'

/**
 * Of so many records, what a trail holds: mostly reads, some failures, few changes. By chapter of the story. Triage drops
 * 85 in a hundred, reads and failures, as it does of the records of a live account. What is left is judged to the end,
 * where in most accounts nearly all of it is soon found to be of no state.
 */
const MIX = [
  { chapter: 'a colleague looks at the repositories', share: 28 },
  { chapter: 'somebody tries to remove a repository policy and may not', share: 6 },
  { chapter: 'an administrator makes the tags of checkout-api mutable, in the console', share: 2 },
  { chapter: 'the administrator makes the tags immutable again', share: 1 },
  { chapter: 'the administrator removes it', share: 1 },
  { chapter: 'Terraform switches on scanning for web-frontend, then writes its state', share: 2 },
] as const
type ChapterTitle = (typeof MIX)[number]['chapter']
const TURN: readonly ChapterTitle[] = MIX.flatMap(({ chapter, share }) => Array<ChapterTitle>(share).fill(chapter))
const DRIFTING: ChapterTitle = 'an administrator makes the tags of checkout-api mutable, in the console'

const BEGAN = Date.UTC(2026, 0, 5, 8)
const RECORDS_A_SECOND = 10
/** Steps through the repositories so that neighbours in time are none in the state; prime to every size used here. */
const STRIDE = 7919

export const repositoryNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `repository-${index}`)

/** The same records each time, each about one of the repositories. */
export const recordsOf = (count: number, repositories: number): readonly JsonObject[] =>
  recordsFrom(0, count, repositories)

/** A part of them, of those that are too many to be held at once. */
export const recordsFrom = (first: number, count: number, repositories: number): readonly JsonObject[] =>
  Array.from({ length: count }, (_, place) => {
    const index = first + place
    return recordOf(TURN[index % TURN.length] ?? DRIFTING, index, Math.floor(index / TURN.length) % repositories)
  })

/** Calls that make a repository's tags mutable, each of another one as long as there are any. */
export const drifting = (count: number, repositories: number): readonly JsonObject[] =>
  Array.from({ length: count }, (_, index) => recordOf(DRIFTING, index, (index * STRIDE) % repositories))

function recordOf(title: ChapterTitle, index: number, repository: number): JsonObject {
  const told = details.get(title) ?? {}
  const id = index.toString(16).padStart(12, '0')
  return {
    ...told,
    requestParameters: { ...(told['requestParameters'] as JsonObject), repositoryName: `repository-${repository}` },
    eventTime: new Date(BEGAN + Math.floor(index / RECORDS_A_SECOND) * 1000).toISOString().replace('.000', ''),
    requestID: `00000000-0000-4000-9000-${id}`,
    eventID: `00000000-0000-4000-8000-${id}`,
  }
}

const details = new Map(
  MIX.map(({ chapter }) => {
    const found = story.find(({ title }) => title === chapter)
    if (found === undefined)
      throw new Error(`the story has no chapter "${chapter}" any more: choose another for the mix`)
    const { detail } = JSON.parse(found.event().body) as { detail: JsonObject } // as the story's `ecrEvent` writes it
    return [chapter, detail] as const
  }),
)
