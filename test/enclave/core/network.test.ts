import { expect, test } from 'vitest'
import { normalCidr } from '../../../enclave/core/network.ts'

test.each([
  ['FD00::/8', 'fd00::/8'],
  ['10:0:0:0:0:0:0:1', '10::1/128'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1/128'],
  ['0:0:0:0:0:0:0:0/0', '::/0'],
])('%s is written as %s', (text, normal) => {
  expect(normalCidr(text)).toBe(normal)
})
