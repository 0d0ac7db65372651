import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isInNetwork, parseAddress, parseNetwork } from '../../../../enclave/core/falco/address.ts'

const isIn = (address: string, network: string) => {
  const [one, all] = [parseAddress(address), parseNetwork(network)]
  return one === undefined || all === undefined ? undefined : isInNetwork(one, all)
}

test.each([
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['192.0.2.7', '192.0.2.6/31', true],
  ['192.0.2.7', '0.0.0.0/0', true],
  ['2001:db8::7', '2001:db8::/32', true],
  ['2001:db9::7', '2001:db8::/32', false],
  ['::1', '::1/128', true],
  ['1:2:3:4:5:6:7:8', '1:2:3:4::/64', true],
  ['::ffff:192.0.2.7', '::ffff:192.0.2.0/120', true],
  // an address of one version is in no network of the other
  ['192.0.2.7', '::/0', false],
])('%s in %s: %s', (address, network, expected) => {
  expect(isIn(address, network)).toBe(expected)
})

describe('is none', () => {
  test.each([
    '',
    'config.amazonaws.com',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1/8',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    '::192.0.2.7:1',
  ])('an address: %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  test.each(['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '::/129', '/8'])(
    'a network: %j',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined()
    },
  )
})

test('every text is an address or none, and throws nothing', () => {
  const texts = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.string(),
    fc.string({ unit: fc.constantFrom('0', '1', 'f', ':', '.', '/') }),
  )
  const property = fc.property(texts, (text) => {
    const address = parseAddress(text)
    return address === undefined || isInNetwork(address, address)
  })
  expect(() => fc.assert(property)).not.toThrow()
})

test('every address that there is can be read', () => {
  const property = fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => parseAddress(text) !== undefined)
  expect(() => fc.assert(property)).not.toThrow()
})
