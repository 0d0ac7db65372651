import { defined } from '../json.ts'
import type { Scanner } from './scanner.ts'
import { fail } from './source.ts'
import {
  TRANSFORMERS,
  type FieldRef,
  type Operand,
  type Transformed,
  type TransformerArgument,
  type TransformerList,
  type Value,
} from './tree.ts'

/** As deep as anything may be nested in Falco's own loader. */
const MAX_NESTING = 199

const NUMBER = /0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?/y

/** The parts of the grammar that conditions and output templates share. */
export interface OperandParser {
  readonly field: () => FieldRef | undefined
  readonly transformed: () => Transformed | undefined
  /** What a right-hand side computes from the event. A bare field name there is a string. */
  readonly computed: () => Transformed | undefined
  readonly number: () => Value | undefined
  /** One or more, with commas between. */
  readonly separated: <T>(item: () => T) => T[]
  readonly close: () => void
  readonly nested: <T>(parse: () => T) => T
  readonly expected: (what: string) => never
}

export function operandParser(scan: Scanner): OperandParser {
  let nesting = 0
  return { field, transformed, computed, number, separated, close, nested, expected }

  function field(): FieldRef | undefined {
    const at = scan.mark()
    const name = scan.fieldName()
    return name === undefined ? undefined : defined<FieldRef>({ kind: 'field', name, arg: scan.fieldArgument(), at })
  }

  function computed(): Transformed | undefined {
    const at = scan.mark()
    if (!scan.take('val(')) return transformed()
    scan.blank()
    const inner = field() ?? expected('a field')
    close()
    return defined<Transformed>({
      kind: 'transformed',
      transformer: 'val',
      args: [inner],
      arg: scan.fieldArgument(),
      at,
    })
  }

  function transformed(): Transformed | undefined {
    const at = scan.mark()
    const transformer = scan.takeCall(TRANSFORMERS)
    if (transformer === undefined) return undefined
    const args = nested(() => separated(argument))
    close()
    return defined<Transformed>({ kind: 'transformed', transformer, args, arg: scan.fieldArgument(), at })
  }

  function argument(): TransformerArgument {
    return argumentList() ?? argumentItem()
  }

  function argumentList(): TransformerList | undefined {
    const at = scan.mark()
    if (!scan.take('(')) return undefined
    scan.blank()
    if (scan.take(')')) return { kind: 'arguments', items: [], at }
    const items = separated(argumentItem)
    close()
    return { kind: 'arguments', items, at }
  }

  function argumentItem(): Operand | Value {
    const at = scan.mark()
    const quoted = scan.quoted()
    if (quoted !== undefined) return { kind: 'value', text: quoted, at }
    return number() ?? transformed() ?? field() ?? expected('a field, a transformer, a quoted string or a number')
  }

  function number(): Value | undefined {
    const at = scan.mark()
    const text = scan.match(NUMBER)
    return text === undefined ? undefined : { kind: 'value', text, at }
  }

  function separated<T>(item: () => T): T[] {
    const items: T[] = []
    do {
      scan.blank()
      items.push(item())
      scan.blank()
    } while (scan.take(','))
    return items
  }

  function close(): void {
    scan.blank()
    if (!scan.take(')')) expected("')'")
  }

  /** Keeps a hostile condition from exhausting the stack. */
  function nested<T>(parse: () => T): T {
    nesting += 1
    if (nesting > MAX_NESTING) fail('ERR_RULE_LIMIT', `parentheses are nested deeper than ${MAX_NESTING}`, scan.mark())
    const result = parse()
    nesting -= 1
    return result
  }

  function expected(what: string): never {
    return fail('ERR_RULE_SYNTAX', `expected ${what}`, scan.mark())
  }
}
