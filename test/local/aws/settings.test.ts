import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSettings, SettingsError } from '../../../local/aws/settings.ts'

const SETTINGS = {
  region: 'eu-west-1',
  account: '111122223333',
  environment: 'local',
  dir: '/run/aws',
  keyId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  nsmRoot: '/run/nsm/root.der',
  allowedPcr0: ['a'.repeat(96)],
  identity: { trustAnchor: 'an anchor', profile: 'a profile', role: 'a role' },
  accessKeys: { AKIAIOSFODNN7EXAMPLE: ['s3:*'] },
  roleActions: ['s3:GetObject'],
  queues: ['driftseal-events'],
  buckets: ['states'],
}

describe('settings', () => {
  test('are read', () => {
    expect(parseSettings(JSON.stringify(SETTINGS))).toEqual({ ...SETTINGS, sessionSecs: 3600, servers: [] })
  })

  test.each([
    ['region', { region: 'eu' }],
    ['account', { account: '1' }],
    ['keyId', { keyId: 'alias/dek' }],
    ['allowedPcr0.0', { allowedPcr0: ['A'.repeat(96)] }],
    ['allowedPcr0.0', { allowedPcr0: [] }],
    ['buckets.0', { buckets: ['a.b'] }],
    ['servers.0', { servers: ['../escape'] }],
    ['servers.0', { servers: ['webhook'] }],
    ['identity.role', { identity: { trustAnchor: 'an anchor', profile: 'a profile' } }],
    ['sessionSecs', { sessionSecs: 0 }],
    ['surplus', { surplus: 1 }],
  ])('a bad %s is named', (name, change) => {
    expect(() => parseSettings(JSON.stringify({ ...SETTINGS, ...change }))).toThrow(`${name}: `)
  })

  test('throw nothing but SettingsError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parseSettings(text)).toThrow(SettingsError)
      }),
    )
  })
})
