import { isList, sorted } from './document.ts'
import { canonicalJson, isObject, type Json, type JsonObject } from './json.ts'

/** The same for selectors by which a trail records the same. */
export const normalEventSelectors = (selectors: Json): Json =>
  objects(shownEventSelectors(selectors)).map(normalSelector)

/**
 * As the provider has them: one alone that says what a trail does when it is told nothing is none. Beside another it counts,
 * since what is told to record nothing else would be another trail.
 */
export function shownEventSelectors(selectors: Json): Json {
  const [only, ...others] = objects(selectors)
  const isUntold = only !== undefined && others.length === 0 && canonicalJson(normalSelector(only)) === UNTOLD
  return isUntold ? [] : selectors
}

const normalSelector = (selector: JsonObject): JsonObject => ({
  data: sorted(
    objects(selector['data_resource']).map(({ type = null, values = [] }) => ({ type, values: texts(values) })),
  ),
  except: texts(selector['exclude_management_event_sources']),
  management: selector['include_management_events'] !== false && selector['include_management_events'] !== 'false',
  kind: selector['read_write_type'] ?? 'All',
})

const objects = (value: Json = null): readonly JsonObject[] => (isList(value) ? value.filter(isObject) : [])
const texts = (value: Json = null): readonly Json[] => (isList(value) ? sorted(value) : [])

const UNTOLD = canonicalJson(normalSelector({}))
