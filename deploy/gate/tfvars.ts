import { requireList } from './allow_list.ts'
import { GateError } from './error.ts'

const NAME = 'enclave_pcr0_allow_list'
const IN_HCL = new RegExp(String.raw`^[ \t]*${NAME}[ \t]*=[ \t]*\[`, 'gm')
const IN_JSON = new RegExp(String.raw`"${NAME}"\s*:\s*\[`, 'g')
/** What stands in a list of literals: values, commas, the end, room between them and remarks (not in JSON). */
const TOKEN = /(?<value>"[^"\\\n]*")|(?<comma>,)|(?<end>\])|(?<room>[ \t\r\n]+|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)/y

interface Element {
  readonly image: string
  readonly from: number
  readonly to: number
  /** Where its comma ends; the last may have none. */
  readonly comma: number | undefined
}

interface List {
  /** Right behind the bracket that opens it, and right at the one that closes it. */
  readonly from: number
  readonly to: number
  readonly elements: readonly Element[]
}

/** The images that a variables file names. */
export const readAllowList = (text: string, file: string): readonly string[] =>
  requireList(listIn(text, file).elements.map(({ image }) => image))

/** The file with another list. Remarks, layout and everything else stay as they are, byte for byte. */
export function writeAllowList(text: string, file: string, list: readonly string[]): string {
  let edited = text
  for (const image of readAllowList(text, file)) if (!list.includes(image)) edited = remove(edited, file, image)
  for (const image of requireList(list))
    if (!readAllowList(edited, file).includes(image)) edited = append(edited, file, image)
  return edited
}

function append(text: string, file: string, image: string): string {
  const { from, to, elements } = listIn(text, file)
  const last = elements.at(-1)
  if (last === undefined) return splice(text, from, from, `"${image}"`)
  const lineEnd = text.indexOf('\n', last.to)
  if (lineEnd < 0 || lineEnd > to) {
    const at = last.comma ?? last.to
    return splice(text, at, at, `${last.comma === undefined ? ',' : ''} "${image}"`)
  }
  // Behind the line, so that a remark stays with the image that it is about; with a comma only where the last had one.
  const indent = /[ \t]*$/.exec(text.slice(0, last.from))?.[0] ?? ''
  const added = splice(text, lineEnd, lineEnd, `\n${indent}"${image}"${last.comma === undefined ? '' : ','}`)
  return last.comma === undefined ? splice(added, last.to, last.to, ',') : added
}

function remove(text: string, file: string, image: string): string {
  const { elements } = listIn(text, file)
  const index = elements.findIndex((element) => element.image === image)
  const [element, before, after] = [elements[index], elements[index - 1], elements[index + 1]]
  if (element === undefined) return text
  const [lineStart, lineEnd] = [text.lastIndexOf('\n', element.from) + 1, text.indexOf('\n', element.to)]
  const isAlone =
    text.slice(lineStart, element.from).trim() === '' && lineEnd >= 0 && (after === undefined || after.from > lineEnd)
  const end = element.comma ?? element.to
  const removed = isAlone
    ? splice(text, lineStart, lineEnd + 1, '')
    : after === undefined
      ? splice(
          text,
          before?.to ?? element.from,
          element.comma === undefined || before === undefined ? end : element.to,
          '',
        )
      : splice(text, element.from, after.from, '')
  // JSON has no comma behind the last.
  const needsNone = after === undefined && element.comma === undefined && before?.comma !== undefined && isAlone
  return needsNone ? splice(removed, before.comma - 1, before.comma, '') : removed
}

function listIn(text: string, file: string): List {
  const [opening, second] = text.matchAll(file.endsWith('.json') ? IN_JSON : IN_HCL)
  if (opening === undefined || second !== undefined)
    throw new GateError('ERR_GATE_LIST', `${file}: expected ${NAME} = [ … ] once`)
  const from = opening.index + opening[0].length
  const elements: Element[] = []
  TOKEN.lastIndex = from
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    const { value, comma, end } = token.groups ?? {}
    const last = elements.at(-1)
    if (end !== undefined) return { from, to: token.index, elements }
    if (value !== undefined && (last === undefined || last.comma !== undefined))
      elements.push({ image: value.slice(1, -1), from: token.index, to: TOKEN.lastIndex, comma: undefined })
    else if (comma !== undefined && last !== undefined && last.comma === undefined)
      elements[elements.length - 1] = { ...last, comma: TOKEN.lastIndex }
    else if (value !== undefined || comma !== undefined) break
  }
  throw new GateError('ERR_GATE_LIST', `${file}: ${NAME} must be a list of literals, so that it can be read and edited`)
}

const splice = (text: string, from: number, to: number, by: string): string => text.slice(0, from) + by + text.slice(to)
