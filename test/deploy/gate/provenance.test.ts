import { KMSClient } from '@aws-sdk/client-kms'
import * as fc from 'fast-check'
import { generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { describe, expect, it, test } from 'vitest'
import { open, preAuthentication, seal } from '../../../deploy/gate/dsse.ts'
import { GateError } from '../../../deploy/gate/error.ts'
import { kmsSigner } from '../../../deploy/gate/kms_signer.ts'
import { signReport, verifyReport, type Expected, type Report } from '../../../deploy/gate/provenance.ts'
import { parseSummary, type Summary } from '../../../deploy/gate/summary.ts'
import { summaryText } from '../../../deploy/gate/summary_text.ts'
import { EXPECTED, hex, NEW, OTHER, reportOf, sign, signingKey, summaryOf } from './reports.ts'
import { SIGNING_KEY, SIGNING_KEY_ARN, startSigningKms } from './signing_kms.ts'

const { publicKey } = signingKey
const TYPE = 'application/vnd.in-toto+json'
const report = reportOf()
const envelope = JSON.stringify(await signReport(report, sign))
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const byAnother = JSON.stringify(
  await signReport(report, async (message) => ({
    signature: signBytes('sha256', message, other.privateKey),
    keyId: 'x',
  })),
)
const ofPayload = JSON.stringify(await seal(TYPE, Buffer.from('x'), async () => sign(Buffer.from('x'))))
const statement = JSON.parse(Buffer.from(open(envelope, TYPE, publicKey)).toString()) as Statement

interface Statement {
  subject: { digest: Record<string, string> }[]
  predicateType: string
  predicate: {
    buildDefinition: { externalParameters: unknown; resolvedDependencies: { uri: string; digest: object }[] }
    runDetails: { builder: { id: string }; byproducts: { digest: { sha256: string } }[] }
  }
}

const refusedWith = (code: string) => expect.objectContaining({ code, name: 'GateError' }) as GateError

describe('a signature', () => {
  it('is over the type and the payload, with both their lengths', () => {
    // The example of DSSE's own page.
    const encoded = preAuthentication('http://example.com/HelloWorld', Buffer.from('hello world'))
    expect(Buffer.from(encoded).toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world')
  })

  it('by KMS, which sees a digest, holds offline', async () => {
    const kms = new KMSClient({
      region: 'us-east-1',
      endpoint: await startSigningKms(signingKey.privateKey),
      credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example-secret-key' },
    })
    for (let round = 0; round < 4; round++) {
      const sealed = await signReport(report, kmsSigner(kms, SIGNING_KEY))
      expect(sealed.signatures[0].keyid).toBe(SIGNING_KEY_ARN)
      expect(verifyReport(report, JSON.stringify(sealed), publicKey, EXPECTED)).toEqual(summaryOf())
    }
  })

  const parsed = JSON.parse(envelope) as { payload: string; payloadType: string; signatures: object[] }
  test.each<[string, string]>([
    ['another payload', JSON.stringify({ ...parsed, payload: Buffer.from('{}').toString('base64') })],
    ['another type', JSON.stringify({ ...parsed, payloadType: 'text/plain' })],
    ['another key', byAnother],
    ['the payload alone', ofPayload],
  ])('of %s is refused', (_, text) => {
    expect(() => open(text, TYPE, publicKey)).toThrow(refusedWith('ERR_GATE_SIGNATURE'))
  })

  it('by a key that is not on P-256 is refused', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    expect(() => open(envelope, TYPE, rsa.publicKey)).toThrow(refusedWith('ERR_GATE_SIGNATURE'))
  })

  test.each<[string, object]>([
    ['none', { ...parsed, signatures: [] }],
    ['two', { ...parsed, signatures: [...parsed.signatures, ...parsed.signatures] }],
    ['an unknown member', { ...parsed, more: 1 }],
    ['a payload that is not base64', { ...parsed, payload: '%' }],
  ])('%s is refused', (_, text) => {
    expect(() => open(JSON.stringify(text), TYPE, publicKey)).toThrow(refusedWith('ERR_GATE_INPUT'))
  })
})

describe('provenance', () => {
  it('proves the summary', () => {
    expect(verifyReport(report, envelope, publicKey, EXPECTED)).toEqual(summaryOf())
  })

  it('is an in-toto statement with SLSA’s predicate, of the image file and of PCR0', () => {
    const { measurement } = summaryOf()
    expect(statement).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://slsa.dev/provenance/v1',
      subject: [
        { name: 'driftseal.eif', digest: { sha256: measurement.sha256, sha384: measurement.sha384 } },
        { name: 'PCR0', digest: { sha384: NEW } },
      ],
    })
  })

  test.each<[keyof Expected, string]>([
    ['builder', 'ERR_GATE_BUILDER'],
    ['execution', 'ERR_GATE_BUILDER'],
    ['repository', 'ERR_GATE_SOURCE'],
    ['commit', 'ERR_GATE_SOURCE'],
  ])('of another %s is refused', (member, code) => {
    const expected = { ...EXPECTED, [member]: 'another' }
    expect(() => verifyReport(report, envelope, publicKey, expected)).toThrow(refusedWith(code))
  })

  test.each<[string, string, (change: Statement) => void]>([
    [
      'other parameters',
      'ERR_GATE_PARAMETERS',
      ({ predicate: { buildDefinition } }) => (buildDefinition.externalParameters = { debug: true }),
    ],
    [
      'another PCR0',
      'ERR_GATE_SUBJECT',
      ({ subject }) => Object.assign(subject[1] ?? {}, { digest: { sha384: OTHER } }),
    ],
    [
      'another file',
      'ERR_GATE_SUBJECT',
      ({ predicate: { runDetails } }) =>
        Object.assign(runDetails.byproducts[1] ?? {}, { digest: { sha256: hex('x', 'sha256') } }),
    ],
    ['a file less', 'ERR_GATE_SUBJECT', ({ predicate: { runDetails } }) => runDetails.byproducts.pop()],
    [
      'no source',
      'ERR_GATE_INPUT',
      ({ predicate: { buildDefinition } }) => (buildDefinition.resolvedDependencies = []),
    ],
    [
      'another kind of statement',
      'ERR_GATE_INPUT',
      (change) => (change.predicateType = 'https://slsa.dev/provenance/v0.2'),
    ],
    // The order: of several reasons the first counts.
    [
      'another builder and other parameters',
      'ERR_GATE_BUILDER',
      ({ predicate: { buildDefinition, runDetails } }) => {
        buildDefinition.externalParameters = {}
        runDetails.builder.id = 'x'
      },
    ],
  ])('with a valid signature but %s is refused', async (_, code, change) => {
    const changed = structuredClone(statement)
    change(changed)
    const signed = JSON.stringify(await seal(TYPE, Buffer.from(JSON.stringify(changed)), sign))
    expect(() => verifyReport(report, signed, publicKey, EXPECTED)).toThrow(refusedWith(code))
  })

  test.each<keyof Report>(['build-summary.json', 'build-summary.md', 'sbom.cdx.json'])(
    'another %s than was signed is refused',
    (name) => {
      const changed = { ...report, [name]: Buffer.concat([report[name], Buffer.from(' ')]) }
      expect(() => verifyReport(changed, envelope, publicKey, EXPECTED)).toThrow(refusedWith('ERR_GATE_SUBJECT'))
    },
  )

  it('throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => verifyReport(report, text, publicKey, EXPECTED)).toThrow(GateError)
        expect(() => parseSummary(text, 'it')).toThrow(GateError)
      }),
      { numRuns: 50 },
    )
  })
})

describe('the summary', () => {
  it.each<[string, Partial<Record<keyof Summary, unknown>>]>([
    ['a member more', { more: 1 } as object],
    ['debug', { debug: true }],
    ['another version', { version: 2 }],
    ['a short commit', { source: { ...summaryOf().source, commit: 'abc' } }],
  ])('with %s is refused', (_, over) => {
    expect(() => parseSummary(JSON.stringify({ ...summaryOf(), ...over }), 'it')).toThrow(GateError)
  })

  it('is readable, with everything that a reviewer decides by', () => {
    const { measurement, second, images, lock, sbom, toolchain } = summaryOf()
    const text = summaryText(summaryOf())
    const shown = [
      [measurement.pcr0, measurement.pcr1, measurement.pcr2, measurement.sha256, measurement.sha384],
      [second.pcr0, ...Object.values(images), lock.sha256, sbom.sha256, ...Object.values(toolchain)],
      ['match', 'debug: false', 'v1.1.0', 'verified', 'rule "ecr_scan_off" added', 'states.registry.key', '+  "b"'],
    ]
    for (const part of shown.flat()) expect(text).toContain(part)
    expect(text).not.toContain('Find out first')
    expect(summaryText(summaryOf({ warnings: ['Look here.'] }))).toMatch(/^# .*\n\n## Find out first\n\n- `Look here.`/)
  })

  it('takes nobody’s text for its own', () => {
    const subject = '` \n# PCR0 approved\u202E [x](https://example.com)'
    const changes = { commits: [{ id: EXPECTED.commit, subject }], files: [], rules: [], config: [] }
    const text = summaryText(summaryOf({ changes }))
    expect(text.split('\n').filter((line) => line.startsWith('# '))).toHaveLength(1)
    expect(text).not.toMatch(/\u202E/)
    expect(text).toContain("`' \uFFFD# PCR0 approved\uFFFD [x](https://example.com)`")
  })

  it('shows two hundred files and says how many more there are', () => {
    const files = Array.from({ length: 203 }, (_, index) => ({ status: 'M', path: `file-${index}` }))
    expect(summaryText(summaryOf({ changes: { commits: [], files, rules: [], config: [] } }))).toContain(
      '- and 3 more, in',
    )
  })
})
