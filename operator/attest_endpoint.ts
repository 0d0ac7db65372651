import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { AttestationError } from '../enclave/attestation/verify.ts'
import { defined } from '../enclave/core/json.ts'
import { addPcr } from './arguments.ts'
import { readRoot } from './attest_verify.ts'
import { readSmall } from './binary.ts'
import { documentJson, documentRows, table } from './document_text.ts'
import { attestEndpoint, type Attested, EndpointError, type Expected } from '../deploy/endpoint.ts'
import { InputError, reading } from './inputs.ts'
import type { Terminal } from './replay_command.ts'
import { verdict } from './verdict.ts'

const REJECTED = 3
const EXIT_CODES = '\nExit code: 0 valid, 3 rejected (the output names the check that failed), 1 error.'

interface Options {
  readonly pcr0: Expected['pcr0']
  readonly config?: string
  readonly caOut?: string
  readonly root?: string
  readonly json?: true
}

/** `driftseal attest endpoint`. */
export function endpointCommand(terminal: Terminal, exit: (code: number) => void): Command {
  return new Command('endpoint')
    .description('Ask a running enclave to prove which image it is, and fetch the CA that AWS is to trust')
    .argument('<url>', 'where it answers, such as https://10.20.30.40:8443', parseUrl)
    .requiredOption('--pcr0 <hex...>', 'the images that you accept, as "driftseal eif measure" prints them', addPcr)
    .option('--config <file>', 'the configuration that it must run; without it, its digest is shown')
    .option('--ca-out <file>', 'where to write its CA certificate, for enclave_trust_anchor_pem')
    .option('--root <file>', "another root than AWS's, in DER or PEM, for the local stack")
    .option('--json', 'one JSON object')
    .addHelpText('after', EXIT_CODES)
    .action(async (url: URL, options: Options) => exit(await run(url, options, terminal)))
}

async function run(url: URL, options: Options, terminal: Terminal): Promise<number> {
  const config = options.config === undefined ? undefined : await readSmall(options.config)
  const expected = defined<Expected>({ root: await readRoot(options.root), pcr0: options.pcr0, config })
  try {
    const attested = await attestEndpoint(url, expected)
    await writeAuthority(attested, options)
    const lines = options.json ? [jsonOf(attested)] : personOf(attested, url, options, terminal)
    for (const line of lines) terminal.out(line)
    return 0
  } catch (error) {
    if (error instanceof EndpointError) throw new InputError(error.message, { cause: error })
    if (!(error instanceof AttestationError)) throw error
    const { code, message } = error
    if (options.json) terminal.out(JSON.stringify({ valid: false, code, reason: message }))
    else for (const line of [verdict('REJECTED', `${code}  ${url.host}`, terminal), `  ${message}`]) terminal.out(line)
    return REJECTED
  }
}

async function writeAuthority({ authority }: Attested, { caOut }: Options): Promise<void> {
  if (caOut === undefined) return
  if (authority === undefined)
    throw new InputError('this enclave runs in host mode and has no CA: give its configuration an "identity"')
  // Made new from what was checked: nothing that may stand around a certificate in PEM comes along.
  await reading(caOut, () => writeFile(caOut, new X509Certificate(authority).toString()))
}

function jsonOf({ document, config, authority }: Attested): string {
  const ca = authority === undefined ? null : fingerprint(authority)
  return JSON.stringify({
    valid: true,
    code: null,
    configSha256: config.toHex(),
    caSha256: ca,
    document: documentJson(document),
  })
}

function personOf(attested: Attested, url: URL, options: Options, terminal: Terminal): readonly string[] {
  const { document, config, authority, tlsKey } = attested
  return [
    verdict('VALID', url.host, terminal),
    ...table([
      ...documentRows(document),
      ['TLS key', `SHA-256 ${tlsKey.toHex()}, the one that answers here`],
      ['config', `SHA-256 ${config.toHex()}${options.config === undefined ? ', as PCR0 has it' : ', yours'}`],
      ['CA', authority === undefined ? 'none: host mode' : `SHA-256 ${fingerprint(authority)}`],
      ...(options.caOut === undefined ? [] : [['written', options.caOut] as const]),
    ]),
  ]
}

const fingerprint = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'https:' && url.hostname !== '') return url
  throw new InvalidArgumentError('Expected an address such as https://10.20.30.40:8443.')
}
