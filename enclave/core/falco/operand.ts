import type { FieldType, Found, Scalar, View } from './fields.ts'
import { fail } from './source.ts'
import { resolveField, type RuleSource } from './sources.ts'
import { joined, concatenated, options, TEXT_TRANSFORMERS } from './transformers.ts'
import type { FieldRef, Transformed, TransformerArgument, TransformerList, Value } from './tree.ts'

/** Something that a condition takes from an event: a field, or what a transformer makes of it. */
export interface Operand {
  readonly type: FieldType
  readonly list: boolean
  readonly read: (view: View) => Found
}

export function compileOperand(node: TransformerArgument, source: RuleSource): Operand {
  switch (node.kind) {
    case 'field':
      return fieldOperand(node, source)
    case 'value':
      return constant(node)
    case 'arguments':
      return listOperand(node, source)
    case 'transformed':
      return transformedOperand(node, source)
  }
}

function fieldOperand(node: FieldRef, source: RuleSource): Operand {
  const { type, list = false, read } = resolveField(source, node)
  return { type, list, read: (view) => read(view, node.arg) }
}

const constant = ({ text }: Value): Operand => ({ type: 'text', list: false, read: () => text })

/** All of them must be there: a list with a gap is no list. */
function listOperand({ items }: TransformerList, source: RuleSource): Operand {
  const operands = items.map((item) => compileOperand(item, source))
  return {
    type: 'text',
    list: true,
    read(view) {
      const values = operands.map(({ read }) => read(view))
      return values.some((value) => value === undefined) ? undefined : values.flatMap(scalars)
    },
  }
}

/** The values of a field, one or many. */
export const scalars = (found: Found): readonly Scalar[] =>
  found === undefined ? [] : typeof found === 'object' ? found : [found]

function transformedOperand(node: Transformed, source: RuleSource): Operand {
  const { transformer, at } = node
  const operands = node.args.map((argument) => compileOperand(argument, source))
  const [first, second] = operands
  if (node.arg !== undefined && transformer !== 'getopt')
    fail('ERR_RULE_TYPE', `${transformer}() takes no [argument]`, at)
  const wanted = ARITY[transformer]
  if (first === undefined || operands.length < wanted.least || operands.length > wanted.most)
    return fail('ERR_RULE_TYPE', `${transformer}() takes ${wanted.noun}`, at)
  switch (transformer) {
    case 'val':
      return first
    case 'tolower':
    case 'toupper':
    case 'basename':
    case 'b64': {
      const change = TEXT_TRANSFORMERS[transformer]
      if (!isText(first)) return fail('ERR_RULE_TYPE', `${transformer}() takes text`, at)
      return { type: 'text', list: first.list, read: (view) => mapFound(first.read(view), change) }
    }
    case 'len':
      if (!first.list && !isText(first)) return fail('ERR_RULE_TYPE', 'len() takes text or a list', at)
      return { type: 'number', list: false, read: (view) => lengthOf(first.read(view)) }
    case 'join':
      if (first.list || second?.list !== true) return fail('ERR_RULE_TYPE', 'join() takes a separator and a list', at)
      return { type: 'text', list: false, read: (view) => joined(first.read(view), second.read(view)) }
    case 'concat':
      if (operands.some((operand) => operand.list || !isText(operand)))
        return fail('ERR_RULE_TYPE', 'concat() takes texts', at)
      return { type: 'text', list: false, read: (view) => concatenated(operands.map(({ read }) => read(view))) }
    case 'getopt': {
      if (!first.list || second === undefined || second.list)
        return fail('ERR_RULE_TYPE', 'getopt() takes a list and text', at)
      const { arg } = node
      if (arg !== undefined && arg.length !== 1) return fail('ERR_RULE_TYPE', 'getopt()[…] takes one letter', at)
      const read = (view: View) => options(first.read(view), second.read(view), arg)
      return { type: 'text', list: arg === undefined, read }
    }
  }
}

const ONE = { least: 1, most: 1, noun: 'one argument' }
const TWO = { least: 2, most: 2, noun: 'two arguments' }
const MANY = { least: 2, most: Infinity, noun: 'two arguments or more' }
const ARITY: Readonly<Record<Transformed['transformer'], typeof ONE>> = {
  val: ONE,
  tolower: ONE,
  toupper: ONE,
  basename: ONE,
  b64: ONE,
  len: ONE,
  join: TWO,
  getopt: TWO,
  concat: MANY,
}

const isText = ({ type }: Operand): boolean => type === 'text' || type === 'attribute'

const mapFound = (found: Found, change: (text: string) => string | undefined): Found => {
  if (typeof found !== 'object') return found === undefined ? undefined : change(String(found))
  const changed = found.flatMap((value) => change(String(value)) ?? [])
  return changed.length === found.length ? changed : undefined
}

/** Of text its bytes, of a list its members. */
function lengthOf(found: Found): bigint | undefined {
  if (found === undefined) return undefined
  return BigInt(typeof found === 'object' ? found.length : utf8Length(String(found)))
}

const utf8Length = (text: string): number => new TextEncoder().encode(text).length
