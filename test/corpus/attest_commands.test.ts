import { describe, expect, test } from 'vitest'
import { driftseal } from '../operator/driftseal.ts'
import { corpusFile, corpusPath } from './data.ts'

const ZERO = '00'.repeat(48)
const YAWN = '8bb159f202bb95d6d4d98e0e103918246cea734f1d57cd263e4fd56075ed53f6fa8c68854817a32749a241e11874c26b'
const OYSTER = '5fec1b73727425848d725d68f4a062c634061a035067bd0b9a6dc73e25ed5013dfe7ccbf8a7e9857eceb0841c4cb6ae6'

describe('driftseal attest verify', () => {
  test.each<[string, string, string, string | null]>([
    ['yawn.cose.bin', '2025-01-06T16:07:05Z', YAWN, null],
    ['marlin_oyster.bin', '2024-08-07T06:38:09Z', OYSTER, null],
    ['marlin_oyster.bin', '2024-08-07T06:38:09Z', YAWN, 'pcr0-mismatch'],
    ['yawn.cose.bin', '2026-01-06T16:07:05Z', YAWN, 'expired'],
    ['anjuna_attester_full.bin', '2024-01-24T18:14:25Z', ZERO, 'debug-mode'],
    ['evervault_ga_valid.b64', '2023-09-18T15:03:30Z', ZERO, 'debug-mode'],
    ['../attestation-emulated/qemu-attestation.bin', '2026-01-06T16:07:05Z', ZERO, 'algorithm'],
  ])('%s at %s by %s: %s', (file, at, pcr0, code) => {
    const options = ['--at', at, '--pcr0', pcr0, '--json']
    const { status, stdout } = driftseal('attest', 'verify', corpusPath(`attestation/${file}`), ...options)
    expect(JSON.parse(stdout)).toMatchObject({ valid: code === null, code })
    expect(status).toBe(code === null ? 0 : 3)
  })
})

test.each([
  ['anjuna_attester_full.bin', '48656c6c6f20576f726c64210a'],
  ['evervault_ga_valid.b64', '3059301306072a8648ce3d0201'],
])('driftseal attest show %s', (file, userData) => {
  const { status, stdout } = driftseal('attest', 'show', corpusPath(`attestation/${file}`))
  expect(status).toBe(0)
  expect(stdout).toContain(`NOT VERIFIED`)
  expect(stdout).toContain('CN=aws.nitro-enclaves, 2019-10-28T13:28:05.000Z to 2049-10-28T14:28:05.000Z')
  const json = driftseal('attest', 'show', corpusPath(`attestation/${file}`), '--json').stdout
  expect(JSON.parse(json)).toMatchObject({ document: { userData: expect.stringMatching(userData) } })
})

test.each([
  ['edgebit_ciphertext_for_recipient.ber', 'edgebit_rsa2048_key.pem', 'edgebit_plaintext.hex'],
  [
    'awssamples_ethsigner_ciphertext_for_recipient.ber',
    'awssamples_ethsigner_rsa2048_key.pem',
    'awssamples_ethsigner_plaintext.hex',
  ],
])('driftseal attest open-recipient %s', (ber, key, plaintext) => {
  const args = [corpusPath(`cms/${ber}`), '--key', corpusPath(`cms/${key}`)]
  const { status, stdout } = driftseal('attest', 'open-recipient', ...args)
  expect(stdout.trim()).toBe(corpusFile(`cms/${plaintext}`).toString('ascii').trim())
  expect(status).toBe(0)
})
