import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { EifCode } from '../../../enclave/attestation/eif_layout.ts'
import type { AttestationCode, RecipientCode } from '../../../enclave/attestation/error.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const page = read('docs/verify.md')

/** The tests that the page names: a “title” belongs to the file that was named last before it. */
const named = page
  .split('Tests:')
  .slice(1)
  .flatMap((part) => {
    const [, file = ''] = /^\s*`([^`]+)`/.exec(part) ?? []
    return Array.from(part.matchAll(/“([^”]+)”/g), ([, title = '']) => [file, title.replaceAll(/\s+/g, ' ')] as const)
  })

test('the page names tests', () => {
  expect(named.length).toBeGreaterThan(100)
})

test.each(named)('%s has “%s”', (file, title) => {
  const source = read(file)
  const literals = ["'", '"', '`'].map((quote) => `${quote}${title}${quote}`)
  expect(literals.some((literal) => source.includes(literal))).toBe(true)
})

const ATTESTATION = {
  size: 1,
  cbor: 1,
  cose: 1,
  algorithm: 1,
  'protected-header': 1,
  'unprotected-header': 1,
  'signature-length': 1,
  payload: 1,
  'module-id': 1,
  digest: 1,
  timestamp: 1,
  pcrs: 1,
  certificate: 1,
  cabundle: 1,
  'public-key': 1,
  'user-data': 1,
  nonce: 1,
  'root-mismatch': 1,
  'certificate-algorithm': 1,
  'certificate-extension': 1,
  issuer: 1,
  'certificate-signature': 1,
  'not-yet-valid': 1,
  expired: 1,
  'basic-constraints': 1,
  'path-length': 1,
  'key-usage': 1,
  signature: 1,
  policy: 1,
  'pcr-missing': 1,
  'debug-mode': 1,
  'pcr0-mismatch': 1,
  'pcr-mismatch': 1,
  'nonce-mismatch': 1,
  'user-data-mismatch': 1,
  'public-key-mismatch': 1,
  'too-old': 1,
  'from-the-future': 1,
} satisfies Record<AttestationCode, 1>
const RECIPIENT = {
  size: 1,
  ber: 1,
  'content-type': 1,
  version: 1,
  recipients: 1,
  'key-id': 1,
  'key-algorithm': 1,
  'encrypted-key': 1,
  'content-algorithm': 1,
  content: 1,
  key: 1,
  decrypt: 1,
} satisfies Record<RecipientCode, 1>
const EIF = {
  truncated: 1,
  magic: 1,
  version: 1,
  flags: 1,
  reserved: 1,
  'section-count': 1,
  'section-offset': 1,
  tail: 1,
  'section-size': 1,
  'section-type': 1,
  'section-flags': 1,
  'section-missing': 1,
  'section-repeated': 1,
  crc: 1,
  signature: 1,
} satisfies Record<EifCode, 1>

/** The sections that speak of an error's codes. */
const about = (error: string) =>
  page.split('\n## ').filter((section) => section.includes(`The codes are those of \`${error}\``))

describe.each([
  ['AttestationError', ATTESTATION],
  ['RecipientError', RECIPIENT],
  ['EifError', EIF],
])('%s', (error, codes) => {
  test.each(Object.keys(codes))('has %s on the page', (code) => {
    expect(about(error).join('')).toContain(`\`${code}\``)
  })
})
