import { spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { createIngress, type Answers } from '../../enclave/adapters/ingress.ts'
import { openNsm } from '../../enclave/adapters/nsm.ts'
import { openAuthority } from '../../enclave/authority.ts'
import { createIdentity, ingressBinding } from '../../enclave/identity.ts'
import { createSoftwareNsm } from '../../local/nsm/device.ts'
import { attestCommand } from '../../operator/attest.ts'
import { generateIdentityKey, unwrapped } from '../enclave/keys.ts'
import { folderOf } from './folder.ts'
import { runIn } from './run.ts'

const [PCR0, OTHER] = ['a1'.repeat(48), 'b2'.repeat(48)]
const CONFIG = 'environment: local'
const device = await createSoftwareNsm({ pcr0: PCR0, now: Date.now })
const nsm = openNsm(device.request)
const identity = await createIdentity(Date.now())
const authority = await openAuthority(unwrapped(generateIdentityKey()), {
  environment: 'local',
  pcr0: Buffer.alloc(48),
})
const caSha256 = createHash('sha256').update(authority.certificate).digest('hex')
const files = () => folderOf({ 'root.der': device.rootDer, 'config.yaml': CONFIG, 'other.yaml': 'environment: other' })

const attestBinding =
  (userData: Uint8Array): Answers['attest'] =>
  (nonce) =>
    nsm.attest({ nonce, userData })
const honest: Answers = {
  missing: () => [],
  attest: attestBinding(ingressBinding(identity, Buffer.from(CONFIG), authority.certificate)),
  authority: authority.pem,
  metrics: () => '',
}
const hostMode: Partial<Answers> = {
  attest: attestBinding(ingressBinding(identity, Buffer.from(CONFIG))),
  authority: undefined,
}

async function serving(over: Partial<Answers> = {}): Promise<string> {
  const server = createIngress(identity.tls, { ...honest, ...over })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on TCP
}

const endpoint = (url: string, folder: string, ...options: readonly string[]) =>
  runIn(attestCommand, 'attest', 'endpoint', url, '--root', join(folder, 'root.der'), ...options)

describe('attest endpoint', () => {
  it('proves the image, the TLS key, the configuration and the CA, and writes the CA', async () => {
    const folder = files()
    const out = join(folder, 'ca.pem')
    const options = ['--pcr0', OTHER, PCR0, '--config', join(folder, 'config.yaml'), '--ca-out', out]
    const outcome = await endpoint(await serving(), folder, ...options)
    expect(outcome.status).toBe(0)
    const tlsKey = createHash('sha256').update(identity.tls.publicKey).digest('hex')
    expect(outcome.out).toMatch(/^VALID {2}127\.0\.0\.1:\d+\n/)
    for (const shown of [PCR0, `${tlsKey}, the one that answers here`, ', yours', caSha256, out])
      expect(outcome.out).toContain(shown)
    expect(new X509Certificate(readFileSync(out)).raw).toEqual(Buffer.from(authority.certificate))
  })

  it('--json says the same to programs', async () => {
    const { status, out } = await endpoint(await serving(), files(), '--pcr0', PCR0, '--json')
    expect(status).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      valid: true,
      code: null,
      configSha256: createHash('sha256').update(CONFIG).digest('hex'),
      caSha256,
      document: { pcrs: { PCR0 } },
    })
  })

  it('writes nothing of a CA but the certificate that is attested', async () => {
    const folder = files()
    const url = await serving({
      authority: `${authority.pem}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`,
    })
    await endpoint(url, folder, '--pcr0', PCR0, '--ca-out', join(folder, 'ca.pem'))
    expect(readFileSync(join(folder, 'ca.pem'), 'utf8')).not.toContain('PRIVATE')
  })

  it('knows host mode, which has no CA to write', async () => {
    const folder = files()
    const url = await serving(hostMode)
    expect((await endpoint(url, folder, '--pcr0', PCR0)).out).toContain('none: host mode')
    const write = endpoint(url, folder, '--pcr0', PCR0, '--ca-out', join(folder, 'ca.pem'))
    await expect(write).rejects.toThrow('runs in host mode and has no CA')
  })

  test.each<[string, string, Partial<Answers>, readonly string[]]>([
    ['another image', 'pcr0-mismatch', {}, ['--pcr0', OTHER]],
    ['another configuration', 'user-data-mismatch', {}, ['--pcr0', PCR0, '--config', 'other.yaml']],
    ['another CA than is attested', 'user-data-mismatch', { ...hostMode, authority: authority.pem }, ['--pcr0', PCR0]],
    ['no CA where one is attested', 'user-data-mismatch', { authority: undefined }, ['--pcr0', PCR0]],
    ['no certificate for a CA', 'user-data-mismatch', { authority: 'trust me' }, ['--pcr0', PCR0]],
    [
      'another TLS key than is attested',
      'user-data-mismatch',
      { attest: attestBinding(Buffer.alloc(96)) },
      ['--pcr0', PCR0],
    ],
    ['nothing bound', 'user-data-mismatch', { attest: (nonce) => nsm.attest({ nonce }) }, ['--pcr0', PCR0]],
    [
      'an answer to another nonce',
      'nonce-mismatch',
      { attest: () => honest.attest(Buffer.alloc(32, 1)) },
      ['--pcr0', PCR0],
    ],
    ['no document', 'cbor', { attest: async () => Buffer.from('trust me') }, ['--pcr0', PCR0]],
  ])('rejects %s with %s: 3, and writes no CA', async (_, code, answers, options) => {
    const folder = files()
    const at = options.map((option) => (option === 'other.yaml' ? join(folder, option) : option))
    const url = await serving(answers)
    const { status, out } = await endpoint(url, folder, ...at, '--ca-out', join(folder, 'ca.pem'))
    expect(status).toBe(3)
    expect(out).toMatch(new RegExp(`^REJECTED {2}${code} `))
    expect(existsSync(join(folder, 'ca.pem'))).toBe(false)
    const json = await endpoint(url, folder, ...at, '--json')
    expect(JSON.parse(json.out)).toMatchObject({ valid: false, code })
  })

  it('without a root of another’s believes AWS’s alone', async () => {
    const outcome = await runIn(attestCommand, 'attest', 'endpoint', await serving(), '--pcr0', PCR0)
    expect([outcome.status, outcome.out]).toEqual([3, expect.stringContaining('root-mismatch')])
  })

  it('says that nobody answers, or somebody else does', async () => {
    const folder = files()
    await expect(endpoint('https://127.0.0.1:1', folder, '--pcr0', PCR0)).rejects.toThrow(
      'no enclave answers at 127.0.0.1:1 (ECONNREFUSED)',
    )
    const { key, cert } = identity.tls
    for (const [status, body, said] of [
      [500, '', 'answered 500 for its CA'],
      [200, 'x'.repeat(100_000), 'larger than a document ever is'],
    ] as const) {
      const other = createServer({ key, cert }, (_request, response) => response.writeHead(status).end(body))
      other.listen(0, '127.0.0.1')
      await once(other, 'listening')
      onTestFinished(() => void other.close())
      const { port } = other.address() as AddressInfo // it listens on TCP
      await expect(endpoint(`https://127.0.0.1:${port}`, folder, '--pcr0', PCR0)).rejects.toThrow(said)
    }
  })

  it('is a command: 1 for what is no address', async () => {
    const main = fileURLToPath(new URL('../../operator/main.ts', import.meta.url))
    const child = spawn(process.execPath, [main, 'attest', 'endpoint', 'http://127.0.0.1', '--pcr0', PCR0])
    const [said, [status]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect(status).toBe(1)
    expect(said).toContain('Expected an address such as https://')
  })
})
