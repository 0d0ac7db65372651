import { isInNetwork, parseAddress, parseNetwork } from './address.ts'
import type { FieldType, Scalar } from './fields.ts'
import { fail, type Mark } from './source.ts'

const INTEGER = /^[+-]?\d+$/
const HEX = /^0[xX][0-9a-fA-F]+$/
/** Of 64 bits; a longer one is a slip of the pen, and slow to read. */
const MAX_DIGITS = 20

/** Whether a value is the one that a rule names. */
type Equality = (value: Scalar) => boolean

/** Reads the value that a rule compares a field of this type with. */
export function equality(type: FieldType, literal: string, at: Mark): Equality {
  switch (type) {
    case 'text':
    case 'attribute':
    case 'bytes':
      return (value) => value === literal
    case 'number': {
      const number = integer(literal, at)
      return (value) => value === number
    }
    case 'flag': {
      if (literal !== 'true' && literal !== 'false') return fail('ERR_RULE_TYPE', "expected 'true' or 'false'", at)
      const flag = literal === 'true'
      return (value) => value === flag
    }
    case 'address': {
      const address = parseAddress(literal) ?? fail('ERR_RULE_TYPE', `'${literal}' is no IP address`, at)
      return (value) => within(value, address)
    }
    case 'network': {
      const network =
        parseNetwork(literal) ?? fail('ERR_RULE_TYPE', `'${literal}' is no network such as 10.0.0.0/8`, at)
      return (value) => within(value, network)
    }
  }
}

/** What calls itself by a name and not by an address, as services do, is in no network. */
function within(value: Scalar, network: NonNullable<ReturnType<typeof parseNetwork>>): boolean {
  const address = parseAddress(String(value))
  return address !== undefined && isInNetwork(address, network)
}

export function integer(literal: string, at: Mark): bigint {
  if (literal.length <= MAX_DIGITS && HEX.test(literal)) return BigInt(literal)
  if (literal.length > MAX_DIGITS || !INTEGER.test(literal))
    return fail('ERR_RULE_TYPE', `'${literal}' is no whole number`, at)
  return literal.startsWith('-') ? -BigInt(literal.slice(1)) : BigInt(literal.replace('+', ''))
}
