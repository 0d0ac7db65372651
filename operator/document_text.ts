import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import type { AttestationDocument } from '../enclave/attestation/document.ts'
import { plain } from '../enclave/core/render.ts'

/** Longer values are shown by their digest; the JSON has them whole. */
const MAX_SHOWN_BYTES = 64
const PRINTABLE = /^(?:[\n\t]|[^\p{C}\p{Zl}\p{Zp}])+$/u

/** A line of a table: what it is, and what it says. */
export type Row = readonly [name: string, value: string]

/** Two columns, the first as wide as its widest. */
export function table(rows: readonly Row[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}

/** What a document says, for programs. */
export function documentJson(document: AttestationDocument): object {
  return {
    moduleId: document.moduleId,
    timestamp: timeOf(document),
    pcrs: Object.fromEntries(Array.from(document.pcrs, ([index, value]) => [`PCR${index}`, value.toHex()])),
    publicKey: document.publicKey?.toHex() ?? null,
    userData: document.userData?.toHex() ?? null,
    nonce: document.nonce?.toHex() ?? null,
  }
}

/** What a document says, for people. All of it may be an attacker's words: nothing in it reaches the terminal unescaped. */
export function documentRows(document: AttestationDocument): readonly Row[] {
  const registers = [...document.pcrs].toSorted(([a], [b]) => a - b)
  const used = registers.filter(([index, value]) => index === 0 || value.some((byte) => byte !== 0))
  const zero = registers.filter((entry) => !used.includes(entry)).map(([index]) => String(index))
  return [
    ['module', plain(document.moduleId)],
    ['made', timeOf(document)],
    ...used.map(([index, value]) => [`PCR${index}`, value.toHex()] as const),
    ...(zero.length === 0 ? [] : [['zero', `PCR ${zero.join(', ')}`] as const]),
    ['public key', shownKey(document.publicKey)],
    ['user data', shown(document.userData)],
    ['nonce', shown(document.nonce)],
  ]
}

/** The certificates of a document, root first, with their periods. */
export function chainRows({ cabundle, certificate }: AttestationDocument): readonly Row[] {
  return [...cabundle, certificate].map((der, index) => [`certificate ${index}`, shownCertificate(der)])
}

/** When it was made, by its own account. */
export function timeOf({ timestamp }: AttestationDocument): string {
  const time = new Date(timestamp)
  return Number.isNaN(time.getTime()) ? `${timestamp} ms` : time.toISOString()
}

function shown(value: Uint8Array | null): string {
  if (value === null) return '(none)'
  const count = value.length === 1 ? '1 byte' : `${value.length} bytes`
  if (value.length > MAX_SHOWN_BYTES) return `${count}, SHA-256 ${createHash('sha256').update(value).digest('hex')}`
  const text = Buffer.from(value).toString('utf8')
  const readable = PRINTABLE.test(text) && Buffer.compare(Buffer.from(text), value) === 0
  return [count, value.toHex(), ...(readable ? [JSON.stringify(text)] : [])].join(', ')
}

/** KMS wants a DER public key here; others put what they like. */
function shownKey(value: Uint8Array | null): string {
  if (value === null) return '(none)'
  try {
    const key = createPublicKey({ key: Buffer.from(value), format: 'der', type: 'spki' })
    const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {}
    return `${key.asymmetricKeyType} ${modulusLength ?? namedCurve ?? ''}`.trim().concat(`, ${shown(value)}`)
  } catch {
    return shown(value)
  }
}

function shownCertificate(der: Uint8Array): string {
  try {
    const { subject, validFromDate, validToDate } = new X509Certificate(der)
    return `${plain(subject.replaceAll('\n', ', '))}, ${validFromDate.toISOString()} to ${validToDate.toISOString()}`
  } catch {
    return 'cannot be read'
  }
}
