import type { CloudEvent } from './event.ts'
import { matchesGlob } from './glob.ts'
import { isObject, type Json } from './json.ts'
import { compileReader, type Context } from './reader_file.ts'
import { listed } from './target_file.ts'

/** Whether an event is meant. */
export type Test = (event: CloudEvent) => boolean

/** Of `when` and `idle`. `<place>`: something is there. `{<place>: <value>}`: it is that, or one of those; `*` stands for any text, null for nothing. */
export function compileWhen(source: Json, context: Context): Test {
  if (typeof source === 'string') {
    const read = compileReader(source, context)
    return (event) => (read(event) ?? null) !== null
  }
  if (!isObject(source)) return context.fail('a place, or places and their values', context.path)
  const tests = Object.entries(source).map(([place, wanted]) => {
    const read = compileReader(place, context)
    const values = listed(wanted)
    return (event: CloudEvent) => {
      const value = onlyOf(read(event) ?? null)
      return values.some((one) =>
        one === null ? value === null : typeof value !== 'object' && matchesGlob(textOf(one), textOf(value)),
      )
    }
  })
  return (event) => tests.every((test) => test(event))
}

/** One that is alone in a list is what the list says; of several none is. */
const onlyOf = (value: Json): Json => (Array.isArray(value) && value.length === 1 ? (value[0] as Json) : value)
const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))
