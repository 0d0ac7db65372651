import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, styleText } from 'node:util'
import type { Finding, OutcomeName } from '../enclave/core/finding.ts'
import { toPerson } from '../enclave/core/render.ts'
import { attestIngress } from './attest.ts'
import type { Told } from './enclave.ts'
import { tryAsHost } from './host.ts'
import { enclaveRole } from './principals.ts'
import { searchPlaintext, stringsOf } from './search.ts'
import { startStack, STATE, type Stack } from './stack.ts'
import { FIRST_STATE, story, type Chapter } from './story.ts'

const USAGE = `npm start [-- options]

Runs the whole of DriftSeal on this machine: security module, AWS, parent-proxy and enclave, each a process of its own.

  --once       end after the story
  --dir DIR    keep everything in this folder (short: it holds sockets); without it a temporary one is removed at the end
  --help       this text
`

const OUTCOME_TIMEOUT_MS = 20_000
/** These are not alerts, so the console sink of the enclave does not show them. */
const QUIET: ReadonlySet<OutcomeName> = new Set(['ignored', 'expected'])

const say = (text = ''): void => void process.stdout.write(`${text}\n`)
const title = (text: string): void => say(`\n${styleText('bold', text)}`)
const quiet = (text: string): void => say(styleText('dim', text))
const indent = (text: string): string => text.replace(/^/gm, '  ')

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { once: { type: 'boolean' }, dir: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help === true) {
    say(USAGE)
    return 0
  }
  const dir = values.dir === undefined ? await mkdtemp(join(tmpdir(), 'driftseal-')) : resolve(values.dir)
  if (values.dir !== undefined) await mkdir(dir, { recursive: true })

  const interrupted = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.resolve())

  const watch = createWatch()
  const began = performance.now()
  let stack: Stack | undefined
  try {
    title('Starting: security module, AWS, parent-proxy, enclave')
    stack = await startStack({ dir, ...watch.hooks })
    say(`  up in ${seconds(performance.now() - began)}`)
    await Promise.race([tell(stack, watch), interrupted.promise])
    if (values.once !== true) {
      quiet('\nRunning until Ctrl-C.')
      await interrupted.promise
    }
    return 0
  } finally {
    await stack?.stop()
    if (values.dir === undefined) await rm(dir, { recursive: true, force: true })
    else quiet(`\nEverything that was written is in ${dir}.`)
  }
}

/** The story: who the enclave is, what happens in the account, what the host got to see of it. */
async function tell(stack: Stack, watch: Watch): Promise<void> {
  await showIdentity(stack)
  const documents = [FIRST_STATE]
  for (const chapter of story) {
    documents.push(await play(chapter, stack, watch))
    if (chapter.newState !== undefined) documents.push(chapter.newState)
  }
  await showHost(stack, documents.flatMap(stringsOf))
}

async function showIdentity(stack: Stack): Promise<void> {
  title('Who answers at the ingress?')
  const { document, authority = '' } = await attestIngress(stack.ingressPort, {
    root: await readFile(stack.nsmRoot),
    pcr0: stack.pcr0,
    config: await readFile(stack.config),
  })
  say(`  https://127.0.0.1:${stack.ingressPort}: ${document.moduleId}, attested for this connection just now`)
  say(`  PCR0 ${stack.pcr0}`)
  const { subject, fingerprint256 } = new X509Certificate(authority)
  say(`  its CA, bound in the same document: ${subject}, SHA-256 ${fingerprint256.replaceAll(':', '').toLowerCase()}`)
  say(`  AWS takes it for ${enclaveRole.role}, which the host cannot become:`)
  for (const { what, answer } of await tryAsHost(stack)) {
    if (answer === 'allowed') throw new Error(`the host may ${what}`)
    say(`    ${what} with the host's credentials: ${styleText('green', answer)}`)
  }
}

/** Lets it happen and waits for what becomes of it; gives back the record. */
async function play({ title: what, event, newState }: Chapter, { cloud }: Stack, watch: Watch): Promise<string> {
  title(`${what[0]?.toUpperCase()}${what.slice(1)}`)
  const sent = performance.now()
  const { id, body } = event()
  await cloud.send(body)
  if (newState !== undefined) await cloud.putState(STATE.bucket, STATE.key, newState)
  const finding = await watch.outcomeOf(id)
  if (QUIET.has(finding.outcome)) say(indent(toPerson(finding, { colour: process.stdout.isTTY })))
  else {
    await watch.deliveryOf(id)
    const ms = Math.round(performance.now() - sent)
    quiet(`  sealed, stored, delivered: its receiver had checked the signature ${ms} ms after the call`)
  }
  return body
}

async function showHost(stack: Stack, values: readonly string[]): Promise<void> {
  title('What does the host have of all this?')
  const search = await searchPlaintext(stack.parentDir, values)
  say(`  sealed objects and the log: ${stack.parentDir}`)
  say(
    `  searched: ${search.files} files, ${search.bytes} bytes, for ${search.needles} forms of what the states and events hold`,
  )
  if (search.hits.length > 0) throw new Error(`found in the clear: ${search.hits.join(', ')}`)
  say(`  found: ${styleText('green', 'none')}`)
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

interface Watch {
  readonly hooks: {
    onTold(told: Told): void
    onConsole(line: string): void
    onDelivery(delivery: { body: string }): void
  }
  outcomeOf(eventId: string): Promise<Finding>
  deliveryOf(eventId: string): Promise<void>
}

/** Shows the enclave's phases and its console as they come, and remembers what came of which event. */
function createWatch(): Watch {
  const outcomes = new Map<string, PromiseWithResolvers<Finding>>()
  const deliveries = new Map<string, PromiseWithResolvers<void>>()
  const PHASES: Readonly<Record<string, string>> = {
    'boot.device': 'attested: the security module answers, PCR0 is not that of a debug enclave',
    'boot.identity': 'identity: a key for KMS to answer to, a key for TLS',
    'boot.keys': 'unwrapped: KMS verified the attestation and released the data key and the CA key to this image',
    'boot.ingress': 'ingress: TLS 1.3 that ends inside, attested for whoever asks',
    'session.opened': 'trusted: attested and registered, its CA gets it a session of its own role',
    'ledger.opened': 'ledger opened: what the parent and S3 have of it fits together',
    'boot.state': 'state loaded: from S3, with credentials that the host does not have',
    'boot.serving': 'serving: events are judged',
  }
  /** On the first start AWS does not trust the CA yet: this is what waiting for a person looks like. */
  const FIRST_START: Readonly<Record<string, string>> = {
    'session.refused': 'its CA is not registered yet, so AWS gives it neither ledger, states nor events',
    'ledger.open.failed': '',
  }
  let waiting = true
  const shown = new Set<string>()
  return {
    hooks: {
      onTold(told) {
        if (told.kind === 'finding') entry(outcomes, told.finding.eventId).resolve(told.finding)
        else if (told.code in PHASES) {
          if (shown.has(told.code)) return
          shown.add(told.code)
          const { ms } = told.fields
          say(`  ${styleText('green', '✓')} ${PHASES[told.code]}${typeof ms === 'number' ? ` (${ms} ms)` : ''}`)
          if (told.code === 'session.opened') waiting = false
        } else if (waiting && told.code in FIRST_START) {
          if (FIRST_START[told.code]) quiet(`  … ${FIRST_START[told.code]}`)
        } else if (told.level !== 'info') say(`  ${told.level}: ${told.code} ${JSON.stringify(told.fields)}`)
      },
      onConsole(line) {
        if (line !== 'ready') say(`  ${line}`)
      },
      onDelivery({ body }) {
        entry(deliveries, (JSON.parse(body) as Finding).eventId).resolve()
      },
    },
    outcomeOf: (eventId) => within(entry(outcomes, eventId).promise),
    deliveryOf: (eventId) => within(entry(deliveries, eventId).promise),
  }
}

function entry<T>(waiting: Map<string, PromiseWithResolvers<T>>, id: string): PromiseWithResolvers<T> {
  const known = waiting.get(id) ?? Promise.withResolvers<T>()
  waiting.set(id, known)
  return known
}

async function within<T>(promise: Promise<T>): Promise<T> {
  const late = new AbortController()
  const timeout = sleep(OUTCOME_TIMEOUT_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no outcome within ${seconds(OUTCOME_TIMEOUT_MS)}`)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    late.abort()
    timeout.catch(() => {})
  }
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`\nnpm start: ${error instanceof Error ? error.message : 'failed'}\n`)
  return 1
})
