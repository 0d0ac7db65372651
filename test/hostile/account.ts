import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKms } from '../../enclave/adapters/kms.ts'
import { openNsm, type NsmDevice } from '../../enclave/adapters/nsm.ts'
import { openSecrets } from '../../enclave/adapters/secrets.ts'
import { openAuthority } from '../../enclave/authority.ts'
import { parseConfig } from '../../enclave/config.ts'
import { createIdentity } from '../../enclave/identity.ts'
import { createRing, type Ring } from '../../enclave/sealing/ring.ts'
import { Secret } from '../../enclave/sealing/types.ts'
import { unwrap } from '../../enclave/unwrap.ts'
import { startLocalAws, type LocalAws } from '../../local/aws/aws.ts'
import { createCa, type ServerCertificate } from '../../local/aws/ca.ts'
import { agentTo } from '../../local/aws/front.ts'
import { createSoftwareNsm } from '../../local/nsm/device.ts'
import { cloudPrincipal, enclaveRole, hostPrincipal } from '../../local/principals.ts'
import { ACCOUNT, REGION, stateOf } from '../../local/story.ts'
import type { Target } from '../../parent-proxy/target.ts'
import { target } from './parent.ts'

export const STATE = { bucket: 'terraform-states', key: 'terraform.tfstate' } as const
export const LEDGER_BUCKET = 'driftseal-ledger'
export const WEBHOOK = 'hooks.example.com'
/** A bucket's host, and one for which our CA vouches as truly as for the others. */
export const OTHER_HOST = `${STATE.bucket}.s3.${REGION}.amazonaws.com`
/** Reads the ledger's bucket, to see what is there. */
const AUDITOR = 'AKIAEXAMPLEAUDITOR01'

const PCR0 = 'd5'.repeat(48)
const KEY_ID = '2f1c7e9a-4b60-4d3e-8a55-90d1e6c7b8f2'
const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${KEY_ID}`
/** One queue for each host that a test file has. */
const QUEUES = Array.from({ length: 48 }, (_, index) => `events-${index}`)
const REPOSITORIES = Array.from({ length: 64 }, (_, index) => `service-${index}`)
const SIXTY_DAYS_MS = 60 * 86_400_000

export const FIRST_STATE = stateOf(REPOSITORIES)

/** An AWS account and a security module, for all the hosts of a test file. */
export interface Account extends AsyncDisposable {
  readonly dir: string
  readonly aws: LocalAws
  readonly device: NsmDevice
  /** What the enclave believes: the CA of the account, and one whose certificates have all run out. */
  readonly roots: readonly string[]
  /** For reading the queue's and the ledger's ends. */
  readonly access: { readonly region: string; readonly agent: ReturnType<typeof agentTo> }
  readonly auditor: () => Promise<{ accessKeyId: string; secretAccessKey: string; expiration: Date }>
  /** Servers of the host's own, by the authority that leads to them, each with a certificate that is not the right one. */
  readonly imposters: ReadonlyMap<string, Target>
  /** How many requests the imposters were sent. */
  readonly believed: () => number
  /** The keys that nobody but the enclave may have; `ring` opens what the data key sealed. */
  readonly keys: readonly Uint8Array[]
  readonly ring: Ring
  /** A number for each host. */
  readonly next: () => number
}

/** The measured configuration of the enclave on host `n`. */
export const configuration = (n: number, over: Readonly<Record<string, unknown>>) => ({
  environment: 'local',
  region: REGION,
  kms_key: KEY_ARN,
  dek_secret: 'driftseal/dek',
  identity: {
    secret: 'driftseal/identity',
    trust_anchor: enclaveRole.trustAnchor,
    profile: enclaveRole.profile,
    role: enclaveRole.role,
  },
  queue: queueUrl(n),
  queue_visibility_secs: 1,
  ledger: { bucket: LEDGER_BUCKET, prefix: `host-${n}/` },
  states: [{ name: 'registry', ...STATE }],
  state_refresh_interval_secs: 1,
  sinks: [{ type: 'webhook', name: 'on-call', url: `https://${WEBHOOK}/driftseal`, secret: 'driftseal/webhook' }],
  ...over,
})

export const queueUrl = (n: number): string => `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${QUEUES[n]}`

export async function openAccount(): Promise<Account> {
  const dir = await mkdtemp(join(tmpdir(), 'ds-'))
  const nsm = await createSoftwareNsm({ pcr0: PCR0, now: Date.now })
  await writeFile(join(dir, 'nsm-root.der'), nsm.rootDer)
  const aws = await startLocalAws({
    region: REGION,
    account: ACCOUNT,
    environment: 'local',
    dir: join(dir, 'aws'),
    keyId: KEY_ID,
    nsmRoot: join(dir, 'nsm-root.der'),
    allowedPcr0: [PCR0],
    identity: { trustAnchor: enclaveRole.trustAnchor, profile: enclaveRole.profile, role: enclaveRole.role },
    sessionSecs: 3600,
    accessKeys: {
      [hostPrincipal.credentials.accessKeyId]: [...hostPrincipal.actions],
      [cloudPrincipal.credentials.accessKeyId]: [...cloudPrincipal.actions],
      [AUDITOR]: ['s3:GetObject', 's3:ListBucket'],
    },
    roleActions: [...enclaveRole.actions],
    queues: QUEUES,
    buckets: [STATE.bucket, LEDGER_BUCKET],
    servers: [WEBHOOK, OTHER_HOST],
  })
  const caPem = await readFile(aws.ready.caFile, 'utf8')
  const access = { region: REGION, agent: agentTo({ port: aws.ready.port, ca: caPem }) }
  const { keys, ring } = await takeKeys(access, nsm.request, aws.ready.trustAnchorFile)

  const names = [WEBHOOK, ...aws.ready.hosts] as const
  const expired = await createCa(new Date(Date.now() - SIXTY_DAYS_MS))
  const foreign = await createCa(new Date())
  const other = aws.ready.servers[OTHER_HOST] ?? { certFile: '', keyFile: '' }
  const otherCertificate = {
    cert: await readFile(other.certFile, 'utf8'),
    key: await readFile(other.keyFile, 'utf8'),
  }
  let requests = 0
  const impersonated = [
    ['another-host.example.com:443', otherCertificate],
    ['foreign-ca.example.com:443', await foreign.issue(names)],
    ['expired.example.com:443', await expired.issue(names)],
  ] as const
  const imposters = new Map<string, { port: number; close: () => void }>()
  for (const [authority, certificate] of impersonated)
    imposters.set(authority, await impersonate(certificate, () => (requests += 1)))

  let hosts = 0
  return {
    dir,
    aws,
    device: nsm.request,
    roots: [caPem, expired.pem],
    access,
    auditor: async () => ({
      accessKeyId: AUDITOR,
      secretAccessKey: 'not-checked',
      expiration: new Date(Date.now() + 3.6e6),
    }),
    imposters: new Map([...imposters].map(([authority, { port }]) => [authority, target(port)])),
    believed: () => requests,
    keys,
    ring,
    next: () => hosts++,
    async [Symbol.asyncDispose]() {
      access.agent.destroy()
      for (const { close } of imposters.values()) close()
      await aws.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The enclave's keys, got as it gets them, with its CA registered; so that we know what to look for at the host's. */
async function takeKeys(
  access: { readonly region: string; readonly agent: ReturnType<typeof agentTo> },
  device: NsmDevice,
  trustAnchorFile: string,
): Promise<{ keys: readonly Uint8Array[]; ring: Ring }> {
  const { accessKeyId, secretAccessKey } = hostPrincipal.credentials
  const credentials = async () => ({ accessKeyId, secretAccessKey, expiration: new Date(Date.now() + 3.6e6) })
  const aws = { ...access, credentials }
  const nsm = openNsm(device)
  const config = parseConfig(Buffer.from(JSON.stringify(configuration(0, {}))))
  const identity = await createIdentity(Date.now())
  const unwrapping = { secrets: openSecrets(aws), kms: openKms(aws), nsm, config, identity }
  const dek = await unwrap(unwrapping, 'driftseal/dek', 'dek')
  const ca = await unwrap(unwrapping, 'driftseal/identity', 'identity')
  const keys = [dek.key, ca.key].map((key) => key.use((bytes) => Buffer.from(bytes)))
  const { pem } = await openAuthority(ca.key, { environment: 'local', pcr0: await nsm.pcr(0) })
  await writeFile(trustAnchorFile, pem)
  const ring = createRing()
  const [copy = new Uint8Array()] = keys
  ring.sealWith(ring.add(dek.wrapped, new Secret(Buffer.from(copy))))
  return { keys, ring }
}

/** A TLS server that answers whatever it is asked, if anybody believes its certificate. */
async function impersonate(
  certificate: ServerCertificate,
  asked: () => void,
): Promise<{ port: number; close: () => void }> {
  const server = createServer(certificate, (_request, response) => {
    asked()
    response.end('{}')
  })
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
