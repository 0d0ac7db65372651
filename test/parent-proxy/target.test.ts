import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allowlist, isAllowlistEntry, parseTarget } from '../../parent-proxy/target.ts'

describe('parseTarget', () => {
  it.each([
    ['kms.eu-central-1.amazonaws.com:443', 'kms.eu-central-1.amazonaws.com', 443],
    ['KMS.Example.COM:443', 'kms.example.com', 443],
    ['localhost:1', 'localhost', 1],
    ['127.0.0.1:65535', '127.0.0.1', 65535],
    ['[::1]:443', '::1', 443],
  ])('%s', (text, host, port) => expect(parseTarget(text)).toEqual({ host, port, authority: text.toLowerCase() }))

  it.each([
    '',
    ':443',
    'example.com',
    'example.com:',
    'example.com:0',
    'example.com:0443',
    'example.com:65536',
    'example.com:443 ',
    'example.com:443:443',
    'example.com.:443',
    '.example.com:443',
    'exa mple.com:443',
    'example..com:443',
    '-example.com:443',
    'user@example.com:443',
    'https://example.com:443',
    'example.com/..:443',
    '*.example.com:443',
    `${'a'.repeat(64)}.com:443`,
    '::1:443',
    '[::1]',
    '[example.com]:443',
    '[::1%lo]:443',
    '127.1:443',
    '2130706433:443',
    '0x7f.1:443',
    '0x7f000001:443',
    '256.0.0.1:443',
    '0177.0.0.1:443',
    'example.com\0:443',
    'exämple.com:443',
  ])('refuses %j', (text) => expect(parseTarget(text)).toBeUndefined())

  it('never throws, and its authority parses to itself', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.domain().map((name) => `${name}:443`),
        ),
        (text) => {
          const target = parseTarget(text)
          expect(target && parseTarget(target.authority)).toEqual(target)
        },
      ),
    )
  })
})

describe('isAllowlistEntry', () => {
  it.each([
    ['kms.example.com:443', true],
    ['127.0.0.1:8443', true],
    ['[::1]:8443', true],
    ['*.s3.eu-central-1.amazonaws.com:443', true],
    ['KMS.example.com:443', false],
    ['*.S3.example.com:443', false],
    ['kms.example.com', false],
    ['*:443', false],
    ['*.com:443', false],
    ['*.*.example.com:443', false],
    ['a*.example.com:443', false],
    ['*.0.0.1:443', false],
    ['*.127.0.0.1:443', false],
    ['', false],
  ])('%j: %s', (entry, valid) => expect(isAllowlistEntry(entry)).toBe(valid))
})

describe('allowlist', () => {
  const allows = allowlist(['kms.example.com:443', '*.s3.example.com:443', '127.0.0.1:8443', '[::1]:8443'])

  it.each([
    ['kms.example.com:443', true],
    ['KMS.EXAMPLE.COM:443', true],
    ['kms.example.com:80', false],
    ['xkms.example.com:443', false],
    ['a.kms.example.com:443', false],
    ['example.com:443', false],
    ['kms.example.com.evil.example:443', false],
    ['states.s3.example.com:443', true],
    ['states.s3.example.com:8443', false],
    ['s3.example.com:443', false],
    ['a.states.s3.example.com:443', false],
    ['statess3.example.com:443', false],
    ['127.0.0.1:8443', true],
    ['127.0.0.1:443', false],
    ['127.0.0.2:8443', false],
    ['169.254.169.254:80', false],
    ['[::1]:8443', true],
    ['[0:0::1]:8443', false],
    ['[::ffff:127.0.0.1]:8443', false],
  ])('%s: %s', (text, allowed) => {
    const target = parseTarget(text)
    expect(target !== undefined && allows(target)).toBe(allowed)
  })

  it('allows nothing when it is empty', () => {
    const target = parseTarget('kms.example.com:443')
    expect(target !== undefined && allowlist([])(target)).toBe(false)
  })
})
