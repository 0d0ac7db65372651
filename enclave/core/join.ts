import type { Reader, Target, Touch } from './catalog.ts'
import { isList } from './document.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json } from './json.ts'
import { resolve } from './resolve.ts'
import type { StateIndex } from './state_index.ts'

/**
 * Makes one touch of those that change one resource: the rules that a call names, of a group that keeps them inline.
 * Judged by themselves each would be told without the others, and the last would be all that is remembered.
 */
export function joined(touches: readonly Touch[], states: StateIndex): readonly Touch[] {
  if (touches.length < 2) return touches
  const keyed = touches.map((touch, at): Keyed => {
    const resolved = resolve(touch, states)
    if (resolved === undefined) return { touch, key: String(at) }
    const { target, ref, account, region } = resolved
    const one = (ref.state === null ? [ref.type, ref.id, account, region] : [ref.state, ref.address]).join('\n')
    const makes = target.effect === 'create' || target.effect === 'put' ? { makes: one } : {}
    if (isInPart(target))
      return { touch, part: { target, event: touch.event }, key: `${target.effect}\n${one}`, ...makes }
    return { touch, key: String(at), ...(target.effect === 'delete' ? { deletes: one } : makes) }
  })
  // A batch of Route 53's changes a record so: it deletes it and makes another of its name. It was never gone.
  const made = new Set(keyed.flatMap(({ makes }) => makes ?? []))
  const left = keyed.filter(({ deletes }) => deletes === undefined || !made.has(deletes))
  return Array.from(Map.groupBy(left, ({ key }) => key).values(), (alike) => {
    const [{ touch, part } = {}] = alike
    if (touch === undefined) throw new TypeError('a group of touches without one')
    if (part === undefined || alike.length === 1) return touch
    const parts = alike.flatMap((one) => one.part ?? [])
    const onOne = (one: Target): Target => (one === part.target ? asOne(one, parts) : one)
    const [first, ...rest] = touch.targets // the forms that no state has still say what this one is
    return { event: touch.event, targets: [onOne(first), ...rest.map(onOne)] }
  })
}

/** Whether it may be done to one resource several times over: not what creates or deletes it as a whole. */
const isInPart = ({ effect, add, remove }: Target): boolean =>
  effect === 'change' || effect === 'put' || add.size + remove.size > 0

/** A touch, what makes it one with others, and where it changes something, what. */
interface Keyed {
  readonly touch: Touch
  readonly key: string
  readonly part?: Part
  readonly makes?: string
  readonly deletes?: string
}

/** What a call does to one resource, by one of its elements or in one of its ways. */
interface Part {
  readonly target: Target
  readonly event: CloudEvent
}

/** All that is done to a resource. */
function asOne(target: Target, parts: readonly Part[]): Target {
  const read = (verb: 'set' | 'add' | 'remove', join: (values: readonly Json[]) => Json | undefined) => {
    const paths = new Set(parts.flatMap((part) => [...part.target[verb].keys()]))
    const readers = Array.from(paths, (path): readonly [string, Reader] => [
      path,
      () => join(parts.map((part) => part.target[verb].get(path)?.(part.event)).filter((value) => value !== undefined)),
    ])
    return new Map(readers)
  }
  return {
    ...target,
    set: read('set', (values) => values.at(-1)),
    add: read('add', together),
    remove: read('remove', together),
    touch: [...new Set(parts.flatMap((part) => part.target.touch))],
  }
}

/** All elements, or all keys; of what is hidden, that it is. */
function together(values: readonly Json[]): Json | undefined {
  if (values.length === 0) return undefined
  if (values.every(isList)) return values.flat()
  return values.every(isObject)
    ? Object.assign({}, ...values)
    : values.find((value) => !isList(value) && !isObject(value))
}
