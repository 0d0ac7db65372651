import { AUTO_SCALING, MAX_DEPTH } from './cloudtrail.ts'
import type { Json, JsonObject } from './json.ts'
import {
  afterSpace,
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  endOfText,
  endOfValue,
  NONE,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  startOfMember,
  startOfNext,
} from './json_scan.ts'

/** The one member of a log file. */
const RECORDS = '"Records"'
const [LOWER_F, LOWER_N, LOWER_T] = [0x66, 0x6e, 0x74]
/** A record of CloudTrail has some thirty members. */
const KEYS = 64

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

/** A record as it lies in a log file: found to be an object of no forbidden depth, and parsed when somebody asks for more. */
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

  read(): JsonObject {
    if (this.#bytes.length === 0)
      throw new Error('the file of this record was let go of: read it before more are asked for')
    return parse(this.#bytes, this.#start, this.#end) as JsonObject // it begins with a brace
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
  const fields = createFields()
  let backslash = bytes.indexOf(BACKSLASH)
  let at = startOfRecords(bytes)
  while (at !== NONE && bytes[at] !== CLOSE_BRACKET) {
    const start = at
    const isObject = bytes[start] === OPEN_BRACE
    const end = isObject ? endOfRecord(bytes, start, fields) : endOfValue(bytes, start, MAX_DEPTH)
    if (end === NONE) return undefined
    if (backslash !== -1 && backslash < start) backslash = bytes.indexOf(BACKSLASH, start)
    const isPlain = isObject && (backslash === -1 || backslash >= end)
    records.push(isPlain ? new UnreadRecord(lookAt(bytes, fields), bytes, start, end) : parse(bytes, start, end))
    at = startOfNext(bytes, end, CLOSE_BRACKET)
  }
  const last = afterSpace(bytes, at + 1)
  const isWhole = at !== NONE && bytes[last] === CLOSE_BRACE && afterSpace(bytes, last + 1) === bytes.length
  return isWhole ? records : undefined
}

/** Where the first record begins, or the end of a list without any. */
function startOfRecords(bytes: Buffer): number {
  const brace = afterSpace(bytes, 0)
  const key = afterSpace(bytes, brace + 1)
  const keyEnd = key + RECORDS.length
  if (bytes[brace] !== OPEN_BRACE || bytes.toString('latin1', key, keyEnd) !== RECORDS) return NONE
  const list = startOfMember(bytes, keyEnd)
  return bytes[list] === OPEN_BRACKET ? afterSpace(bytes, list + 1) : NONE
}

/** A field of the record that is being walked. */
interface Field {
  readonly name: keyof Glance
  /** Where the value lies; 0 while there is none. */
  start: number
  end: number
  /** The last text, and where it came from: neighbours in a file mostly agree, and to compare is cheaper than to decode. */
  text: string
  textStart: number
  textEnd: number
}

/** The key of a member, with all that leads to its value. */
interface Key {
  start: number
  length: number
  field: Field | undefined
}

interface Fields {
  readonly all: readonly Field[]
  /** By the member's place: where the record before had which key. A wrong one costs no more than a comparison. */
  readonly keys: readonly Key[]
}

const createFields = (): Fields => ({
  all: (Object.keys(NO_GLANCE) as (keyof Glance)[]).map((name): Field => ({
    name,
    start: 0,
    end: 0,
    text: '',
    textStart: 0,
    textEnd: 0,
  })),
  keys: Array.from({ length: KEYS }, (): Key => ({ start: 0, length: 0, field: undefined })),
})

/** Where the record ends that begins here. On the way it notes where its fields lie. */
function endOfRecord(bytes: Buffer, start: number, { all, keys }: Fields): number {
  for (const field of all) field.start = 0
  let at = afterSpace(bytes, start + 1)
  for (let place = 0; at !== NONE && bytes[at] !== CLOSE_BRACE; place++) {
    const key = keys[place % KEYS] as Key // the ring is full from the start
    if (key.length === 0 || !areAlike(bytes, at, key.start, key.length)) {
      const nameEnd = endOfText(bytes, at) - 1
      const value = startOfMember(bytes, nameEnd + 1)
      if (value === NONE) return NONE
      const name = bytes.toString('latin1', at + 1, nameEnd)
      key.field = all.find((field) => field.name === name)
      key.length = value - at
    }
    key.start = at
    const value = afterSpace(bytes, at + key.length)
    const end = endOfValue(bytes, value, MAX_DEPTH - 1)
    if (key.field !== undefined) {
      key.field.start = value // of several with one name the last counts, as for JSON.parse
      key.field.end = end
    }
    at = startOfNext(bytes, end, CLOSE_BRACE)
  }
  return at === NONE ? NONE : at + 1
}

function lookAt(bytes: Buffer, { all }: Fields): Look {
  const glance: { -readonly [Name in keyof Glance]: Glance[Name] } = { ...NO_GLANCE }
  let isTelling = true
  for (const field of all) {
    if (field.start === 0) continue
    const first = bytes[field.start]
    if (first === QUOTE) glance[field.name] = textOf(bytes, field)
    else if (first === LOWER_T || first === LOWER_F) glance[field.name] = first === LOWER_T
    else if (first !== LOWER_N) isTelling = false
  }
  // Which of two services that is, `additionalEventData` says.
  return { glance, isTelling: isTelling && glance.eventSource !== AUTO_SCALING }
}

function textOf(bytes: Buffer, field: Field): string {
  const { start, end, textStart, textEnd } = field
  if (end - start !== textEnd - textStart || !areAlike(bytes, start, textStart, end - start))
    field.text = bytes.toString('utf8', start + 1, end - 1)
  field.textStart = start
  field.textEnd = end
  return field.text
}

/** From the end, because names begin alike. */
function areAlike(bytes: Uint8Array, one: number, other: number, length: number): boolean {
  for (let index = length - 1; index >= 0; index--) if (bytes[one + index] !== bytes[other + index]) return false
  return true
}

// JSON.parse gives Json and nothing else.
const parse = (bytes: Buffer, start: number, end: number): Json =>
  JSON.parse(bytes.toString('utf8', start, end)) as Json
