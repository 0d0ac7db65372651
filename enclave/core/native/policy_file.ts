import * as v from 'valibot'
import { isCollection, isNode, isPair, isScalar, parseAllDocuments, visit, type Document } from 'yaml'
import { isJsonFile, jsonValue } from '../image_form.ts'
import { plainText, RuleError, type Position, type RuleErrorCode } from '../falco/source.ts'

const MAX_FILE_CHARS = 1 << 20

type Path = readonly (string | number)[]

/** A YAML document, and where things stand in it. */
export interface Source {
  readonly value: unknown
  mistake(code: RuleErrorCode, problem: string, path: Path): RuleError
  /** The value at a path if it follows a schema; what is wrong with it goes to `mistakes`. */
  check<T>(schema: v.GenericSchema<unknown, T>, path: Path, value: unknown, mistakes: RuleError[]): T | undefined
}

/** Reads the documents of a file, or the one of a JSON file as an image has it. One that is neither is left out. */
export function readDocuments(file: string, text: string, mistakes: RuleError[]): readonly Source[] {
  const source = plainText(text, file)
  const position = (offset: number): Position => source.position(offset)
  if (text.length > MAX_FILE_CHARS) {
    mistakes.push(new RuleError('ERR_RULE_LIMIT', `the file is longer than ${MAX_FILE_CHARS} characters`, position(0)))
    return []
  }
  if (isJsonFile(file)) {
    const start = position(0)
    const value = jsonValue(text, (problem) => void mistakes.push(new RuleError('ERR_RULE_FILE', problem, start)))
    return value === undefined ? [] : [sourceOf(value, () => start)]
  }
  return parseAllDocuments(text, { prettyErrors: false }).flatMap((document) => {
    const wrong = document.errors.map(({ message, pos }) => new RuleError('ERR_RULE_FILE', message, position(pos[0])))
    const alias = aliasIn(document)
    if (alias !== undefined) wrong.push(new RuleError('ERR_RULE_FILE', 'aliases are not read', position(alias)))
    mistakes.push(...wrong)
    return wrong.length > 0 || document.contents === null
      ? []
      : [sourceOf(document.toJS(), (path, what) => position(offsetOf(document, path, what)))]
  })
}

function sourceOf(whole: unknown, positionOf: (path: Path, what: 'key' | 'value') => Position): Source {
  return {
    value: whole,
    mistake: (code, problem, path) => new RuleError(code, problem, positionOf(path, 'value')),
    check(schema, path, value, mistakes) {
      const parsed = v.safeParse(schema, value)
      if (parsed.success) return parsed.output
      for (const issue of parsed.issues) {
        const inner = (issue.path ?? []).map(({ key }) => key as string | number) // YAML of ours has no other keys
        const { problem, at } = problemOf(issue, String(inner.at(-1) ?? path.at(-1) ?? 'the file'))
        const place = at === 'parent' ? [...path, ...inner].slice(0, -1) : [...path, ...inner]
        mistakes.push(new RuleError('ERR_RULE_FILE', problem, positionOf(place, at === 'key' ? 'key' : 'value')))
      }
      return undefined
    },
  }
}

/** An alias is another node's value: positions would lie, and a few of them make a file of gigabytes. */
function aliasIn(document: Document.Parsed): number | undefined {
  let found: number | undefined
  visit(document, {
    Alias: (_, { range }) => {
      found = range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return found
}

/** What is wrong, and whether that is said of the value, of its key, or of the mapping that should have it. */
function problemOf(
  { path, kind, type, message, expected, received }: v.BaseIssue<unknown>,
  key: string,
): { readonly problem: string; readonly at: 'value' | 'key' | 'parent' } {
  const isKey = path?.at(-1)?.origin === 'key'
  if (isKey && expected === 'never') return { problem: `unknown key '${key}'`, at: 'key' }
  if (isKey || received === 'undefined') return { problem: `'${key}' is missing`, at: 'parent' }
  if (type === 'min_length') return { problem: `'${key}' must not be empty`, at: 'value' }
  if (kind === 'schema' && type !== 'custom')
    return { problem: `'${key}' must be ${choices(expected ?? '')}, and is ${received}`, at: 'value' }
  return { problem: `'${key}': ${message}`, at: 'value' }
}

/** `("a" | "b")` for people. */
function choices(expected: string): string {
  const names = expected.replaceAll(/[()"]/g, '').split(' | ')
  return names.length > 1 ? `one of ${names.join(', ')}` : expected
}

/** Where the node at a path begins, or the key that leads to it. */
function offsetOf({ contents }: Document.Parsed, path: Path, what: 'key' | 'value'): number {
  let node: unknown = contents
  let offset = contents?.range[0] ?? 0
  for (const [depth, step] of path.entries()) {
    const items: readonly unknown[] = isCollection(node) ? node.items : []
    const next = items.find((item, at) => (isPair(item) ? isScalar(item.key) && item.key.value === step : at === step))
    if (next === undefined) return offset
    const isWanted = depth === path.length - 1 && what === 'value'
    const key = isPair(next) ? next.key : next
    node = isPair(next) ? next.value : next
    // Of a mapping's member its scalar is what is wrong; a list or a mapping is found by its key.
    const place = isWanted && isScalar(node) ? node : key
    offset = isNode(place) ? (place.range?.[0] ?? offset) : offset
  }
  return offset
}
