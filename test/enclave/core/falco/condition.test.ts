import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCondition } from '../../../../enclave/core/falco/condition.ts'
import { plainText, RuleError } from '../../../../enclave/core/falco/source.ts'
import { endsCleanly } from './rule_errors.ts'
import { treeText } from './tree_text.ts'

const parse = (condition: string) => treeText(parseCondition(plainText(condition)))

describe('accepts', () => {
  test.each([
    // precedence, and what leaves no trace in the tree
    ['a', 'a'],
    [' ( a )\n', 'a'],
    ['a or b and not c', '(or a (and b (not c)))'],
    ['(a or b) and c', '(and (or a b) c)'],
    ['a and b and c', '(and a b c)'],
    ['a or(b)', '(or a b)'],
    ['not not a', 'a'],
    ['not not not(a)', '(not a)'],
    ['not not(not a)', '(not a)'],
    // keywords are words like others where a check or a string is expected
    ['nota and android', '(and nota android)'],
    ['a.b = not', '(= a.b "not")'],
    // strings
    ['a.b=x', '(= a.b "x")'],
    ['a.b = a.a', '(= a.b "a.a")'],
    ['a.b = val(a.a[0])', '(= a.b val(a.a["0"]))'],
    [String.raw`a.b = "\t\"\\\/\x41\xc3\xa9"`, `(= a.b ${JSON.stringify('\t"\\/Aé')})`],
    [String.raw`a.b = 'it\'s'`, `(= a.b "it's")`],
    [String.raw`a.b = "old\ kindness"`, String.raw`(= a.b "old\\kindness")`],
    // numbers
    ['a.b >= -1.5e+3', '(>= a.b "-1.5e+3")'],
    ['a.b<0xFF', '(< a.b "0xFF")'],
    // lists
    ['a.b in (x, "y z", \'\')', '(in a.b ["x","y z",""])'],
    ['a.b in()', '(in a.b [])'],
    ['a.b intersects names', '(intersects a.b "names")'],
    ['a.b pmatch (/etc)', '(pmatch a.b ["/etc"])'],
    // arguments
    ['a.b[0] exists', '(exists a.b["0"])'],
    ['a.b["x]y"] exists', '(exists a.b["x]y"])'],
    ['a.b[""] exists', '(exists a.b[""])'],
    // modifiers
    ['a.b contains anyof (x, y)', '(contains anyof a.b ["x","y"])'],
    ['a.b = oneof names', '(= oneof a.b "names")'],
    ['a.b = oneof', '(= a.b "oneof")'],
    ['a.b = allof and c', '(and (= a.b "allof") c)'],
    // transformers
    ['tolower( toupper(a.b) ) = x', '(= tolower(toupper(a.b)) "x")'],
    ['join("-", (a.b, "x", 1)) = y', '(= join("-" [a.b "x" "1"]) "y")'],
    ['getopt(a.b, "n:")["n"] exists', '(exists getopt(a.b "n:")["n"])'],
  ])('%j', (condition, tree) => {
    expect(parse(condition)).toBe(tree)
  })
})

describe('rejects', () => {
  test.each([
    ['', '1:1', 'empty'],
    ['  ', '1:3', 'a field'],
    ['a andb', '1:6', "after 'and'"],
    ['a or(b) and c', '1:9', 'end of the condition'],
    ['a b', '1:3', 'end of the condition'],
    ['a and\n  b c', '2:5', 'end of the condition'],
    ['(a', '1:3', "')'"],
    ['a.b', '1:4', 'an operator'],
    ['a.b containsx', '1:5', 'an operator'],
    ['a.b EXISTS', '1:5', 'an operator'],
    ['a.b =', '1:6', 'a string'],
    ['a.b = (x)', '1:7', 'a string'],
    ['a.b > x', '1:7', 'a number'],
    ['a.b > oneof (1)', '1:7', 'a number'],
    ['a.b ==oneof (x)', '1:13', 'end of the condition'],
    ['a.b in (x,)', '1:11', 'a string'],
    ['a.b in (x', '1:10', "')'"],
    ['a.b[] = x', '1:5', 'a field argument'],
    ['a.b[x = y', '1:6', "']'"],
    ['a.b = "open', '1:7', 'a string'],
    [String.raw`a.b = "\q"`, '1:8', String.raw`'\q'`],
    [String.raw`a.b = "\'"`, '1:8', 'escape'],
    [String.raw`a.b = "\x4"`, '1:8', 'escape'],
    ['a.b = val(val(a.b))', '1:11', 'a field'],
    ['lower(a.b) = x', '1:6', 'end of the condition'],
    ['a or (b and (c or d.e = ))', '1:25', 'a string'],
    [`${'('.repeat(200)}a`, '1:201', 'deeper than 199'],
  ])('%j at %s', (condition, position, problem) => {
    expect(() => parse(condition)).toThrow(RuleError)
    expect(() => parse(condition)).toThrow(problem)
    expect(() => parse(condition)).toThrow(new RegExp(`^${position}: `))
  })
})

describe('throws nothing but RuleError', () => {
  const operators = ['=', '!=', '<=', 'in', 'exists', 'contains', 'oneof', 'val(', 'tolower(', 'join(']
  const words = ['a', 'a.b', 'and', 'or', 'not', 'not(', '(', ')', '[', ']', ',', '"', "'", '\\', '\\x41', '0x1', '\n']
  const tokens = fc.array(fc.constantFrom(...words, ...operators), { maxLength: 60 })
  test.each([
    ['any text', fc.string({ unit: 'binary', maxLength: 200 })],
    ['tokens', tokens.map((parts) => parts.join(''))],
    ['spaced tokens', tokens.map((parts) => parts.join(' '))],
  ])('%s', (_, conditions) => {
    const property = fc.property(conditions, (condition) => endsCleanly(() => parse(condition)))
    expect(() => fc.assert(property)).not.toThrow()
  })
})
