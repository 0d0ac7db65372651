import { AUTO_SCALING, MAX_DEPTH } from './cloudtrail.ts'
import type { Json } from './json.ts'
import { afterSpace, endOfList, endOfObject, endOfValue, NONE, type ElementEnd, type MemberEnd } from './json_scan.ts'

/** The file's object and its list are around each record. */
const FILE_DEPTH = MAX_DEPTH + 2
const [QUOTE, BACKSLASH, OPEN_BRACE] = [0x22, 0x5c, 0x7b]
const [LOWER_F, LOWER_N, LOWER_T] = [0x66, 0x6e, 0x74]

/**
 * Of a record what tells whether its event can be dropped, the account, which saves looking for the caller's, and the
 * time; null is what the record lacks. Nothing else in it counts, as long as each of these is a text, a flag or null.
 */
const NO_GLANCE = {
  eventName: null,
  eventSource: null,
  eventTime: null,
  eventType: null,
  eventCategory: null,
  recipientAccountId: null,
  readOnly: null,
  managementEvent: null,
  errorCode: null,
  errorMessage: null,
  responseElements: null,
  protoPayload: null,
}
export type Glance = Readonly<Record<keyof typeof NO_GLANCE, string | boolean | null>>

interface Look {
  readonly glance: Glance
  /** Whether the record can be dropped for its glance, which shows null for what is neither text nor flag. */
  readonly isTelling: boolean
}

/** A record as it lies in a log file: found to be JSON, and parsed when somebody asks for more than a glance. */
export class UnreadRecord implements Look {
  readonly glance: Glance
  readonly isTelling: boolean
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number

  constructor({ glance, isTelling }: Look, bytes: Buffer, start: number, end: number) {
    this.glance = glance
    this.isTelling = isTelling
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  read(): Json {
    return parse(this.#bytes, this.#start, this.#end)
  }
}

/** The whole record, however it came. */
export const wholeOf = (record: Json | UnreadRecord): Json => (record instanceof UnreadRecord ? record.read() : record)

/**
 * The records of a CloudTrail log file, `{"Records":[…]}`. Every byte of it is checked, so that no record can shift the
 * borders of another; undefined is any other document and whatever is no JSON, of which the whole parse knows what to
 * say. Parsed at once is a record that holds a backslash, which may hide a name; others when they are judged, one by one:
 * a file's worth of them would have to be moved by the collector.
 */
export function scanLog(bytes: Buffer): readonly (Json | UnreadRecord)[] | undefined {
  const records: (Json | UnreadRecord)[] = []
  const glances = createGlances(bytes)
  let backslash = bytes.indexOf(BACKSLASH)
  let isLog = false

  const endOfRecord: ElementEnd = (_, start, depth) => {
    const isObject = bytes[start] === OPEN_BRACE
    const end = isObject ? glances.walk(start, depth) : endOfValue(bytes, start, depth)
    if (end === NONE) return NONE
    if (backslash !== -1 && backslash < start) backslash = bytes.indexOf(BACKSLASH, start)
    const hasBackslash = backslash !== -1 && backslash < end
    const isPlain = isObject && !hasBackslash
    records.push(isPlain ? new UnreadRecord(glances.take(), bytes, start, end) : parse(bytes, start, end))
    return end
  }
  const endOfRecords: MemberEnd = (_, start, depth, key, keyEnd) => {
    if (isLog || bytes.toString('latin1', key, keyEnd) !== 'Records') return NONE
    isLog = true
    return endOfList(bytes, start, depth, endOfRecord)
  }
  const end = endOfObject(bytes, afterSpace(bytes, 0), FILE_DEPTH, endOfRecords)
  return isLog && end !== NONE && afterSpace(bytes, end) === bytes.length ? records : undefined
}

/** A field of the record that is being walked. */
interface Field {
  readonly name: keyof Glance
  readonly key: Uint8Array
  /** Where the value lies; 0 while there is none. */
  start: number
  end: number
  /** The last text, and where it came from: neighbours in a file mostly agree, and to compare is cheaper than to decode. */
  text: string
  textStart: number
  textEnd: number
}

/** Walks one record after the other; a glance is of the last. */
function createGlances(bytes: Buffer) {
  const fields = (Object.keys(NO_GLANCE) as (keyof Glance)[]).map((name): Field => ({
    name,
    key: new TextEncoder().encode(name),
    start: 0,
    end: 0,
    text: '',
    textStart: 0,
    textEnd: 0,
  }))
  const longest = Math.max(...fields.map(({ key }) => key.length))
  const byLength = Array.from({ length: longest + 1 }, (_, length) => fields.filter(({ key }) => key.length === length))

  const endOfField: MemberEnd = (_, start, depth, key, keyEnd) => {
    const end = endOfValue(bytes, start, depth)
    for (const field of byLength[keyEnd - key] ?? []) {
      if (!endsAlike(bytes, keyEnd, field.key, field.key.length, field.key.length)) continue
      field.start = start // of several with one name the last counts, as for JSON.parse
      field.end = end
    }
    return end
  }

  function textOf(field: Field): string {
    const { start, end, textStart, textEnd } = field
    if (end - start !== textEnd - textStart || !endsAlike(bytes, end, bytes, textEnd, end - start))
      field.text = bytes.toString('utf8', start + 1, end - 1)
    field.textStart = start
    field.textEnd = end
    return field.text
  }

  return {
    walk(start: number, depth: number): number {
      for (const field of fields) field.start = 0
      return endOfObject(bytes, start, depth, endOfField)
    },
    take(): Look {
      const glance: { -readonly [Name in keyof Glance]: Glance[Name] } = { ...NO_GLANCE }
      let isTelling = true
      for (const field of fields) {
        if (field.start === 0) continue
        const first = bytes[field.start]
        if (first === QUOTE) glance[field.name] = textOf(field)
        else if (first === LOWER_T || first === LOWER_F) glance[field.name] = first === LOWER_T
        else if (first !== LOWER_N) isTelling = false
      }
      // Which of two services that is, `additionalEventData` says.
      return { glance, isTelling: isTelling && glance.eventSource !== AUTO_SCALING }
    },
  }
}

/** Compares from the end, because the names begin alike. */
function endsAlike(one: Uint8Array, oneEnd: number, other: Uint8Array, otherEnd: number, length: number): boolean {
  for (let back = 1; back <= length; back++) if (one[oneEnd - back] !== other[otherEnd - back]) return false
  return true
}

// JSON.parse gives Json and nothing else.
const parse = (bytes: Buffer, start: number, end: number): Json =>
  JSON.parse(bytes.toString('utf8', start, end)) as Json
