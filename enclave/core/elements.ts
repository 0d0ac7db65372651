import type { Reader } from './catalog.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json } from './json.ts'
import { readPermissions } from './permission_calls.ts'
import { listOf } from './lists.ts'
import { compileReader, type Context } from './reader_file.ts'

const PERMISSIONS = 'permissions'

/** The list that a call names, as the catalog writes it, and what the answer says of those for which it failed. */
export interface ElementsSource {
  readonly each?: string | undefined
  readonly failed?: unknown
}

/** What a record is about: all of it, or the elements of a list one by one. */
export interface Elements {
  readonly events: (event: CloudEvent) => readonly CloudEvent[]
  /** Whether some elements are left out because the call failed for them. */
  readonly hasFailed: (event: CloudEvent) => boolean
}

/** Compiles `each` and `failed`. */
export function compileElements({ each, failed }: ElementsSource, context: Context): Elements {
  const at = (key: string): Context => ({ ...context, path: [...context.path, key] })
  if (each === undefined) {
    if (failed !== undefined) context.fail('`failed` is for the elements of `each`', at('failed').path)
    return { events: (event) => [event], hasFailed: () => false }
  }
  // `permissions` is no place: what a call says of a security group's rules stands in several, in one form each.
  const read: Reader = each === PERMISSIONS ? readPermissions : compileReader(each, at('each'))
  const failures = failed === undefined ? () => null : compileReader(failed, at('failed'))
  const failuresIn = (event: CloudEvent): readonly Json[] => listOf(failures(event) ?? null).flatMap(listOf)
  return {
    events(event) {
      const gone = failuresIn(event)
      const named = listOf(read(event) ?? null)
      const done = gone.length === 0 ? named : named.filter((element) => !gone.some((one) => isOf(one, element)))
      return done.map(about(event))
    },
    hasFailed: (event) => failuresIn(event).length > 0,
  }
}

/** The event, as far as it is about one element of a list. */
const about =
  (event: CloudEvent) =>
  (element: Json): CloudEvent => ({ ...event, element })

/** Whether a failure is that of an element: a text is the element or a member of it, an object agrees in what both have. */
function isOf(failure: Json, element: Json): boolean {
  if (!isObject(element)) return failure === element
  if (!isObject(failure)) return Object.values(element).includes(failure)
  const shared = Object.entries(failure).filter(([name, value]) => isScalar(value) && isScalar(element[name]))
  return shared.length > 0 && shared.every(([name, value]) => element[name] === value)
}

const isScalar = (value: Json | undefined): boolean => typeof value === 'string' || typeof value === 'number'

/** The places of an element are places of the list, to those who ask what is read. */
export function within(each: string | undefined, { note, ...context }: Context): Context {
  if (each === PERMISSIONS) return { ...context, note: (place) => (/^element\b/.test(place) ? undefined : note(place)) }
  return each === undefined
    ? { ...context, note }
    : { ...context, note: (place) => note(place.replace(/^element(?=\.|$)/, each)) }
}
