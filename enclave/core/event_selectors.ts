import { isList, sorted } from './document.ts'
import { canonicalJson, isObject, type Json, type JsonObject } from './json.ts'

/** The same for selectors by which a trail records the same: what it does when told nothing may be said, or not. */
export const normalEventSelectors = (selectors: Json): Json =>
  objects(selectors)
    .map(normalSelector)
    .filter((selector) => canonicalJson(selector) !== UNTOLD)

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
