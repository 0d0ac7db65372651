import * as v from 'valibot'
import type { CatalogEntry, ResourceType, Target, Touch } from './catalog.ts'
import { compileElements, within, type Elements } from './elements.ts'
import type { CloudEvent } from './event.ts'
import type { Json } from './json.ts'
import { compileReader, type Context } from './reader_file.ts'
import { compileForms, isBare, targetFields, targetSource, type Types } from './target_file.ts'
import { compileWhen, type Test } from './when_file.ts'

/** One effect of a call, as the catalog writes it. */
export const effectFields = {
  ...targetFields,
  each: v.optional(v.string()),
  failed: v.optional(v.unknown()),
  when: v.optional(v.unknown()),
  among: v.optional(v.record(v.string(), v.unknown())),
  or: v.optional(v.array(targetSource), []),
}
export const effectSource = v.strictObject(effectFields)

type EffectSource = v.InferOutput<typeof effectSource>

/** An effect of which a record may be an instance. */
interface Compiled {
  readonly elements: Elements
  readonly applies: Test
  readonly targets: readonly [Target, ...Target[]]
}

/** Compiles what a call does: one effect, written beside its examples, or several under `targets`. */
export function compileEffects(
  source: EffectSource & {
    readonly targets?: readonly EffectSource[] | undefined
    readonly content?: boolean
    readonly idle?: unknown
  },
  types: Types,
  context: Context,
): CatalogEntry {
  const { targets, type, content = false, idle } = source
  if (targets !== undefined && type !== undefined) context.fail('`type` and `targets` exclude each other', context.path)
  const compiled = targets?.map((one, at) =>
    compileEffect(one, types, { ...context, path: [...context.path, 'targets', at] }),
  ) ?? [compileEffect(source, types, context)]
  const effects = content ? compiled.map(ofContent) : compiled
  return {
    kind: 'configuration',
    ...(content ? { isContent: true } : {}),
    ...(idle === undefined
      ? {}
      : { isIdle: compileWhen(idle as Json, { ...context, path: [...context.path, 'idle'] }) }),
    targets: effects.flatMap((effect) => effect.targets),
    touches: (event) =>
      effects.flatMap(({ elements, applies, targets: forms }) =>
        elements.events(event).flatMap((one): readonly Touch[] => {
          if (!applies(one)) return []
          const said = forms.filter((target) => saysSomething(target, one))
          if (said.length === 0) return []
          if (said.length === forms.length) return [{ event: one, targets: forms }]
          // A form that lacks the attributes is still one of the resource; one that has others is not meant.
          const [first, ...rest] = forms.filter((target) => said.includes(target) || isBare(target))
          return first === undefined ? [] : [{ event: one, targets: [first, ...rest] }]
        }),
      ),
    hasFailed: (event) => effects.some(({ elements }) => elements.hasFailed(event)),
  }
}

/** Nothing is told of content that no state has. */
function ofContent(effect: Compiled): Compiled {
  const [first, ...rest] = effect.targets
  return { ...effect, targets: [onlyOwned(first), ...rest.map(onlyOwned)] }
}

const onlyOwned = (target: Target): Target => ({ ...target, ifOwned: true })

/** A change of which the record shows nothing is of something that the catalog does not describe, unless CloudTrail left it out. */
function saysSomething({ effect, set, add, remove, touch }: Target, event: CloudEvent): boolean {
  if (effect !== 'change' || touch.length > 0 || event.request['omitted'] === true) return true
  for (const readers of [set, add, remove])
    for (const read of readers.values()) if (read(event) !== undefined) return true
  return false
}

function compileEffect(source: EffectSource, types: Types, outer: Context): Compiled {
  const { each, when, or, identity, among } = source
  const elements = compileElements(source, outer)
  const context = within(each, outer)
  const forms = [source, ...or]
    .flatMap((form, at) =>
      compileForms(form, identity, types, at === 0 ? context : { ...context, path: [...context.path, 'or', at - 1] }),
    )
    .toSorted((a, b) => Number(isEmptied(a)) - Number(isEmptied(b)))
  const [first, ...rest] = forms
  if (first === undefined) return context.fail('no target', context.path)
  if (forms.every(({ ifOwned }) => ifOwned === true))
    context.fail('`if_owned` needs a form under `or` that is meant otherwise', context.path)
  return {
    elements,
    applies:
      when === undefined ? () => true : compileWhen(when as Json, { ...context, path: [...context.path, 'when'] }),
    targets: [
      among === undefined ? first : { ...first, ...compileAmong(among, first.type, context) },
      ...rest.map((form) => mirrored(form, first)),
    ],
  }
}

/** Compiles `among`: an attribute, and the values of it that a call lists. */
function compileAmong(
  source: Readonly<Record<string, unknown>>,
  type: ResourceType,
  outer: Context,
): Pick<Target, 'among'> {
  const context = { ...outer, path: [...outer.path, 'among'] }
  const [[attribute, listed] = ['', null], ...others] = Object.entries(source)
  if (!type.attributes.has(attribute) || others.length > 0) context.fail('one attribute, and its values', context.path)
  return { among: { attribute, listed: compileReader(listed, context) } }
}

/** What is made as a resource of its own in the first form only shows in one that is changed by it. */
const mirrored = (form: Target, first: Target): Target =>
  form.effect === 'change' && first.effect !== 'change' ? { ...form, isMirror: true } : form

/** A variant that has none of the attributes: what `or` says of its type comes first. */
const isEmptied = (form: Target): boolean =>
  form.type.like !== undefined &&
  (form.effect === 'change' || form.effect === 'put') &&
  form.touch.length === 0 &&
  isBare(form)
