import { isList, sorted } from './document.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

/** What Elastic Load Balancing fills in where an action is silent. */
const DEFAULTS: JsonObject = {
  host: '#{host}',
  on_unauthenticated_request: 'authenticate',
  path: '/#{path}',
  port: '#{port}',
  protocol: '#{protocol}',
  query: '#{query}',
  scope: 'openid',
  session_cookie_name: 'AWSELBAuthSessionCookie',
  session_timeout: '604800',
  weight: '1',
}
/** No record has it, and a call may leave it as it is. */
const SECRET = 'client_secret'

/** The same for actions of a listener, or of one of its rules, that do the same. */
export const normalActions = (actions: Json): Json =>
  isList(actions) ? actions.filter(isObject).map((action, at) => normalAction(action, at)) : []

/** One target group may be named by itself, or be the only one that `forward` has; the console writes both. */
function normalAction({ forward, target_group_arn: alone = null, order, ...rest }: JsonObject, at: number): Json {
  const [{ target_group: groups, stickiness } = {}] = isList(forward) ? forward.filter(isObject) : []
  const members = isList(groups) ? groups.filter(isObject) : []
  const isSticky =
    isList(stickiness) && stickiness.some((one) => isObject(one) && normalValue(one['enabled'] ?? null) === 'true')
  const [only, ...others] = members
  const isAlone = others.length === 0 && !isSticky
  return {
    ...pruned(rest),
    // A single action that was made without an order is read as 0.
    order: normalValue(order === 0 ? at + 1 : (order ?? at + 1)),
    target_group_arn: isAlone ? (only?.['arn'] ?? (alone === '' ? null : alone)) : null,
    target_groups: isAlone ? [] : sorted(members.map(pruned)),
    stickiness: isSticky ? stickiness.filter(isObject).map(pruned) : [],
  }
}

/** A block without what is unset or what would be filled in, its scalars as text. */
function pruned(block: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(block).flatMap(([name, value]): [string, Json][] => {
      const normal = normalValue(value)
      return name === SECRET || isUnset(normal) || DEFAULTS[name] === normal ? [] : [[name, normal]]
    }),
  )
}

function normalValue(value: Json): Json {
  if (isList(value)) return value.map(normalValue)
  if (isObject(value)) return pruned(value)
  return value === null ? null : String(value)
}

const isUnset = (value: Json): boolean =>
  value === null || value === '' || value === 'false' || (typeof value === 'object' && Object.keys(value).length === 0)
