import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSettings, SettingsError } from '../../parent-proxy/settings.ts'

const minimal = {
  egress: { listen: 'vsock://3:8001', allow: ['kms.eu-central-1.amazonaws.com:443'] },
  services: { listen: 'vsock://3:8002', blobs: '/var/lib/driftseal/blobs' },
  ingress: { listen: '0.0.0.0:8443', enclave: 'vsock://16:8443' },
}
const parse = (value: unknown) => parseSettings(Buffer.from(JSON.stringify(value)))

describe('parseSettings', () => {
  it('reads what a node needs', () => {
    expect(parse(minimal)).toEqual({
      egress: {
        listen: { kind: 'vsock', cid: 3, port: 8001 },
        allow: ['kms.eu-central-1.amazonaws.com:443'],
        routes: new Map(),
      },
      services: { listen: { kind: 'vsock', cid: 3, port: 8002 }, blobs: '/var/lib/driftseal/blobs', identity: {} },
      ingress: { listen: { host: '0.0.0.0', port: 8443 }, enclave: { kind: 'vsock', cid: 16, port: 8443 } },
    })
  })

  it('reads YAML with everything in it', () => {
    const settings = parseSettings(
      Buffer.from(`
egress:
  listen: unix:/tmp/stack/3_8001.sock
  allow: [kms.example.com:443, '*.s3.example.com:443']
  routes:
    kms.example.com:443: 127.0.0.1:4001
    states.s3.example.com:443: '[::1]:4002'
services:
  listen: unix:/tmp/stack/3_8002.sock
  blobs: /tmp/stack/blobs
  credentials: { AccessKeyId: AKIAEXAMPLE, SecretAccessKey: secret, Token: session }
  identity: { instance: i-0123456789abcdef0, node: node-1, pod: driftseal-x }
ingress: { listen: '[::1]:0', enclave: unix:/tmp/stack/16_8443.sock }
enclave_cid: 16
log_file: /tmp/stack/parent.log
`),
    )
    expect([...settings.egress.routes].map(([from, { host, port }]) => [from, host, port])).toEqual([
      ['kms.example.com:443', '127.0.0.1', 4001],
      ['states.s3.example.com:443', '::1', 4002],
    ])
    expect(settings.ingress.listen).toEqual({ host: '::1', port: 0 })
    expect(settings.services.credentials?.Token).toBe('session')
    expect(settings.enclave_cid).toBe(16)
    expect(settings.log_file).toBe('/tmp/stack/parent.log')
  })

  const egress = (change: object) => ({ ...minimal, egress: { ...minimal.egress, ...change } })
  const services = (change: object) => ({ ...minimal, services: { ...minimal.services, ...change } })
  const ingress = (change: object) => ({ ...minimal, ingress: { ...minimal.ingress, ...change } })
  it.each<[message: string, settings: unknown]>([
    ['top level: expected a mapping', null],
    ['top level: expected a mapping', 'text'],
    ['egress: missing', []],
    ['egress: missing', { ...minimal, egress: undefined }],
    ['debug: unknown key', { ...minimal, debug: true }],
    ['egress.workers: unknown key', egress({ workers: 4 })],
    ['egress.listen: not an address: 3:8001', egress({ listen: '3:8001' })],
    ['egress.allow.0: expected <host>:<port> or', egress({ allow: ['*'] })],
    ['egress.allow.0: expected <host>:<port> or', egress({ allow: ['KMS.example.com:443'] })],
    [
      'egress.routes.kms.eu-central-1.amazonaws.com:443: expected <ip>:<port>',
      egress({
        routes: { 'kms.eu-central-1.amazonaws.com:443': 'localhost:1' },
      }),
    ],
    [
      'egress: a route leads from a <host>:<port> that is allowed',
      egress({ routes: { 'kms.example.com:443': '127.0.0.1:1' } }),
    ],
    ['services.listen: not an address', services({ listen: 'tcp://3:8002' })],
    ['services.blobs: expected text', services({ blobs: 1 })],
    ['services.credentials.Token: missing', services({ credentials: { AccessKeyId: 'A', SecretAccessKey: 'S' } })],
    ['services.identity.region: unknown key', services({ identity: { region: 'x' } })],
    ['ingress.listen: expected <ip>:<port>', ingress({ listen: ':8443' })],
    ['ingress.listen: expected <ip>:<port>', ingress({ listen: '0.0.0.0:65536' })],
    ['ingress.listen: expected <ip>:<port>', ingress({ listen: '1.2.3:8443' })],
    ['enclave_cid: expected a CID', { ...minimal, enclave_cid: '16' }],
    ['enclave_cid: expected a CID', { ...minimal, enclave_cid: 1.5 }],
    ['enclave_cid: expected a CID', { ...minimal, enclave_cid: 4294967295 }],
  ])('says %s', (message, settings) => expect(() => parse(settings)).toThrow(message))

  it('repeats no value, for it may be a key', () => {
    const credentials = { AccessKeyId: 'A', SecretAccessKey: 12345678901, Token: ['hidden-token'] }
    expect(() => parse(services({ credentials }))).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/12345678901|hidden-token/) as string }),
    )
    expect(() => parseSettings(Buffer.from('SecretAccessKey: "hidden-token'))).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/hidden-token/) as string }),
    )
  })

  it('throws nothing but its own error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(() => parseSettings(bytes)).toThrow(SettingsError)
        },
      ),
    )
  })
})
