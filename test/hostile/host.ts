import { appendFileSync } from 'node:fs'
import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { openParentLog } from '../../enclave/adapters/log.ts'
import { openParent } from '../../enclave/adapters/parent.ts'
import { openS3Ledger } from '../../enclave/adapters/s3_ledger.ts'
import { boot, type Surroundings } from '../../enclave/boot.ts'
import type { Finding } from '../../enclave/core/finding.ts'
import type { Log } from '../../enclave/ports.ts'
import { open } from '../../enclave/sealing/envelope.ts'
import { SealingError } from '../../enclave/sealing/error.ts'
import { openCloud, type Cloud } from '../../local/cloud.ts'
import { startReceiver } from '../../local/receiver.ts'
import { searchPlaintext, stringsOf } from '../../local/search.ts'
import { ecrEvent, REGION } from '../../local/story.ts'
import { dial, serve, type Address } from '../../vsock/index.ts'
import { configuration, FIRST_STATE, LEDGER_BUCKET, queueUrl, STATE, WEBHOOK, type Account } from './account.ts'
import { startParent, target, type Lie, type LyingParent } from './parent.ts'
import { createNews } from '../fakes/news.ts'
import { ecrRules } from '../fakes/rules.ts'

const RULES = ecrRules()
const DIAL_TIMEOUT_MS = 5_000
/** Short enough to wait for, long enough for a machine that is busy. */
export const LIMITS = { parent: { timeoutMs: 1_500 }, egress: { connectTimeoutMs: 1_500, idleTimeoutMs: 25_000 } }

/** Nothing was readable, and every event is in the ledger or still in the queue. */
export const SAFE = { leaked: [], lost: 0 }

/** The fields of the lines of one code. */
export const codes = (host: Host, code: string): readonly Line['fields'][] =>
  host.logs.filter((line) => line.code === code).map(({ fields }) => fields)

/** Resolves when the alert about an event has reached the webhook's receiver. */
export const tells = (host: Host, id: string): Promise<void> =>
  host.until(() => host.delivered.some(({ eventId }) => eventId === id))

interface Line {
  readonly level: string
  readonly code: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** An enclave that runs in this process. */
export interface Running {
  /** Where its ingress listens, behind the parent. */
  readonly ingress: Address
  /** Why it ended, or undefined when it was told to. */
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

/** One host with its parent, its queue, its store and whatever of an enclave runs on it. */
export interface Host extends AsyncDisposable {
  readonly dir: string
  readonly parent: LyingParent
  readonly cloud: Cloud
  /** What a person sees: the log as the enclave wrote it, and what the webhook's receiver got. */
  readonly logs: Line[]
  readonly delivered: Finding[]
  /** Every outcome that the enclave calls safe. */
  readonly judged: Finding[]
  /** The names of the objects that the parent was given and took. */
  readonly stored: string[]
  /** Resolves once the condition holds; it is tried whenever something was told. */
  until(condition: () => boolean): Promise<void>
  boot(over?: Partial<Surroundings>, config?: Readonly<Record<string, unknown>>): Promise<Running>
  /** Puts an event into the queue, and answers its id. */
  send(event: { readonly id: string; readonly body: string }): Promise<string>
  /** Somebody makes a repository's tags mutable. */
  drift(repository: string): Promise<string>
  /** What the host could read of what it got, and how many events are neither stored nor in the queue any more. */
  aftermath(): Promise<{ leaked: readonly string[]; lost: number }>
}

/** `like`: the store of a host that was, copied. */
export async function openHost(account: Account, lie: Lie = {}, like?: Host): Promise<Host> {
  const n = account.next()
  const dir = join(account.dir, `h${n}`)
  await mkdir(join(dir, 'parent'), { recursive: true })
  if (like !== undefined) await cp(join(like.dir, 'parent', 'blobs'), join(dir, 'parent', 'blobs'), { recursive: true })
  const { ready } = account.aws
  const ca = await readFile(ready.caFile, 'utf8')
  const cloud = openCloud(ready, ca, REGION, { events: queueUrl(n) })
  await cloud.putState(STATE.bucket, STATE.key, FIRST_STATE)

  const logs: Line[] = []
  const delivered: Finding[] = []
  const judged: Finding[] = []
  const stored: string[] = []
  const sent = new Map<string, string>()
  const { told: news, until } = createNews()
  const running = new Set<Running>()

  const { certFile, keyFile } = ready.servers[WEBHOOK] ?? { certFile: '', keyFile: '' }
  const receiver = await startReceiver(
    { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') },
    await readFile(ready.webhookKeyFile),
    ({ body }) => {
      delivered.push(JSON.parse(body) as Finding) // the sink's format is `finding`
      news()
    },
  )
  const buckets = ready.buckets.map((bucket) => `${bucket}.s3.${REGION}.amazonaws.com`)
  const names = [...ready.hosts, ...buckets].map((name) => [`${name}:443`, target(ready.port)] as const)
  const routes = new Map([...names, ...account.imposters, [`${WEBHOOK}:443`, target(receiver.port)]])
  const parent = await startParent(dir, routes, {
    log: (lines) => appendFileSync(join(dir, 'parent', 'log.ndjson'), lines),
    stored(name) {
      stored.push(name)
      news()
    },
  })
  parent.tell(lie)

  async function storedIds(): Promise<ReadonlySet<string>> {
    const folder = join(dir, 'parent', 'blobs')
    const here = (await readdir(folder)).filter((name) => name.startsWith('alerts-'))
    const s3 = openS3Ledger(
      { ...account.access, credentials: account.auditor },
      { bucket: LEDGER_BUCKET, prefix: `host-${n}/` },
    )
    const objects = await Promise.all([
      ...here.map((name) => readFile(join(folder, name))),
      ...(await s3.list('alerts-')).map((name) => s3.get(name)),
    ])
    return new Set(objects.flatMap((object) => eventIds(account, object ?? new Uint8Array())))
  }

  async function send({ id, body }: { readonly id: string; readonly body: string }): Promise<string> {
    sent.set(id, body)
    await cloud.send(body)
    return id
  }

  return {
    dir,
    parent,
    cloud,
    logs,
    delivered,
    judged,
    stored,
    until,
    async boot(over = {}, config = {}) {
      const dialServices = () => dial(parent.services, DIAL_TIMEOUT_MS)
      const parentLog = openParentLog(openParent(dialServices, LIMITS.parent))
      const log: Log = (level, code, fields = {}) => {
        parentLog(level, code, fields)
        logs.push({ level, code, fields })
        news()
      }
      const ingress = { kind: 'unix', path: join(dir, `16_844${running.size}.sock`) } as const
      let close: () => void = () => {}
      const abort = new AbortController()
      const surroundings: Surroundings = {
        device: account.device,
        kernel: { addEntropy: async () => {}, verifyClockSource: async () => {} },
        dialEgress: () => dial(parent.egress, DIAL_TIMEOUT_MS),
        dialServices,
        async listen(server) {
          await serve(ingress, server)
          close = () => void server.close()
        },
        tlsRoots: account.roots,
        config: Buffer.from(JSON.stringify(configuration(n, config))), // YAML has all of JSON
        rules: RULES,
        streams: { console: nowhere(), ndjson: nowhere() },
        clock: { now: Date.now },
        log,
        observe(finding) {
          judged.push(finding)
          news()
        },
        limits: LIMITS,
        ...over,
      }
      const enclave = await boot(surroundings, abort.signal).catch((error: unknown) => {
        close()
        throw error
      })
      const ended = enclave(abort.signal).then(
        () => undefined,
        (error: unknown) => (abort.signal.aborted ? undefined : error),
      )
      const self: Running = {
        ingress,
        ended,
        async stop() {
          abort.abort()
          close()
          await ended
        },
      }
      running.add(self)
      return self
    },
    send,
    drift: (repository) => send(makeMutable(repository, contractor, 'aws-cli/2.17.0')),
    async aftermath() {
      await parent.remember()
      const secrets = [FIRST_STATE, ...sent.values()].flatMap(stringsOf)
      // The names of the hosts that the enclave talks to are no secret: every CONNECT has one.
      const isPublic = (value: string) => [...routes.keys()].some((authority) => authority.includes(value))
      const values = [...account.keys, ...secrets.filter((value) => !isPublic(value))]
      const { hits } = await searchPlaintext(join(dir, 'parent'), values)
      const ids = await storedIds()
      const missing = [...sent.keys()].filter((id) => !ids.has(id)).length
      return { leaked: hits, lost: Math.max(0, missing - (await cloud.depth())) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map((enclave) => enclave.stop()))
      await parent[Symbol.asyncDispose]()
      await receiver.close()
      cloud.close()
    },
  }
}

export const makeMutable = (repositoryName: string, identity: object, userAgent: string) =>
  ecrEvent('PutImageTagMutability', identity, userAgent, { repositoryName, imageTagMutability: 'MUTABLE' })

const contractor = {
  type: 'IAMUser',
  arn: 'arn:aws:iam::111122223333:user/contractor',
  accountId: '111122223333',
  userName: 'contractor',
}

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })

function eventIds(account: Account, object: Uint8Array): readonly string[] {
  try {
    const { plaintext } = open(account.ring, { environment: 'local', purpose: 'alert', stream: 'alerts' }, object)
    return (JSON.parse(Buffer.from(plaintext).toString()) as Finding[]).map(({ eventId }) => eventId) // sealed by us
  } catch (error) {
    if (error instanceof SealingError) return []
    throw error
  }
}
