import * as v from 'valibot'
import { parseInput } from './input.ts'

const MEASUREMENT = 'kms:RecipientAttestation:PCR0'

const strings = v.union([v.string(), v.array(v.string())])
const statementSchema = v.looseObject({
  Sid: v.optional(v.string(), '(no Sid)'),
  Effect: v.picklist(['Allow', 'Deny']),
  Condition: v.optional(v.record(v.string(), v.record(v.string(), strings)), {}),
})
const policySchema = v.looseObject({ Statement: v.array(statementSchema) })
type Statement = v.InferOutput<typeof statementSchema>

/** What the report says of the key's policy: the lines that change, or why there are none to show. */
export type PolicyChange =
  { readonly kind: 'diff'; readonly lines: readonly string[] } | { readonly kind: 'absent'; readonly reason: string }

/** The images that a key's policy lets in; empty while the gate is closed. */
export function imagesAllowedBy(policy: string): readonly string[] {
  const { Statement } = parseInput(policySchema, policy, "the key's policy")
  return [...new Set(Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(imagesIn))]
}

/** The statements of a key's policy that change with the list of images, line by line, before and after. */
export function policyChange(policy: string, proposed: readonly string[]): PolicyChange {
  const current = imagesAllowedBy(policy)
  if (current.length === 0)
    return {
      kind: 'absent',
      reason: 'the gate is closed: the statement that opens it shows in the plan of the pull request',
    }
  const { Statement } = parseInput(policySchema, policy, "the key's policy")
  return {
    kind: 'diff',
    lines: Statement.flatMap((statement) => {
      const images = imagesIn(statement)
      if (!isSame(images, current)) return []
      return diff(statement, withImages(statement, proposed))
    }),
  }
}

const imagesIn = ({ Condition }: Statement): readonly string[] =>
  Object.values(Condition).flatMap((keys) => keys[MEASUREMENT] ?? [])

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((image) => other.includes(image))

/** As Terraform writes it: a list of one is that one. */
function withImages(statement: Statement, images: readonly string[]): Statement {
  const [only] = images
  const value = images.length === 1 && only !== undefined ? only : [...images]
  const Condition = Object.fromEntries(
    Object.entries(statement.Condition).map(([test, keys]) => [
      test,
      MEASUREMENT in keys ? { ...keys, [MEASUREMENT]: value } : keys,
    ]),
  )
  return { ...statement, Condition }
}

/** Only one stretch of a statement changes, so what is around it is common. */
function diff(before: Statement, after: Statement): readonly string[] {
  const [old, now] = [before, after].map((statement) => JSON.stringify(statement, null, 2).split('\n'))
  if (old === undefined || now === undefined) return []
  const head = old.findIndex((line, index) => line !== now[index])
  if (head < 0) return []
  const tail = old.toReversed().findIndex((line, index) => line !== now.at(-1 - index))
  return [
    `@@ ${before.Effect} ${before.Sid} @@`,
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
  ]
}
