import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createIngress, type Answers } from '../../enclave/adapters/ingress.ts'
import { openNsm } from '../../enclave/adapters/nsm.ts'
import { AttestationError } from '../../enclave/attestation/error.ts'
import { openAuthority } from '../../enclave/authority.ts'
import { createIdentity, ingressBinding } from '../../enclave/identity.ts'
import { attestIngress } from '../../local/attest.ts'
import { createSoftwareNsm } from '../../local/nsm/device.ts'
import { generateIdentityKey, unwrapped } from '../enclave/keys.ts'

const PCR0 = 'a1'.repeat(48)
const CONFIG = Buffer.from('environment: local')

const device = await createSoftwareNsm({ pcr0: PCR0, now: Date.now })
const nsm = openNsm(device.request)
const identity = await createIdentity(Date.now())
const newAuthority = () =>
  openAuthority(unwrapped(generateIdentityKey()), { environment: 'local', pcr0: Buffer.alloc(48) })
const authority = await newAuthority()
const expected = { root: device.rootDer, pcr0: PCR0, config: CONFIG }

const attestWith =
  (userData: Uint8Array, from = nsm): Answers['attest'] =>
  (nonce) =>
    from.attest({ nonce, userData })
const honest: Answers = {
  missing: () => [],
  attest: attestWith(ingressBinding(identity, CONFIG, authority.certificate)),
  authority: authority.pem,
  metrics: () => '',
}

/** Asks an ingress that answers like this to prove what it is. */
async function attested(over: Partial<Answers> = {}, { tls } = identity, wanted: Partial<typeof expected> = {}) {
  const server = createIngress(tls, { ...honest, ...over })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return attestIngress((server.address() as AddressInfo).port, { ...expected, ...wanted }) // it listens on TCP
}

describe('an ingress', () => {
  it('proves that it is the enclave of this image, configuration and CA', async () => {
    const { document, authority: pem } = await attested()
    expect(Buffer.from(document.pcrs.get(0) ?? []).toString('hex')).toBe(PCR0)
    expect(pem).toBe(authority.pem)
  })

  it('may have no CA', async () => {
    const attest = attestWith(ingressBinding(identity, CONFIG))
    expect((await attested({ attest, authority: undefined })).authority).toBeUndefined()
  })

  it.each<[string, () => Promise<unknown>]>([
    ['of another image', () => attested({}, identity, { pcr0: 'b2'.repeat(48) })],
    ['of another configuration', () => attested({}, identity, { config: Buffer.from('environment: other') })],
    [
      'under another root',
      async () => attested({}, identity, { root: (await createSoftwareNsm({ pcr0: PCR0, now: Date.now })).rootDer }),
    ],
    [
      'of another security module',
      async () => {
        const other = openNsm((await createSoftwareNsm({ pcr0: PCR0, now: Date.now })).request)
        return attested({ attest: attestWith(ingressBinding(identity, CONFIG, authority.certificate), other) })
      },
    ],
    ['that passes on what the enclave answered', async () => attested({}, await createIdentity(Date.now()))],
    ['that shows another CA than is attested', async () => attested({ authority: (await newAuthority()).pem })],
    ['that shows no CA although one is attested', () => attested({ authority: undefined })],
    [
      'that shows a CA although none is attested',
      () => attested({ attest: attestWith(ingressBinding(identity, CONFIG)) }),
    ],
    [
      'that answers with an old document',
      async () => {
        const old = await honest.attest(Buffer.alloc(32, 1))
        return attested({ attest: async () => old })
      },
    ],
    ['that binds nothing', () => attested({ attest: (nonce) => nsm.attest({ nonce }) })],
    ['that answers what is no document', () => attested({ attest: async () => Buffer.from('trust me') })],
  ])('%s does not', async (_what, attest) => {
    await expect(attest()).rejects.toBeInstanceOf(AttestationError)
  })
})
