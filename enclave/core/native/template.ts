import type { Json } from '../json.ts'
import type { Subject } from '../rule.ts'
import { valuesAt } from './values.ts'

const PLACEHOLDER = /\{([^{}]*)\}/g
const ATTRIBUTE = /^attribute\.([A-Za-z_][\w.-]*)$/
const OF_TYPE = /^([a-z][a-z0-9_]*)_(?:id|name)$/
/**
 * People copy remediation into a shell, and names in an audit record are its caller's choice. So a value must be one word
 * in any shell, in HTML and in chat: no blanks, quotes, `$`, `;`, `<`; nor begin as an option does. No ARN is longer.
 */
const ONE_WORD = /^[A-Za-z0-9_][\w.:/@+=,[\]-]{0,2047}$/
const HTTPS_HOST = /^https:\/\/[A-Za-z0-9.-]+(?::\d+)?(?:[/?#]|$)/

type Reading = (subject: Subject) => Json | undefined

const PLACEHOLDERS: Readonly<Record<string, Reading>> = {
  id: ({ finding }) => finding.resource?.id,
  address: ({ finding }) => finding.resource?.address,
  type: ({ finding }) => finding.resource?.type,
  state: ({ finding }) => finding.resource?.state,
  account: ({ finding }) => finding.account,
  region: ({ finding }) => finding.region,
  service: ({ finding }) => finding.service,
  event: ({ finding }) => finding.event,
  event_id: ({ finding }) => finding.eventId,
  time: ({ finding }) => finding.time,
  user: ({ finding }) => finding.actor.name,
}

export type Template = (subject: Subject) => string

/** Takes note of what is wrong with a template. */
export type Note = (problem: string) => void

/**
 * Compiles `… {placeholder} …`. What has no value, or one that is not plainly one word, stays as `<placeholder>` for the
 * reader to look up in the finding. What is put in is not looked at again.
 */
export function parseTemplate(text: string, types: readonly string[], note: Note): Template {
  return compile(text, types, note, (value) => value)
}

/** A link's template: https, its host written out, each value encoded as one part of a path. */
export function parseLink(text: string, types: readonly string[], note: Note): Template {
  if (!HTTPS_HOST.test(text)) note('a runbook is an https:// link whose host is written out')
  return compile(text, types, note, encodeURIComponent)
}

function compile(text: string, types: readonly string[], note: Note, encode: (value: string) => string): Template {
  const stray = /[{}]/.exec(text.replaceAll(PLACEHOLDER, ''))
  if (stray !== null) note(`'${stray[0]}' without its other half; a placeholder is {name}`)
  const readings = new Map(
    Array.from(text.matchAll(PLACEHOLDER), ([, name = '']) => [name, readingOf(name, types, note)] as const),
  )
  if (readings.size === 0) return () => text
  return (subject) =>
    text.replaceAll(PLACEHOLDER, (_, name: string) => {
      const value = readings.get(name)?.(subject)
      const word = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
      return typeof word === 'string' && ONE_WORD.test(word) ? encode(word) : encode(`<${name}>`)
    })
}

/** `{instance_id}` is the id in a rule about `aws_instance`, as `{db_instance_id}` is in one about `aws_db_instance`. */
function readingOf(name: string, types: readonly string[], note: Note): Reading {
  const known = Object.hasOwn(PLACEHOLDERS, name) ? PLACEHOLDERS[name] : undefined
  if (known !== undefined) return known
  const path = ATTRIBUTE.exec(name)?.[1]
  if (path !== undefined) return (subject) => valuesAt(subject, path)[0]
  const noun = OF_TYPE.exec(name)?.[1]
  if (noun !== undefined && types.some((type) => type.endsWith(`_${noun}`))) return PLACEHOLDERS['id'] as Reading
  note(
    `unknown placeholder {${name}}; known are ${Object.keys(PLACEHOLDERS)
      .map((key) => `{${key}}`)
      .join(', ')}, {attribute.<path>} and {<noun>_id} of a resource type of the rule`,
  )
  return () => undefined
}
