import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAccess } from './access.ts'
import { createCa, type Ca } from './ca.ts'
import { openFauxqs } from './fauxqs.ts'
import { serveFront } from './front.ts'
import { hostsOf } from './hosts.ts'
import { createKms, type KeyPolicy } from './kms.ts'
import { createMonitoring, type Datum } from './monitoring.ts'
import { createRolesAnywhere } from './rolesanywhere.ts'
import { createSecrets, type Secrets } from './secrets.ts'
import type { Settings } from './settings.ts'

/** What others need in order to use the stack. Names ending in `File` are paths. */
export interface Ready {
  /** Of 127.0.0.1; every AWS host name leads to it. */
  readonly port: number
  readonly hosts: readonly string[]
  readonly caFile: string
  readonly keyArn: string
  readonly dekSecret: string
  readonly webhookSecret: string
  /** A PEM in here is the certificate of the trust anchor, which is disabled as long as it is empty. */
  readonly trustAnchorFile: string
  /** The 32 bytes that the webhook's receiver checks signatures with. */
  readonly webhookKeyFile: string
  readonly queueUrls: Readonly<Record<string, string>>
  readonly buckets: readonly string[]
  readonly servers: Readonly<Record<string, { readonly certFile: string; readonly keyFile: string }>>
}

export interface LocalAws {
  readonly ready: Ready
  readonly secrets: Pick<Secrets, 'put' | 'replace'>
  /** Replaces the list of PCR0s for which KMS decrypts. */
  allowPcr0(pcr0: KeyPolicy['decrypt']): void
  /** What CloudWatch was told, oldest first. */
  readonly metrics: readonly Datum[]
  /** A new data key, wrapped: what rotation stores as AWSCURRENT. */
  wrapDek(): Uint8Array
  close(): Promise<void>
}

const DEK_SECRET = 'driftseal/dek'
const WEBHOOK_SECRET = 'driftseal/webhook'
const IDENTITY_SECRET = 'driftseal/identity'
const OWNER_ONLY = { mode: 0o600 }
const now = () => new Date()

/** Starts KMS, Secrets Manager, SQS, S3, CloudWatch and IAM Roles Anywhere behind one TLS port, with what DriftSeal expects to find in them. */
export async function startLocalAws(
  settings: Settings,
  hostile: { readonly tamperRecipient?: (ber: Uint8Array) => Uint8Array } = {},
): Promise<LocalAws> {
  const { region, account, environment, dir } = settings
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const root = await readFile(settings.nsmRoot)

  const kms = createKms({ region, account, root, now, tamperRecipient: hostile.tamperRecipient })
  const context = (purpose: string) => ({ service: 'driftseal', environment, purpose })
  const policy = (decrypt: KeyPolicy['decrypt']): KeyPolicy => ({
    decrypt,
    generate: [
      // Nobody ever sees the data key; an operator has to hand the webhook's key to its receiver.
      { action: 'GenerateDataKeyWithoutPlaintext', context: context('dek') },
      { action: 'GenerateDataKey', context: context('webhook') },
      { action: 'GenerateDataKeyPairWithoutPlaintext', context: context('identity') },
    ],
  })
  const keyArn = kms.createKey(settings.keyId, policy(settings.allowedPcr0))
  const wrapDek = () => kms.generate('GenerateDataKeyWithoutPlaintext', keyArn, context('dek')).ciphertext

  const secrets = createSecrets({ region, account, now })
  secrets.put(DEK_SECRET, wrapDek())
  secrets.put(
    IDENTITY_SECRET,
    kms.generate('GenerateDataKeyPairWithoutPlaintext', keyArn, context('identity')).ciphertext,
  )
  const webhook = kms.generate('GenerateDataKey', keyArn, context('webhook'))
  secrets.put(WEBHOOK_SECRET, webhook.ciphertext)
  const webhookKeyFile = join(dir, 'webhook.key')
  await writeFile(webhookKeyFile, webhook.plaintext, OWNER_ONLY)

  const ca = await createCa(now())
  const caFile = join(dir, 'ca.pem')
  await writeFile(caFile, ca.pem)
  const servers: Record<string, { certFile: string; keyFile: string }> = {}
  for (const host of settings.servers) servers[host] = await certify(ca, host, dir)

  const fauxqs = await openFauxqs({ region, account })
  const queueUrls: Record<string, string> = {}
  for (const name of settings.queues) queueUrls[name] = await fauxqs.createQueue(name)
  for (const name of settings.buckets) await fauxqs.createBucket(name)

  const trustAnchorFile = join(dir, 'trust-anchor.pem')
  await writeFile(trustAnchorFile, '')
  const { access, grant } = createAccess(now)
  for (const [accessKeyId, actions] of Object.entries(settings.accessKeys)) grant(accessKeyId, { actions })
  const rolesanywhere = createRolesAnywhere({
    region,
    names: settings.identity,
    anchor: () => readFile(trustAnchorFile, 'utf8'),
    sessionSecs: settings.sessionSecs,
    now,
    issued: ({ accessKeyId, token, expires }) =>
      grant(accessKeyId, { actions: settings.roleActions, session: { token, expires } }),
  })

  const monitoring = createMonitoring()
  const hosts = hostsOf(region)
  const front = await serveFront({
    region,
    certificate: await ca.issue(hosts),
    services: {
      kms: kms.service,
      secretsmanager: secrets.service,
      sqs: fauxqs.sqs,
      s3: fauxqs.s3,
      rolesanywhere,
      monitoring: monitoring.service,
    },
    access,
  })
  return {
    ready: {
      port: front.port,
      hosts,
      caFile,
      keyArn,
      dekSecret: DEK_SECRET,
      webhookSecret: WEBHOOK_SECRET,
      trustAnchorFile,
      webhookKeyFile,
      queueUrls,
      buckets: settings.buckets,
      servers,
    },
    secrets,
    metrics: monitoring.data,
    allowPcr0: (pcr0) => kms.setPolicy(keyArn, policy(pcr0)),
    wrapDek,
    async close() {
      await front.close()
      await fauxqs.close()
    },
  }
}

async function certify(ca: Ca, host: string, dir: string): Promise<{ certFile: string; keyFile: string }> {
  const { cert, key } = await ca.issue([host])
  const [certFile, keyFile] = [join(dir, `${host}.pem`), join(dir, `${host}.key`)]
  await writeFile(certFile, cert)
  await writeFile(keyFile, key, OWNER_ONLY)
  return { certFile, keyFile }
}
