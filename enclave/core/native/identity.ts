import { matchesGlob } from '../glob.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import type { Subject } from '../rule.ts'
import type { IdentitySource } from './schema.ts'
import { spread, textOf } from './values.ts'

/**
 * Where the audit records name the caller. What a caller chooses, such as a session's name or a user agent, is not among
 * them: a filter must not be a way past a rule.
 */
const PLACES: Readonly<Record<keyof IdentitySource, readonly (readonly string[])[]>> = {
  type: [['userIdentity', 'type']],
  principal_id: [['userIdentity', 'principalId']],
  arn: [['userIdentity', 'arn']],
  role: [['userIdentity', 'sessionContext', 'sessionIssuer', 'arn']],
  account_id: [['userIdentity', 'accountId']],
  user_name: [['userIdentity', 'userName']],
  invoked_by: [['userIdentity', 'invokedBy']],
  principal_email: [
    ['protoPayload', 'authenticationInfo', 'principalEmail'],
    ['authenticationInfo', 'principalEmail'],
  ],
}

/** Whether the caller is the one that a filter describes: in everything that it names. */
export function compileIdentity(source: IdentitySource): (subject: Subject) => boolean {
  const asked = Object.entries(source).filter(
    (entry): entry is [keyof IdentitySource, string] => entry[1] !== undefined,
  )
  return ({ event }) =>
    asked.every(([key, pattern]) => PLACES[key].some((names) => hasMatch(event.record, names, pattern)))
}

const hasMatch = (record: Json, names: readonly string[], pattern: string): boolean =>
  isObject(record) && spread(record, names).some((value) => value !== null && matchesGlob(pattern, textOf(value)))

/** An audit record that names a caller so, for examples. */
export function recordOf(identity: IdentitySource): JsonObject {
  const entries = Object.entries(identity) as [keyof IdentitySource, string][] // its keys are no others
  return entries.reduce<JsonObject>((record, [key, value]) => withText(record, PLACES[key][0], value), {})
}

function withText(record: JsonObject, [name, ...rest]: readonly string[] = [], value: string): JsonObject {
  if (name === undefined) return record
  const inner = record[name]
  return { ...record, [name]: rest.length === 0 ? value : withText(isObject(inner) ? inner : {}, rest, value) }
}
