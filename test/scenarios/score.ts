import type { Finding } from '../../enclave/core/finding.ts'
import { canonicalJson } from '../../enclave/core/json.ts'
import type { Expectation, Scenario } from './scenario.ts'

/** What was right, what was made up and what was missed, in claims: one for an outcome, one for each typed change. */
export interface Score {
  readonly right: number
  readonly wrong: readonly string[]
  readonly missed: readonly string[]
}

/** Holds what was found at each step against what was expected there. */
export function score({ steps }: Scenario, found: readonly (readonly Finding[])[]): Score {
  const claims = steps.map(({ expect }, index) => {
    const wanted = expect.flatMap((one) => claimsOf(one, index))
    const given = (found[index] ?? []).flatMap((finding) => claimsOf(asExpectation(finding), index))
    return compare(wanted, given)
  })
  return {
    right: claims.reduce((sum, { right }) => sum + right, 0),
    wrong: claims.flatMap(({ wrong }) => wrong),
    missed: claims.flatMap(({ missed }) => missed),
  }
}

function compare(wanted: readonly string[], given: readonly string[]): Score {
  const missed = [...wanted]
  const wrong = given.filter((claim) => {
    const at = missed.indexOf(claim)
    if (at >= 0) missed.splice(at, 1)
    return at < 0
  })
  return { right: given.length - wrong.length, wrong, missed }
}

type Claim = Omit<Expectation, 'outcome'> & Pick<Finding, 'outcome'>

function claimsOf({ outcome, address, id, kind, verdict, changes }: Claim, step: number): readonly string[] {
  const what = [outcome, kind ?? '', verdict ?? '', address ?? id ?? ''].filter((word) => word !== '').join(' ')
  const parts = Object.entries(changes).map(
    ([path, [old, now]]) => `${what}: ${path}: ${canonicalJson(old)} -> ${canonicalJson(now)}`,
  )
  return [what, ...parts].map((claim) => `step ${step + 1}: ${claim}`)
}

function asExpectation({ outcome, kind, verdict, resource, changes }: Finding): Claim {
  return {
    outcome,
    address: resource?.address ?? undefined,
    id: resource?.address === null ? resource.id : undefined,
    kind: kind ?? undefined,
    verdict: verdict ?? undefined,
    changes,
  }
}
