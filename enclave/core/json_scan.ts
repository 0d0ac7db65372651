/**
 * Walks JSON where it lies and makes no value of it. What is accepted here `JSON.parse` accepts too, with the same
 * borders (RFC 8259). Bytes above ASCII stand in texts alone, and no decoder makes a quote or a backslash of them.
 */

export const [QUOTE, BACKSLASH] = [0x22, 0x5c]
export const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d]
const [SPACE, COMMA, COLON] = [0x20, 0x2c, 0x3a]
const [PLUS, MINUS, POINT, ZERO, LOWER_E, LOWER_U] = [0x2b, 0x2d, 0x2e, 0x30, 0x65, 0x75]
/** Makes an ASCII letter a small one. */
const SMALL = 0x20
const HEX_DIGITS = 4

/** 1 for a byte of a text that stands for itself: a look-up costs less than the comparisons. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH),
)

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const [TRUE, FALSE, NULL] = [bytesOf('true'), bytesOf('false'), bytesOf('null')]
/** What may follow a backslash, besides `u`. */
const ESCAPED: ReadonlySet<number | undefined> = new Set(bytesOf('"\\/bfnrt'))

/** Where there is no JSON, or it nests too deep. No byte is there, so what is sought from there is there too. */
export const NONE = -1

/** Says where an element ends, or the value of a member, whose key lies between the last two places without its quotes. */
export type ElementEnd = (bytes: Uint8Array, start: number, depth: number) => number
export type MemberEnd = (bytes: Uint8Array, start: number, depth: number, key: number, keyEnd: number) => number

/** The first place that holds no white space: mostly this one, so that V8 puts the look in place of the call. */
export const afterSpace = (bytes: Uint8Array, start: number): number =>
  (bytes[start] ?? 0) > SPACE ? start : endOfSpace(bytes, start)

function endOfSpace(bytes: Uint8Array, start: number): number {
  let at = start
  for (let byte = bytes[at]; byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = bytes[at])
    at += 1
  return at
}

/** Where the value that begins here ends, if it nests at most `depth` deep. */
export function endOfValue(bytes: Uint8Array, start: number, depth: number): number {
  const byte = bytes[start]
  if (byte === QUOTE) return endOfText(bytes, start)
  return byte === OPEN_BRACE || byte === OPEN_BRACKET ? endOfNested(bytes, start, depth) : endOfScalar(bytes, start)
}

/** In one piece, for its speed: most bytes of a log file or a state are passed here. */
function endOfNested(bytes: Uint8Array, start: number, depth: number): number {
  if (depth === 0) return NONE
  const isObject = bytes[start] === OPEN_BRACE
  const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET
  let at = start + 1
  if ((bytes[at] ?? 0) <= SPACE) at = endOfSpace(bytes, at)
  if (bytes[at] === close) return at + 1
  for (;;) {
    if (isObject) {
      if (bytes[at] !== QUOTE) return NONE
      at = endOfText(bytes, at)
      if (bytes[at] !== COLON) at = endOfSpace(bytes, at)
      if (bytes[at] !== COLON) return NONE
      at += 1
      if ((bytes[at] ?? 0) <= SPACE) at = endOfSpace(bytes, at)
    }
    const byte = bytes[at]
    if (byte === QUOTE) at = endOfText(bytes, at)
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) at = endOfNested(bytes, at, depth - 1)
    else at = endOfScalar(bytes, at)
    if ((bytes[at] ?? 0) <= SPACE) at = endOfSpace(bytes, at)
    if (bytes[at] !== COMMA) return bytes[at] === close ? at + 1 : NONE
    at += 1
    if ((bytes[at] ?? 0) <= SPACE) at = endOfSpace(bytes, at)
  }
}

function endOfScalar(bytes: Uint8Array, start: number): number {
  const byte = bytes[start]
  if (byte === TRUE[0]) return endOfWord(bytes, start, TRUE)
  if (byte === FALSE[0]) return endOfWord(bytes, start, FALSE)
  if (byte === NULL[0]) return endOfWord(bytes, start, NULL)
  return endOfNumber(bytes, start)
}

/** Where the object ends that begins here, if `endOf` finds an end of each value. */
export function endOfObject(bytes: Uint8Array, start: number, depth: number, endOf: MemberEnd): number {
  if (depth === 0 || bytes[start] !== OPEN_BRACE) return NONE
  let at = afterSpace(bytes, start + 1)
  while (at !== NONE && bytes[at] !== CLOSE_BRACE) {
    const keyEnd = endOfText(bytes, at)
    const value = startOfMember(bytes, keyEnd)
    if (value === NONE) return NONE
    at = startOfNext(bytes, endOf(bytes, value, depth - 1, at + 1, keyEnd - 1), CLOSE_BRACE)
  }
  return at === NONE ? NONE : at + 1
}

/** Where the list ends that begins here, if `endOf` finds an end of each element. */
export function endOfList(bytes: Uint8Array, start: number, depth: number, endOf: ElementEnd): number {
  if (depth === 0 || bytes[start] !== OPEN_BRACKET) return NONE
  let at = afterSpace(bytes, start + 1)
  while (at !== NONE && bytes[at] !== CLOSE_BRACKET) at = startOfNext(bytes, endOf(bytes, at, depth - 1), CLOSE_BRACKET)
  return at === NONE ? NONE : at + 1
}

/** Where the value of the member begins whose key ends here. */
export function startOfMember(bytes: Uint8Array, keyEnd: number): number {
  const colon = afterSpace(bytes, keyEnd)
  return bytes[colon] === COLON ? afterSpace(bytes, colon + 1) : NONE
}

/** Where the member or element after this one begins, or what closes them is. */
export function startOfNext(bytes: Uint8Array, end: number, close: number): number {
  const at = afterSpace(bytes, end)
  if (bytes[at] === close) return at
  if (bytes[at] !== COMMA) return NONE
  const next = afterSpace(bytes, at + 1)
  return bytes[next] === close ? NONE : next
}

/** Where the text ends, with its quotes, that begins here. */
export function endOfText(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (PLAIN[bytes[at] ?? 0] === 1) at += 1
  return bytes[at] === QUOTE && bytes[start] === QUOTE ? at + 1 : endOfEscaped(bytes, start, at)
}

/** Apart: most texts have no escape, and what is left above is short enough for V8 to put it in place of the call. */
function endOfEscaped(bytes: Uint8Array, start: number, plain: number): number {
  if (bytes[start] !== QUOTE) return NONE
  let at = plain
  for (;;) {
    while (PLAIN[bytes[at] ?? 0] === 1) at += 1
    if (bytes[at] === QUOTE) return at + 1
    if (bytes[at] !== BACKSLASH) return NONE
    if (ESCAPED.has(bytes[at + 1])) at += 2
    else if (bytes[at + 1] === LOWER_U && areHex(bytes, at + 2)) at += 2 + HEX_DIGITS
    else return NONE
  }
}

function areHex(bytes: Uint8Array, start: number): boolean {
  for (let at = start; at < start + HEX_DIGITS; at++) {
    const byte = bytes[at] ?? 0
    const letter = byte | SMALL
    if (!isDigit(byte) && !(letter >= 0x61 && letter <= 0x66)) return false
  }
  return true
}

function endOfWord(bytes: Uint8Array, start: number, word: Uint8Array): number {
  for (let index = 0; index < word.length; index++) if (bytes[start + index] !== word[index]) return NONE
  return start + word.length
}

function endOfNumber(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start
  let at = bytes[first] === ZERO ? first + 1 : endOfDigits(bytes, first)
  if (at !== NONE && bytes[at] === POINT) at = endOfDigits(bytes, at + 1)
  if (at === NONE || ((bytes[at] ?? 0) | SMALL) !== LOWER_E) return at
  const sign = bytes[at + 1]
  return endOfDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1)
}

/** At least one. */
function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start
  while (isDigit(bytes[at])) at += 1
  return at === start ? NONE : at
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= 0x39
