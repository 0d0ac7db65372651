import { createHash, X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { openAuthority } from '../../enclave/authority.ts'
import { attestIngress } from '../../local/attest.ts'
import type { LocalAws } from '../../local/aws/aws.ts'
import { tryAsHost } from '../../local/host.ts'
import { StartError } from '../../local/processes.ts'
import { enclaveRole, hostPrincipal } from '../../local/principals.ts'
import { registerAuthority } from '../../local/register.ts'
import type { Stack, StackOptions } from '../../local/stack.ts'
import { story } from '../../local/story.ts'
import { generateIdentityKey, unwrapped } from '../enclave/keys.ts'
import { awsHere, startChain, type Chain } from './harness.ts'

let chain: Chain | undefined
afterEach(async () => {
  await chain?.[Symbol.asyncDispose]()
  chain = undefined
})

const start = async (options: Omit<StackOptions, 'dir'> = {}): Promise<Chain> => {
  chain = await startChain(options)
  return chain
}
const expected = async ({ nsmRoot, config, pcr0 }: Stack) => ({
  root: await readFile(nsmRoot),
  config: await readFile(config),
  pcr0,
})
const authorityOf = async (stack: Stack): Promise<X509Certificate> =>
  new X509Certificate((await attestIngress(stack.ingressPort, await expected(stack))).authority ?? '')
const spki = (certificate: X509Certificate): Buffer => certificate.publicKey.export({ type: 'spki', format: 'der' })
const codes = ({ record }: Chain, code: string) => record.logs.filter((line) => line.code === code)

/** Sends the first event of the story and waits for what the enclave makes of it. */
async function judges({ stack, record }: Chain): Promise<void> {
  const { id, body } = story[0]?.event() ?? { id: '', body: '' }
  await stack.cloud.send(body)
  await record.until(() => record.findings.some(({ eventId }) => eventId === id))
}

/** It ends while there is somebody who asks: a look at the states is a request. */
const shortSession = { startAws: awsHere({ settings: { sessionSecs: 3 } }), config: { state_refresh_interval_secs: 1 } }

describe('an identity of its own', () => {
  it('opens to the enclave what the host’s credentials do not', async () => {
    const running = await start()
    await judges(running)
    expect(await tryAsHost(running.stack)).toEqual([
      { what: 'read the state', answer: 'AccessDenied' },
      { what: 'write to the ledger', answer: 'AccessDenied' },
      { what: 'receive an event', answer: 'AccessDeniedException' },
      { what: 'delete an event', answer: 'AccessDeniedException' },
    ])
  })

  it('waits, serving, until a person has registered its CA', async () => {
    const running = await start({ anchor: 'closed' })
    const { stack, record } = running
    await record.until(() => codes(running, 'session.refused').length > 0)
    expect(codes(running, 'session.refused')[0]?.fields).toEqual({ error: 'disabled' })
    expect(codes(running, 'session.opened')).toEqual([])
    const sent = story[0]?.event() ?? { id: '', body: '' }
    await stack.cloud.send(sent.body)

    expect(await registerAuthority(stack.ingressPort, await expected(stack), stack.aws.trustAnchorFile)).toBe(true)
    await record.until(() => record.findings.some(({ eventId }) => eventId === sent.id))
    expect(codes(running, 'session.opened')).toHaveLength(1)
  })

  it('is the same after a restart: the anchor that was registered stays good', async () => {
    // What the stopped enclave was still waiting for may be given to nobody: it comes again soon.
    const running = await start({ config: { queue_visibility_secs: 3 } })
    const { stack, record } = running
    const before = await authorityOf(stack)
    await stack.enclave.stop()
    await stack.startEnclave()
    await judges(running)
    const after = await authorityOf(stack)
    expect(spki(after)).toEqual(spki(before))
    expect(after.subject).toBe(before.subject)
    expect(after.raw).not.toEqual(before.raw)
    expect(new X509Certificate(await readFile(stack.aws.trustAnchorFile)).raw).toEqual(before.raw)
    expect(record.logs.filter(({ code }) => code === 'session.opened')).toHaveLength(2)
  })

  it('is none under a foreign anchor', async () => {
    const running = await start({ anchor: 'closed' })
    const foreign = await openAuthority(unwrapped(generateIdentityKey()), {
      environment: 'local',
      pcr0: Buffer.alloc(48),
    })
    await writeFile(running.stack.aws.trustAnchorFile, foreign.pem)
    await running.record.until(() =>
      codes(running, 'session.refused').some(({ fields }) => fields['error'] === 'untrusted-certificate'),
    )
    expect(codes(running, 'session.opened')).toEqual([])
  })

  it('renews its session before it ends, and nothing stops', async () => {
    const running = await start(shortSession)
    await running.record.until(() => codes(running, 'session.opened').length >= 3)
    await judges(running)
    expect(codes(running, 'queue.receive.failed')).toEqual([])
  })

  it('keeps what the session gave when the anchor is disabled later, but gets no more', async () => {
    const running = await start(shortSession)
    await writeFile(running.stack.aws.trustAnchorFile, '')
    const { record } = running
    await record.until(() =>
      record.logs.some(({ code, fields }) => code === 'session.refused' && fields['error'] === 'disabled'),
    )
    const before = codes(running, 'state.unavailable').length
    await record.until(() => codes(running, 'state.unavailable').length > before)
    expect(codes(running, 'session.opened').length).toBeGreaterThan(0)
  })
})

describe('the attestation of the ingress', () => {
  it('binds the CA certificate that is shown', async () => {
    const { stack } = await start()
    const { authority, document } = await attestIngress(stack.ingressPort, await expected(stack))
    const shown = new X509Certificate(authority ?? '')
    expect(shown.subject).toBe('CN=DriftSeal local')
    expect(document.userData?.subarray(64).toHex()).toBe(createHash('sha256').update(shown.raw).digest('hex'))
  })
})

describe('host mode', () => {
  const hostMode = {
    config: { identity: undefined },
    startAws: awsHere({
      settings: {
        accessKeys: { [hostPrincipal.credentials.accessKeyId]: [...hostPrincipal.actions, ...enclaveRole.actions] },
      },
    }),
    state: null,
  }

  it('says what it does not protect, and has no CA', async () => {
    const running = await start(hostMode)
    const [line] = codes(running, 'identity.host-mode')
    expect(line).toMatchObject({ level: 'warn' })
    expect(line?.fields['unprotected']).toMatch(/the host .* states.* queue/)
    const { authority, document } = await attestIngress(running.stack.ingressPort, await expected(running.stack))
    expect(authority).toBeUndefined()
    expect(document.userData).toHaveLength(64)
    expect(codes(running, 'session.opened')).toEqual([])
    expect((await tryAsHost(running.stack)).map(({ answer }) => answer)).toContain('allowed')
  })
})

describe('the enclave does not start on', () => {
  const swap = (aws: LocalAws): void => aws.secrets.replace('driftseal/identity', 'AWSCURRENT', aws.wrapDek())
  it.each<[string, Omit<StackOptions, 'dir'>, RegExp]>([
    [
      'a CA key swapped for a data key',
      { startAws: awsHere({ started: swap }) },
      /^driftseal: keys: KMS refused the attested Decrypt: InvalidCiphertextException/,
    ],
    [
      'an identity without a role',
      {
        config: {
          identity: {
            secret: 'driftseal/identity',
            trust_anchor: enclaveRole.trustAnchor,
            profile: enclaveRole.profile,
          },
        },
      },
      /identity\.role: /,
    ],
    [
      'a profile that is no ARN',
      {
        config: {
          identity: {
            secret: 'driftseal/identity',
            trust_anchor: enclaveRole.trustAnchor,
            profile: 'any',
            role: enclaveRole.role,
          },
        },
      },
      /identity\.profile: expected an ARN of rolesanywhere/,
    ],
  ])('%s', async (_what, options, line) => {
    const failure = await start(options).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(StartError)
    expect(failure).toMatchObject({ exit: 1, lastWords: expect.stringMatching(line) as string })
  })
})
