import { RE2JS, RE2JSException } from 're2js'
import type { Field } from './fields.ts'
import { globPattern } from './glob.ts'
import { fail, type Mark } from './source.ts'
import type { ListOperator, Modifier, NumberOperator, TextOperator } from './tree.ts'

/** One check of a field's value against what the rule says. */
export type Check = (value: string) => boolean

/** `at` is where the operand stands, for a mistake in it. */
export function textCheck(operator: TextOperator, operand: string, at: Mark): Check {
  switch (operator) {
    case '=':
    case '==':
      return (value) => value === operand
    case '!=':
      return (value) => value !== operand
    case 'contains':
      return (value) => value.includes(operand)
    case 'icontains': {
      const folded = fold(operand)
      return (value) => fold(value).includes(folded)
    }
    case 'startswith':
      return (value) => value.startsWith(operand)
    case 'endswith':
      return (value) => value.endsWith(operand)
    case 'glob':
      return whole(() => globPattern(operand), at)
    case 'iglob': {
      const matches = whole(() => globPattern(fold(operand)), at)
      return (value) => matches(fold(value))
    }
    case 'regex':
      return whole(() => RE2JS.compile(operand), at)
    case 'bcontains':
    case 'bstartswith':
      return fail('ERR_RULE_TYPE', `'${operator}' compares byte buffers, and this field is text`, at)
  }
}

export function modifiedCheck(modifier: Modifier, checks: readonly Check[]): Check {
  const count = (value: string): number => checks.filter((check) => check(value)).length
  switch (modifier) {
    case 'oneof':
      return (value) => count(value) === 1
    case 'anyof':
      return (value) => checks.some((check) => check(value))
    case 'allof':
      return (value) => checks.length > 0 && checks.every((check) => check(value))
  }
}

export function listCheck(operator: ListOperator, operands: readonly string[], at: Mark): Check {
  switch (operator) {
    // The same on a field with one value; a field with many will need all of them, or some.
    case 'in':
    case 'intersects': {
      const members = new Set(operands)
      return (value) => members.has(value)
    }
    case 'pmatch': {
      const prefixes = operands.map((prefix) => components(prefix).map((component) => componentCheck(component, at)))
      return (value) => {
        const path = components(value)
        return prefixes.some((prefix) => prefix.every((check, depth) => check(path[depth])))
      }
    }
  }
}

export function orderCheck(operator: NumberOperator, operand: string, type: Field['type']): Check {
  switch (type) {
    case 'attribute': {
      const limit = Number(operand)
      return (value) => DECIMAL.test(value) && ordered(operator, Number(value), limit)
    }
    case 'text':
      return (value) => ordered(operator, value, operand)
  }
}

const DECIMAL = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function ordered<T extends string | number>(operator: NumberOperator, left: T, right: T): boolean {
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

/** Falco compares in the C locale, where only ASCII letters have a case. */
const fold = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

const components = (path: string): readonly string[] => path.split('/').filter((component) => component !== '')

function componentCheck(component: string, at: Mark): (value: string | undefined) => boolean {
  const matches = /[?*[]/.test(component)
    ? whole(() => globPattern(component), at)
    : (value: string) => value === component
  return (value) => value !== undefined && matches(value)
}

function whole(compile: () => RE2JS, at: Mark): Check {
  try {
    const pattern = compile()
    return (value) => pattern.testExact(value)
  } catch (error) {
    if (error instanceof RE2JSException) return fail('ERR_RULE_SYNTAX', `bad pattern: ${error.message}`, at)
    throw error
  }
}
