import { readFileSync, writeFileSync } from 'node:fs'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { AwsError } from '../../../local/aws/protocol.ts'
import { signReport } from '../../../deploy/gate/provenance.ts'
import { CREDENTIALS, runChild } from '../../operator/child.ts'
import { folderOf } from '../../operator/folder.ts'
import { ROOT } from '../manifests.ts'
import { EIF, nitroOutput, REGISTERS } from './image_file.ts'
import {
  EXPECTED,
  hex,
  LIVE,
  NEW,
  OTHER,
  policyOf,
  PUBLIC_PEM,
  reportOf,
  REPOSITORY,
  sign,
  signingKey,
  summaryOf,
} from './reports.ts'
import { manifest } from './scene.ts'
import { SIGNING_KEY, startSigningKms } from './signing_kms.ts'

const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const report = reportOf()
const changed = reportOf(summaryOf({ images: {} }))
const { measurement } = summaryOf()
const reported = (pcr0: string) => JSON.stringify([{ node: 'node-0', pod: 'driftseal-0', pcr0 }])

/** What the commands are run in: two builds, a report that is signed and one that is not, and what else they ask for. */
const files = async () =>
  folderOf({
    'driftseal.eif': EIF,
    'cut.eif': EIF.subarray(0, -1),
    'nitro.json': nitroOutput(),
    'other-nitro.json': nitroOutput({ ...REGISTERS, PCR0: OTHER }),
    'first/pcr-values.json': JSON.stringify(measurement),
    'first/manifest.txt': manifest,
    'second/pcr-values.json': JSON.stringify({ ...measurement, pcr2: OTHER }),
    'second/manifest.txt': manifest.replace(' 755', ' 644'),
    ...inFolder('unsigned', report),
    ...inFolder('report', { ...report, 'provenance.dsse.json': JSON.stringify(await signReport(report, sign)) }),
    'signing.pem': PUBLIC_PEM,
    'stranger.pem': stranger.publicKey.export({ type: 'spki', format: 'pem' }),
    'closed.json': policyOf([LIVE]),
    'reported.json': reported(LIVE),
  })
const inFolder = (folder: string, contents: Readonly<Record<string, string | Uint8Array>>) =>
  Object.fromEntries(Object.entries(contents).map(([name, content]) => [`${folder}/${name}`, content]))

const gate = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runChild([process.execPath, join(ROOT, 'deploy/gate/main.ts'), ...args], { cwd, env })

const expected = (over: Partial<typeof EXPECTED> = {}): readonly string[] =>
  Object.entries({ ...EXPECTED, ...over }).flatMap(([name, value]) => [`--${name}`, value])
const verify = (...more: readonly string[]) => ['verify', 'report', '--key', 'signing.pem', ...expected(), ...more]
const target = ['--repository', REPOSITORY, '--base', 'main', '--tfvars', 'infra/release.auto.tfvars.json']
const rollout = ['--overlay', 'overlay', '--namespace', 'driftseal', '--policy', 'closed.json', '--out', 'out.json']

describe('what holds', () => {
  it('is measured, signed and proven', async () => {
    const folder = await files()
    const measured = await gate(folder, ['measure', 'driftseal.eif', '--nitro', 'nitro.json', '--out', 'values.json'])
    expect(measured).toEqual({ status: 0, stdout: `PCR0 ${REGISTERS.PCR0}\n`, stderr: '' })
    expect(JSON.parse(readFileSync(join(folder, 'values.json'), 'utf8'))).toMatchObject({
      pcr0: REGISTERS.PCR0,
      pcr8: null,
      sha384: hex(EIF),
    })
    const env = { ...CREDENTIALS, AWS_ENDPOINT_URL_KMS: await startSigningKms(signingKey.privateKey) }
    const signed = await gate(folder, ['sign', 'unsigned', '--key', SIGNING_KEY], env)
    expect(signed).toEqual({ status: 0, stdout: '', stderr: '' })
    const proven = await gate(folder, ['verify', 'unsigned', '--key', 'signing.pem', ...expected()])
    expect(proven).toEqual({ status: 0, stdout: `verified: PCR0 ${NEW}\n`, stderr: '' })
  })
})

describe('what does not hold ends with 1 and one line, and nothing is written:', () => {
  test.each<[string, readonly string[], string, ((folder: string) => void)?]>([
    ['no image file', ['measure', 'none.eif', '--out', 'out.json'], 'none.eif: cannot be read'],
    [
      'an image file that is cut',
      ['measure', 'cut.eif', '--out', 'out.json'],
      'cut.eif: truncated: section 3 ends behind the file',
    ],
    [
      'an image file of another digest than nitro-cli’s',
      ['measure', 'driftseal.eif', '--nitro', 'other-nitro.json', '--out', 'out.json'],
      'nitro-cli names another PCR0 than the file has',
    ],
    ['a report that is not there', ['sign', 'first', '--key', SIGNING_KEY], 'build-summary.json: cannot be read'],
    [
      'another key than the one that signed',
      verify('--key', 'stranger.pem'),
      'the signature is not one of the pinned key over this report',
    ],
    ['a key that is none', verify('--key', 'nitro.json'), 'nitro.json: not a public key in PEM'],
    [
      'a summary that was changed',
      verify(),
      'build-summary.json is not the file that was signed for',
      (folder) => writeFileSync(join(folder, 'report/build-summary.json'), changed['build-summary.json']),
    ],
    [
      'a text that was changed',
      verify(),
      'build-summary.md is not the file that was signed for',
      (folder) => writeFileSync(join(folder, 'report/build-summary.md'), '# Approve\n'),
    ],
    ['another commit', verify('--commit', hex('x', 'sha1')), 'the report is of another repository or commit'],
    [
      'another execution',
      verify('--execution', 'x'),
      'the report was made by another builder, or in another execution',
    ],
    [
      'an image that is not the report’s',
      ['allow', 'report', '--pcr0', OTHER, ...target],
      'the report is of another image than the one that was approved',
    ],
    [
      'a roll-out before its change is applied',
      ['rollout', 'report', '--pcr0', NEW, ...rollout],
      "the key's policy does not let this image in: apply its pull request first",
    ],
    [
      'a place that is no repository',
      ['retire', 'report', '--pcr0', NEW, ...target, '--reported', 'reported.json'],
      'git fetch failed: fatal: ',
    ],
  ])('%s', async (_, args, said, change) => {
    const folder = await files()
    change?.(folder)
    const { status, stdout, stderr } = await gate(folder, args)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^gate: .*\n$/)
    expect(stderr).toContain(said)
    expect(() => readFileSync(join(folder, 'out.json'))).toThrow('ENOENT')
  })

  it('two builds, with the registers and files in which they differ', async () => {
    expect(await gate(await files(), ['compare', 'first', 'second'])).toEqual({
      status: 1,
      stdout: '',
      stderr: [
        'gate: two builds of one commit differ:',
        `  PCR2 (the root file system, with its command line): ${measurement.pcr2} and ${OTHER}`,
        '  /lib/libc.so.6: mode 755 and 644\n',
      ].join('\n'),
    })
  })

  test.each<[string, string, AwsError | 'unreachable' | undefined, string]>([
    ['a KMS out of reach', SIGNING_KEY, 'unreachable', 'AWS is out of reach: nothing answers at its address'],
    ['a role that may not sign', SIGNING_KEY, new AwsError('AccessDeniedException', 'no'), 'your role may not do this'],
    ['a key that is not there', 'alias/none', undefined, 'there is no such key: check its name, the region'],
  ])('%s', async (_, key, answer, said) => {
    const folder = await files()
    const endpoint =
      answer === 'unreachable' ? 'http://127.0.0.1:1' : await startSigningKms(signingKey.privateKey, answer)
    const env = { ...CREDENTIALS, AWS_ENDPOINT_URL_KMS: endpoint }
    const { status, stdout, stderr } = await gate(folder, ['sign', 'unsigned', '--key', key], env)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^gate: .*\n$/)
    expect(stderr).toContain(`cannot sign by ${key}: ${said}`)
    expect(() => readFileSync(join(folder, 'unsigned/provenance.dsse.json'))).toThrow('ENOENT')
  })

  it('no region, which is said before anything is asked', async () => {
    const { status, stderr } = await gate(await files(), ['sign', 'unsigned', '--key', SIGNING_KEY])
    expect([status, stderr]).toEqual([
      1,
      `gate: cannot sign by ${SIGNING_KEY}: no region: set AWS_REGION (Region is missing)\n`,
    ])
  })
})
