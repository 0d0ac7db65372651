import { X509Certificate } from 'node:crypto'
import { Command } from 'commander'
import { parseDocument } from '../enclave/attestation/document.ts'
import { nitroRoot } from '../enclave/attestation/root.ts'
import { AttestationError, type Policy, verifyDocument } from '../enclave/attestation/verify.ts'
import { defined } from '../enclave/core/json.ts'
import { addPcr, parseHex, parsePcr, parseSeconds, parseTime } from './arguments.ts'
import { parsed, readBinary, readSmall } from './binary.ts'
import { documentJson, documentRows, type Row, table, timeOf } from './document_text.ts'
import type { Terminal } from './replay_command.ts'
import { verdict } from './verdict.ts'

const REJECTED = 3
const EXIT_CODES = '\nExit code: 0 valid, 3 rejected (the output names the check that failed), 1 error.'
const PINS = [1, 2, 3, 4, 8] as const

interface Options extends Partial<Record<`pcr${(typeof PINS)[number]}`, string>> {
  readonly at?: Date
  readonly pcr0: [string, ...string[]]
  readonly nonce?: Uint8Array
  readonly userData?: Uint8Array
  readonly publicKey?: Uint8Array
  readonly maxAge?: number
  readonly root?: string
  readonly json?: true
}

/** `driftseal attest verify`. */
export function verifyCommand(terminal: Terminal, exit: (code: number) => void): Command {
  const command = new Command('verify')
    .description('Tell whether an attestation document is genuine, and of the image that you name')
    .argument('<file>', 'the document, raw or in base64')
    .option('--at <time>', 'the time to verify at, such as 2026-01-15T12:00:00Z; the present if absent', parseTime)
    .requiredOption('--pcr0 <hex...>', 'the images that you accept, as "driftseal eif measure" prints them', addPcr)
  for (const index of PINS) command.option(`--pcr${index} <hex>`, `what PCR${index} must be`, parsePcr)
  return command
    .option('--nonce <hex>', 'the nonce that you asked with', parseHex)
    .option('--user-data <hex>', 'what user_data must be', parseHex)
    .option('--public-key <hex>', 'what public_key must be', parseHex)
    .option('--max-age <seconds>', 'how old the document may be', parseSeconds)
    .option('--root <file>', "another root than AWS's, in DER or PEM, for the local stack")
    .option('--json', 'one JSON object')
    .addHelpText('after', EXIT_CODES)
    .action(async (file: string, options: Options) => exit(await verify(file, options, terminal)))
}

async function verify(file: string, options: Options, terminal: Terminal): Promise<number> {
  const [bytes, root] = [await readBinary(file), await readRoot(options.root)]
  const policy = policyOf(options, root)
  const say = (lines: readonly string[]) => lines.forEach((line) => terminal.out(line))
  const at = policy.at.toISOString()
  try {
    const document = verifyDocument(bytes, policy)
    const result = { valid: true, code: null, at, checked: checkedBy(policy), document: documentJson(document) }
    if (options.json) say([JSON.stringify(result)])
    else say([verdict('VALID', file, terminal), ...table([...documentRows(document), ...policyRows(policy)])])
    return 0
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error
    const { code, message } = error
    if (options.json) say([JSON.stringify({ valid: false, code, reason: message, at })])
    else say([verdict('REJECTED', `${code}  ${file}`, terminal), `  ${message}`, ...hint(error, bytes, options)])
    return REJECTED
  }
}

/** An archived document has expired within three hours: who verifies it later has to say as of when. */
function hint({ code }: AttestationError, bytes: Uint8Array, { at }: Options): readonly string[] {
  if (code !== 'expired' || at !== undefined) return []
  const made = timeOf(parseDocument(bytes)) // what has expired was readable
  return [`  it says that it was made at ${made}; --at verifies it as of another time`]
}

function policyOf(options: Options, root: Uint8Array): Policy {
  const { at = new Date(), pcr0, nonce, userData, publicKey, maxAge } = options
  const pcrs = Object.fromEntries(
    PINS.flatMap((index) => (options[`pcr${index}`] === undefined ? [] : [[index, options[`pcr${index}`]]])),
  ) as Policy['pcrs'] // its keys are those of PINS
  const maxAgeMs = maxAge === undefined ? undefined : maxAge * 1000
  return defined<Policy>({ root, at, pcr0, pcrs, nonce, userData, publicKey, maxAgeMs })
}

function checkedBy({ pcrs = {}, nonce, userData, publicKey, maxAgeMs }: Policy): readonly string[] {
  const bound = { nonce, 'user data': userData, 'public key': publicKey, age: maxAgeMs }
  const named = Object.entries(bound).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  return ['chain', 'signature', 'PCR0', ...Object.keys(pcrs).map((index) => `PCR${index}`), ...named]
}

/** What was not asked for was not checked, and a person should see that too. */
function policyRows(policy: Policy): readonly Row[] {
  const checked = checkedBy(policy)
  const left = ['PCR1', 'PCR2', 'nonce', 'user data', 'public key', 'age'].filter((name) => !checked.includes(name))
  const isAws = Buffer.compare(policy.root, nitroRoot) === 0
  return [
    ['root', isAws ? 'AWS Nitro Enclaves G1' : 'the one that you gave: not one of AWS'],
    ['as of', policy.at.toISOString()],
    ['checked', checked.join(', ')],
    ...(left.length === 0 ? [] : [['not checked', left.join(', ')] as const]),
  ]
}

/** The root that documents must chain to: AWS's, unless another is named. */
export async function readRoot(file: string | undefined): Promise<Uint8Array> {
  if (file === undefined) return nitroRoot
  const bytes = await readSmall(file)
  return parsed(file, 'not a certificate in DER or PEM', () => new X509Certificate(bytes).raw)
}
