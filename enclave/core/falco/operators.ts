import { RE2JS, RE2JSException } from 're2js'
import type { FieldType, Scalar } from './fields.ts'
import { globPattern } from './glob.ts'
import { equality, integer } from './literals.ts'
import { fail, type Mark } from './source.ts'
import type { ListOperator, Modifier, NumberOperator, TextOperator } from './tree.ts'

/** One check of a field's value against what the rule says. */
export type Check = (value: Scalar) => boolean

type Operator = NumberOperator | TextOperator | ListOperator

const EQUALITY: readonly Operator[] = ['=', '==', '!=', 'in', 'intersects']
const ORDER: readonly Operator[] = ['<', '<=', '>', '>=']
const TEXT: readonly Operator[] = [
  'contains',
  'icontains',
  'startswith',
  'endswith',
  'glob',
  'iglob',
  'regex',
  'pmatch',
]
const BYTES: readonly Operator[] = ['contains', 'startswith', 'endswith', 'bcontains', 'bstartswith']

/** What each type can be asked. `exists` is for all of them. */
const OPERATORS: Readonly<Record<FieldType, ReadonlySet<Operator>>> = {
  text: new Set([...EQUALITY, ...ORDER, ...TEXT]),
  attribute: new Set([...EQUALITY, ...ORDER, ...TEXT]),
  number: new Set([...EQUALITY, ...ORDER]),
  flag: new Set(EQUALITY),
  address: new Set(EQUALITY),
  network: new Set(EQUALITY),
  bytes: new Set([...EQUALITY, ...BYTES]),
}
const LIST_OF_VALUES: ReadonlySet<Operator> = new Set(['in', 'intersects'])

/** Refuses an operator that values of this type cannot take. */
export function checkOperator(operator: Operator, type: FieldType, list: boolean, at: Mark): void {
  if (list && !LIST_OF_VALUES.has(operator))
    fail('ERR_RULE_TYPE', `'${operator}' does not compare lists; 'exists', 'in' and 'intersects' do`, at)
  if (!OPERATORS[type].has(operator))
    fail('ERR_RULE_TYPE', `'${operator}' does not compare ${NOUNS[type]}; ${[...OPERATORS[type]].join(' ')} do`, at)
}

const NOUNS: Readonly<Record<FieldType, string>> = {
  text: 'text',
  attribute: 'text',
  number: 'numbers',
  flag: "'true' and 'false'",
  address: 'IP addresses',
  network: 'networks',
  bytes: 'bytes',
}

/** `at` is where the operand stands, for a mistake in it. */
export function textCheck(operator: TextOperator, type: FieldType, operand: string, at: Mark): Check {
  switch (operator) {
    case '=':
    case '==':
      return equality(type, operand, at)
    case '!=': {
      const equal = equality(type, operand, at)
      return (value) => !equal(value)
    }
    case 'contains':
      return onText((value) => value.includes(operand))
    case 'icontains': {
      const folded = fold(operand)
      return onText((value) => fold(value).includes(folded))
    }
    case 'startswith':
      return onText((value) => value.startsWith(operand))
    case 'endswith':
      return onText((value) => value.endsWith(operand))
    case 'glob':
      return whole(() => globPattern(operand), at)
    case 'iglob': {
      const matches = whole(() => globPattern(fold(operand)), at)
      return onText((value) => matches(fold(value)))
    }
    case 'regex':
      return whole(() => RE2JS.compile(operand), at)
    case 'bcontains':
    case 'bstartswith': {
      if (!/^(?:[0-9a-fA-F]{2})*$/.test(operand)) fail('ERR_RULE_TYPE', `'${operator}' takes hexadecimal digits`, at)
      // No field that is read here holds bytes.
      return () => false
    }
  }
}

export function modifiedCheck(modifier: Modifier, checks: readonly Check[]): Check {
  switch (modifier) {
    case 'oneof':
      return (value) => checks.filter((check) => check(value)).length === 1
    case 'anyof':
      return (value) => checks.some((check) => check(value))
    case 'allof':
      return (value) => checks.length > 0 && checks.every((check) => check(value))
  }
}

export function listCheck(operator: ListOperator, type: FieldType, operands: readonly string[], at: Mark): Check {
  switch (operator) {
    case 'in':
    case 'intersects': {
      if (type === 'text' || type === 'attribute') {
        const members: ReadonlySet<Scalar> = new Set(operands)
        return (value) => members.has(value)
      }
      const equal = operands.map((operand) => equality(type, operand, at))
      return (value) => equal.some((check) => check(value))
    }
    case 'pmatch': {
      const prefixes = operands.map((prefix) => components(prefix).map((component) => componentCheck(component, at)))
      return onText((value) => {
        const path = components(value)
        return prefixes.some((prefix) => prefix.every((check, depth) => check(path[depth])))
      })
    }
  }
}

export function orderCheck(operator: NumberOperator, type: FieldType, operand: string, at: Mark): Check {
  switch (type) {
    case 'attribute': {
      const limit = Number(operand)
      return onText((value) => DECIMAL.test(value) && ordered(operator, Number(value), limit))
    }
    case 'number': {
      const limit = integer(operand, at)
      return (value) => typeof value === 'bigint' && ordered(operator, value, limit)
    }
    case 'text':
    case 'flag':
    case 'address':
    case 'network':
    case 'bytes':
      return onText((value) => ordered(operator, value, operand))
  }
}

/** Of this, `toLowerCase` makes what the C locale does, and sooner. */
const PRINTABLE_ASCII = /^[ -~]*$/
const DECIMAL = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

const onText =
  (check: (value: string) => boolean): Check =>
  (value) =>
    typeof value === 'string' && check(value)

function ordered<T extends string | number | bigint>(operator: NumberOperator, left: T, right: T): boolean {
  switch (operator) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
  }
}

/** A condition asks about one text many times in a row: whether a user agent is this tool, or that one. */
let last = { text: '', folded: '' }

/** Falco compares in the C locale, where only ASCII letters have a case. */
export function fold(text: string): string {
  if (last.text !== text) {
    const isPlain = PRINTABLE_ASCII.test(text)
    const folded = isPlain ? text.toLowerCase() : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    last = { text, folded }
  }
  return last.folded
}

const components = (path: string): readonly string[] => path.split('/').filter((component) => component !== '')

function componentCheck(component: string, at: Mark): (value: string | undefined) => boolean {
  const matches = /[?*[]/.test(component) ? whole(() => globPattern(component), at) : equality('text', component, at)
  return (value) => value !== undefined && matches(value)
}

function whole(compile: () => RE2JS, at: Mark): Check {
  try {
    const pattern = compile()
    return onText((value) => pattern.testExact(value))
  } catch (error) {
    if (error instanceof RE2JSException) return fail('ERR_RULE_SYNTAX', `bad pattern: ${error.message}`, at)
    throw error
  }
}
