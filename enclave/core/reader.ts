import type { Fields, Place, Reader, Reading } from './catalog.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { valueAt } from './path.ts'

/** What stands in a record at a place. */
export function readPlace(event: CloudEvent, { root, names }: Place): Json | undefined {
  const { account, region, request, response } = event
  return valueAt({ request, response, event: { account, region } }[root], names)
}

/** An attribute's value in Terraform's form; undefined when the record does not give it. */
export function readAttribute(event: CloudEvent, reader: Reader): Json | undefined {
  for (const place of reader.from) {
    const value = readPlace(event, place)
    if (value !== undefined && value !== null) return convert(value, reader)
  }
  return reader.default
}

function convert(value: Json, reading: Reading): Json | undefined {
  if (reading.read === 'value') return value
  if (reading.read === 'tags') return readTags(value)
  if (!Array.isArray(value)) return undefined
  return reading.read === 'keys' ? value : value.map((block: Json) => readBlock(block, reading.fields))
}

/** AWS writes a tag in three ways, and some services a plain map. */
function readTags(value: Json): Json | undefined {
  if (isObject(value)) return value
  if (!Array.isArray(value)) return undefined
  const pairs = value.map((tag: Json) => (isObject(tag) ? ([tagKey(tag), tagValue(tag)] as const) : ([] as const)))
  return pairs.every(([key]) => typeof key === 'string') ? (Object.fromEntries(pairs) as JsonObject) : undefined
}

const tagKey = (tag: JsonObject): Json | undefined => tag['key'] ?? tag['Key'] ?? tag['tagKey']
const tagValue = (tag: JsonObject): Json => tag['value'] ?? tag['Value'] ?? tag['tagValue'] ?? ''

/** A block in Terraform's names. Nested blocks that are not there are empty lists, as in a state. */
function readBlock(block: Json, fields: Fields): Json {
  const source = isObject(block) ? block : {}
  return Object.fromEntries(
    [...fields].map(([name, reading]) => {
      const missing = reading.read === 'blocks' ? [] : null
      return [name, convert(source[reading.from] ?? missing, reading) ?? missing]
    }),
  )
}
