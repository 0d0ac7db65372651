import type { Target, Touch } from './catalog.ts'
import { textsIn } from './target_file.ts'
import { isRedacted } from './meaning.ts'
import type { StateIndex } from './state_index.ts'

/** Of a call that lists what there is, what it says of each that a state has: that it is there, or gone. */
export function spread(touches: readonly Touch[], states: StateIndex): readonly Touch[] {
  if (!touches.some(({ targets: [target] }) => target.among !== undefined)) return touches // as nearly all
  return touches.flatMap((touch) => {
    const [target] = touch.targets
    return target.among === undefined ? [touch] : spreadOver(touch, target, target.among, states)
  })
}

function spreadOver(
  { event }: Touch,
  target: Target,
  { attribute, listed }: NonNullable<Target['among']>,
  states: StateIndex,
): readonly Touch[] {
  const list = listed(event) ?? null
  const values = textsIn(list)
  if (values.length === 0 || isRedacted(list)) return [] // it lists nothing, or not all
  const { cloud, account, region } = event
  const owned = target
    .identify(event)
    .flatMap((id) => states.all({ cloud, account, region, type: target.type.name, id }))
  return owned.map(({ id, attributes }) => {
    const isListed = textsIn(attributes[attribute]).some((value) => values.includes(value))
    return { event, targets: [{ ...target, effect: isListed ? 'create' : 'delete', identify: () => [id] }] }
  })
}
