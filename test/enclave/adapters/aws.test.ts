import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AwsAccess } from '../../../enclave/adapters/aws.ts'
import { openEgress } from '../../../enclave/adapters/egress.ts'
import { openKms } from '../../../enclave/adapters/kms.ts'
import { openNsm } from '../../../enclave/adapters/nsm.ts'
import { openS3States } from '../../../enclave/adapters/s3.ts'
import { openSecrets } from '../../../enclave/adapters/secrets.ts'
import { openSqs } from '../../../enclave/adapters/sqs.ts'
import { parseConfig } from '../../../enclave/config.ts'
import { createIdentity } from '../../../enclave/identity.ts'
import { unwrap } from '../../../enclave/unwrap.ts'
import { startLocalAws, type LocalAws } from '../../../local/aws/aws.ts'
import { openCloud, type Cloud } from '../../../local/cloud.ts'
import { createSoftwareNsm } from '../../../local/nsm/device.ts'
import { cloudPrincipal } from '../../../local/principals.ts'
import { createEgress } from '../../../parent-proxy/egress.ts'
import { parseTarget, type Target } from '../../../parent-proxy/target.ts'
import { dial, serve, type Address, type Listener } from '../../../vsock/index.ts'
import { credentials, REGION } from './scripted_aws.ts'

const ACCOUNT = '111122223333'
const PCR0 = 'a1'.repeat(48)
const QUEUE = `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/events`
const BUCKET = 'states'
const { signal } = new AbortController()

let dir: string
let aws: LocalAws
let cloud: Cloud
let listener: Listener
let access: AwsAccess
let nsm: ReturnType<typeof openNsm>

/** The local AWS, and the way to it: the enclave's egress through the parent-proxy's, over a unix socket. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'driftseal-'))
  const device = await createSoftwareNsm({ pcr0: PCR0, now: Date.now })
  nsm = openNsm(device.request)
  const nsmRoot = join(dir, 'root.der')
  await writeFile(nsmRoot, device.rootDer)
  const { accessKeyId } = await credentials()
  aws = await startLocalAws({
    region: REGION,
    account: ACCOUNT,
    environment: 'local',
    dir,
    keyId: '0f8fad5b-d9cb-469f-a165-70867728950e',
    nsmRoot,
    allowedPcr0: [PCR0],
    identity: { trustAnchor: 'any', profile: 'any', role: 'any' },
    sessionSecs: 3600,
    accessKeys: { [accessKeyId]: ['*'], [cloudPrincipal.credentials.accessKeyId]: [...cloudPrincipal.actions] },
    roleActions: [],
    queues: ['events'],
    buckets: [BUCKET],
    servers: [],
  })
  const ca = await readFile(aws.ready.caFile, 'utf8')
  cloud = openCloud(aws.ready, ca, REGION, { events: QUEUE })

  const hosts = [...aws.ready.hosts, `${BUCKET}.s3.${REGION}.amazonaws.com`]
  const to = parseTarget(`127.0.0.1:${aws.ready.port}`)
  const routes = new Map<string, Target>(hosts.flatMap((host) => (to === undefined ? [] : [[`${host}:443`, to]])))
  const egress = createEgress({
    allows: ({ authority }) => routes.has(authority),
    routes,
    lookup: () => {},
    log: () => {},
  })
  const address: Address = { kind: 'unix', path: join(dir, 'e.sock') }
  listener = await serve(address, egress)
  const { agent } = openEgress({ dial: () => dial(address, 1000), roots: [ca], allowed: new Set(hosts) })
  access = { region: REGION, agent, credentials }
})
afterAll(async () => {
  access.agent.destroy()
  cloud.close()
  await listener.close()
  await aws.close()
  await rm(dir, { recursive: true })
})

it('a queue is received from, hidden in and drained', async () => {
  const queue = openSqs(access, QUEUE, 60)
  const bodies = Array.from({ length: 12 }, (_, index) => `message ${index}`)
  for (const body of bodies) await cloud.send(body)
  const received = [...(await queue.receive(signal)), ...(await queue.receive(signal))]
  expect(received.map(({ body }) => Buffer.from(body).toString()).sort()).toEqual(bodies.sort())
  const [first] = received
  if (first !== undefined) await queue.hide(first, 0)
  const [again] = await queue.receive(signal)
  expect(again?.id).toBe(first?.id)
  expect(await cloud.depth()).toBe(12)
  await queue.remove([...received.slice(1), ...(again === undefined ? [] : [again])])
  expect(await cloud.depth()).toBe(0)
})

it('a state is missing, found, unchanged, and found again', async () => {
  const states = openS3States(access)
  const location = { bucket: BUCKET, key: 'a/b c.tfstate' }
  expect(await states.fetch(location, undefined)).toEqual({ kind: 'missing' })
  await cloud.putState(BUCKET, location.key, 'one')
  const found = await states.fetch(location, undefined)
  expect(found).toMatchObject({ kind: 'found', bytes: Buffer.from('one') })
  const version = found.kind === 'found' ? found.version : ''
  expect(await states.fetch(location, version)).toEqual({ kind: 'unchanged' })
  await cloud.putState(BUCKET, location.key, 'two')
  expect(await states.fetch(location, version)).toMatchObject({ kind: 'found', bytes: Buffer.from('two') })
})

it('a wrapped key is fetched at each of its stages', async () => {
  const secrets = openSecrets(access)
  const first = await secrets.fetch('driftseal/dek', 'AWSCURRENT')
  expect(await secrets.fetch('driftseal/dek', 'AWSPREVIOUS')).toBeUndefined()
  expect(await secrets.fetch('driftseal/nothing', 'AWSCURRENT')).toBeUndefined()
  aws.secrets.put('driftseal/dek', aws.wrapDek())
  expect(await secrets.fetch('driftseal/dek', 'AWSPREVIOUS')).toEqual(first)
  expect((await secrets.fetch('driftseal/dek', 'AWSCURRENT'))?.version).not.toBe(first?.version)
})

it('a key is unwrapped for this image, in this environment, for its purpose, and for nothing else', async () => {
  const config = parseConfig(
    Buffer.from(
      JSON.stringify({
        environment: 'local',
        region: REGION,
        kms_key: aws.ready.keyArn,
        dek_secret: 'driftseal/dek',
        queue: QUEUE,
        states: [{ name: 'network', bucket: BUCKET, key: 'x' }],
      }),
    ),
  )
  const identity = await createIdentity(Date.now())
  const parts = { secrets: openSecrets(access), kms: openKms(access), nsm, config, identity }
  const { key } = await unwrap(parts, 'driftseal/dek', 'dek')
  expect(key.use((bytes) => bytes.length)).toBe(32)
  const staging = { ...parts, config: { ...config, environment: 'staging' } }
  await expect(unwrap(staging, 'driftseal/dek', 'dek')).rejects.toMatchObject({ code: 'foreign' })
  await expect(unwrap(parts, 'driftseal/webhook', 'dek')).rejects.toMatchObject({ code: 'foreign' })
  await expect(unwrap(parts, 'driftseal/nothing', 'dek')).rejects.toMatchObject({ code: 'ERR_UNWRAP' })
  aws.allowPcr0(['b2'.repeat(48)])
  await expect(unwrap(parts, 'driftseal/dek', 'dek')).rejects.toMatchObject({ code: 'refused' })
})
