import { operandParser } from './operand_parser.ts'
import { fail, type Mark, type Text } from './source.ts'
import { Scanner } from './scanner.ts'
import {
  LIST_OPERATORS,
  MODIFIERS,
  NUMBER_OPERATORS,
  SYMBOL_OPERATORS,
  WORD_OPERATORS,
  type Condition,
  type List,
  type Modifier,
  type Operand,
  type TextOperator,
  type Value,
} from './tree.ts'

const MAX_CONDITION_CHARS = 1 << 20

const IDENTIFIER = /[a-zA-Z][a-zA-Z0-9_]*/y
const BARE_STRING = /[^()"' \t\n\v\f\r=,]+/y
const NOT = /not[ \t\n\v\f\r]+/y
/** Looks ahead for a list or the name of one, which is no keyword. */
const LIST_AHEAD = /(?=\(|(?!(?:and|or|not)(?![a-zA-Z0-9]))[a-zA-Z])/y

/** Parses Falco's condition language. Throws RuleError and nothing else. */
export function parseCondition(source: Text): Condition {
  const scan = new Scanner(source)
  const { field, transformed, computed, number, separated, close, nested, expected } = operandParser(scan)

  if (source.value === '') fail('ERR_RULE_SYNTAX', 'the condition is empty', scan.mark())
  if (source.value.length > MAX_CONDITION_CHARS)
    fail('ERR_RULE_LIMIT', `the condition is longer than ${MAX_CONDITION_CHARS} characters`, scan.mark())
  const condition = or()
  if (!scan.done) expected("'and', 'or' or the end of the condition")
  return condition

  function or(): Condition {
    return chain('or', and)
  }

  function and(): Condition {
    return chain('and', not)
  }

  /** Without a blank behind it, the word takes one parenthesis and nothing more: upstream rejects `a or(b) and c` too. */
  function chain(word: 'and' | 'or', term: () => Condition): Condition {
    scan.blank()
    const at = scan.mark()
    const first = term()
    const terms = [first]
    scan.blank()
    while (scan.take(word)) {
      if (scan.blank()) terms.push(term())
      else if (scan.take('(')) terms.push(parenthesised())
      else expected(`a blank or '(' after '${word}'`)
      scan.blank()
    }
    return terms.length === 1 ? first : { kind: word, terms, at }
  }

  function not(): Condition {
    scan.blank()
    const at = scan.mark()
    let negated = false
    while (scan.match(NOT) !== undefined) negated = !negated
    const call = scan.take('not(')
    const term = call ? parenthesised() : check()
    return negated === call ? term : { kind: 'not', term, at }
  }

  function parenthesised(): Condition {
    return nested(() => {
      const inner = or()
      close()
      return inner
    })
  }

  function check(): Condition {
    scan.blank()
    const at = scan.mark()
    if (scan.take('(')) return parenthesised()
    const left = field() ?? transformed()
    if (left !== undefined) return comparison(left, at)
    const name = scan.match(IDENTIFIER) ?? expected("'(', a field or the name of a macro")
    return { kind: 'macro', name, at }
  }

  function comparison(left: Operand, at: Mark): Condition {
    scan.blank()
    if (scan.take('exists')) return { kind: 'exists', left, at }
    const order = scan.takeAny(NUMBER_OPERATORS)
    if (order !== undefined) {
      scan.blank()
      const right = computed() ?? number() ?? expected('a number, val() or a transformer')
      return { kind: 'order', left, operator: order, right, at }
    }
    const symbol = scan.takeAny(SYMBOL_OPERATORS)
    if (symbol !== undefined) return textComparison(left, symbol, scan.blank(), at)
    const word = scan.takeWord(WORD_OPERATORS)
    if (word !== undefined) return textComparison(left, word, true, at)
    const operator = scan.takeAny(LIST_OPERATORS) ?? expected('an operator')
    scan.blank()
    const right = list() ?? computed() ?? listName() ?? expected('a list, val() or a transformer')
    return { kind: 'listed', left, operator, right, at }
  }

  function textComparison(left: Operand, operator: TextOperator, spaced: boolean, at: Mark): Condition {
    const how = spaced ? modifier() : undefined
    if (how !== undefined) {
      const right = list() ?? listName() ?? expected('a list')
      return { kind: 'modified', left, operator, modifier: how, right, at }
    }
    const right = computed() ?? string() ?? expected('a string, val() or a transformer')
    return { kind: 'text', left, operator, right, at }
  }

  /** A modifier is one only in front of a list; `x = oneof and y` compares with the string. */
  function modifier(): Modifier | undefined {
    const start = scan.mark()
    const word = scan.takeWord(MODIFIERS)
    if (word !== undefined && scan.match(LIST_AHEAD) !== undefined) return word
    scan.back(start)
    return undefined
  }

  function list(): List | undefined {
    const at = scan.mark()
    if (!scan.take('(')) return undefined
    scan.blank()
    if (scan.take(')')) return { kind: 'list', values: [], at }
    const values = separated(() => (string() ?? expected('a string')).text)
    close()
    return { kind: 'list', values, at }
  }

  function listName(): Value | undefined {
    return value(() => scan.match(IDENTIFIER))
  }

  function string(): Value | undefined {
    return value(() => scan.quoted() ?? scan.match(BARE_STRING))
  }

  function value(read: () => string | undefined): Value | undefined {
    const at = scan.mark()
    const text = read()
    return text === undefined ? undefined : { kind: 'value', text, at }
  }
}
