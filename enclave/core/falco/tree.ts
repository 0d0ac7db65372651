import type { Mark } from './source.ts'

export const NUMBER_OPERATORS = ['<=', '<', '>=', '>'] as const
export const SYMBOL_OPERATORS = ['==', '=', '!='] as const
/** These need a blank behind them. */
export const WORD_OPERATORS = [
  'glob',
  'iglob',
  'contains',
  'icontains',
  'bcontains',
  'startswith',
  'bstartswith',
  'endswith',
  'regex',
] as const
/** These need none: `evt.name in(a)`. */
export const LIST_OPERATORS = ['intersects', 'in', 'pmatch'] as const
export const MODIFIERS = ['oneof', 'anyof', 'allof'] as const
export const TRANSFORMERS = ['tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'] as const

export type NumberOperator = (typeof NUMBER_OPERATORS)[number]
export type TextOperator = (typeof SYMBOL_OPERATORS)[number] | (typeof WORD_OPERATORS)[number]
export type ListOperator = (typeof LIST_OPERATORS)[number]
export type Modifier = (typeof MODIFIERS)[number]

interface Node {
  readonly at: Mark
}

export interface FieldRef extends Node {
  readonly kind: 'field'
  readonly name: string
  /** `[]` is not allowed, `[""]` is, and differs from no argument. */
  readonly arg?: string
}

export interface Transformed extends Node {
  readonly kind: 'transformed'
  /** `val` only marks a field on the right-hand side, which would be a string without it. */
  readonly transformer: (typeof TRANSFORMERS)[number] | 'val'
  readonly args: readonly TransformerArgument[]
  readonly arg?: string
}

export interface Value extends Node {
  readonly kind: 'value'
  readonly text: string
}

export interface List extends Node {
  readonly kind: 'list'
  readonly values: readonly string[]
}

export type TransformerArgument = FieldRef | Transformed | Value | TransformerList
export interface TransformerList extends Node {
  readonly kind: 'arguments'
  readonly items: readonly (FieldRef | Transformed | Value)[]
}

export type Operand = FieldRef | Transformed

/** A parsed condition. Parentheses leave no trace but the tree's shape. */
export type Condition =
  | (Node & { readonly kind: 'and' | 'or'; readonly terms: readonly Condition[] })
  | (Node & { readonly kind: 'not'; readonly term: Condition })
  | (Node & { readonly kind: 'macro'; readonly name: string })
  | (Node & { readonly kind: 'exists'; readonly left: Operand })
  | (Node & {
      readonly kind: 'order'
      readonly left: Operand
      readonly operator: NumberOperator
      readonly right: Value | Transformed
    })
  | (Node & {
      readonly kind: 'text'
      readonly left: Operand
      readonly operator: TextOperator
      readonly right: Value | Transformed
    })
  | (Node & {
      readonly kind: 'modified'
      readonly left: Operand
      readonly operator: TextOperator
      readonly modifier: Modifier
      readonly right: Value | List
    })
  | (Node & {
      readonly kind: 'listed'
      readonly left: Operand
      readonly operator: ListOperator
      readonly right: Value | List | Transformed
    })
