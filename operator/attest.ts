import { createPrivateKey } from 'node:crypto'
import { Command } from 'commander'
import { parseDocument } from '../enclave/attestation/document.ts'
import { openRecipient, RecipientError } from '../enclave/attestation/recipient.ts'
import { AttestationError } from '../enclave/attestation/verify.ts'
import { endpointCommand } from './attest_endpoint.ts'
import { verifyCommand } from './attest_verify.ts'
import { parsed, readBinary, readSmall } from './binary.ts'
import { chainRows, documentJson, documentRows, table } from './document_text.ts'
import type { Terminal } from './replay_command.ts'
import { verdict } from './verdict.ts'

const REFUSED = 3

type Exit = (code: number) => void

/** `driftseal attest`: what enclaves say of themselves, and whether it is true. */
export function attestCommand(terminal: Terminal, exit: Exit): Command {
  return new Command('attest')
    .description('Verify and read what an enclave says of itself, and open what KMS encrypted to it')
    .addCommand(verifyCommand(terminal, exit))
    .addCommand(endpointCommand(terminal, exit))
    .addCommand(showCommand(terminal, exit))
    .addCommand(openCommand(terminal, exit))
}

function showCommand(terminal: Terminal, exit: Exit): Command {
  return new Command('show')
    .description('Show what an attestation document says, without verifying any of it')
    .argument('<file>', 'the document, raw or in base64')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExit code: 0 shown, 3 not an attestation document, 1 error.')
    .action(async (file: string, { json }: { json?: true }) => exit(await show(file, json === true, terminal)))
}

function openCommand(terminal: Terminal, exit: Exit): Command {
  return new Command('open-recipient')
    .description('Open a CiphertextForRecipient of KMS and print its plaintext in hex')
    .argument('<file>', 'the ciphertext, raw or in base64')
    .requiredOption('--key <pem>', 'the RSA private key whose public key the document carried')
    .addHelpText('after', '\nExit code: 0 opened, 3 refused (the message names the check that failed), 1 error.')
    .action(async (file: string, { key }: { key: string }) => exit(await open(file, key, terminal)))
}

async function show(file: string, json: boolean, terminal: Terminal): Promise<number> {
  const bytes = await readBinary(file)
  return unlessRefused(AttestationError, terminal, () => {
    const document = parseDocument(bytes)
    if (json) return terminal.out(JSON.stringify({ verified: false, document: documentJson(document) }))
    terminal.out(verdict('NOT VERIFIED', file, terminal))
    terminal.out('  anyone can write such a file; "driftseal attest verify" tells whether it is true')
    for (const line of table([...documentRows(document), ...chainRows(document)])) terminal.out(line)
  })
}

async function open(file: string, keyFile: string, terminal: Terminal): Promise<number> {
  const [ber, pem] = [await readBinary(file), await readSmall(keyFile)]
  const key = parsed(keyFile, 'not a private key in PEM without a passphrase', () => createPrivateKey(pem))
  return unlessRefused(RecipientError, terminal, () => terminal.out(openRecipient(ber, key).toHex()))
}

/** Where the output is the content, a refusal must not be taken for it: it goes to the other stream. */
function unlessRefused(
  own: typeof AttestationError | typeof RecipientError,
  { err }: Pick<Terminal, 'err'>,
  act: () => void,
): number {
  try {
    act()
    return 0
  } catch (error) {
    if (!(error instanceof own)) throw error
    err(`refused: ${error.code}: ${error.message}\n`)
    return REFUSED
  }
}
