import { type KeyObject, verify } from 'node:crypto'
import { verifyChain } from './chain.ts'
import { type AttestationDocument, parseDocument } from './document.ts'
import { type AttestationCode, AttestationError } from './error.ts'

export { AttestationError }

declare const verified: unique symbol
/** A document that held against a policy. Minted by `verifyDocument` alone. */
export type VerifiedDocument = AttestationDocument & { readonly [verified]: true }

/** What a document must be to be believed. What is not named is not checked, so the identity has to be named. */
export interface Policy {
  /** The pinned root certificate, DER: `nitroRoot`, or a stand-in's own. */
  readonly root: Uint8Array
  /** The time at which every certificate must be valid. */
  readonly at: Date
  /** The images that are accepted, in lower-case hex. Anyone's enclave has an AWS signature: this is what tells ours. */
  readonly pcr0: readonly [string, ...string[]]
  readonly pcrs?: Readonly<Partial<Record<1 | 2 | 3 | 4 | 8, string>>>
  readonly nonce?: Uint8Array
  readonly userData?: Uint8Array
  readonly publicKey?: Uint8Array
  /** How old the document itself may be at `at`. */
  readonly maxAgeMs?: number
}

/** How far the hypervisor's clock may be ahead of ours when the age is checked. */
const FUTURE_SKEW_MS = 30_000
const PCR_HEX = /^[0-9a-f]{96}$/

/** Proves who made a document, which image it was in and what it binds; throws an `AttestationError` otherwise. */
export function verifyDocument(bytes: Uint8Array, policy: Policy): VerifiedDocument {
  requirePolicy(policy)
  const document = parseDocument(bytes)
  const key = verifyChain(document, policy.root, policy.at)
  requireSignature(document, key)
  requireProduction(document)
  requirePcrs(document, policy)
  requireBinding('nonce', document.nonce, policy.nonce)
  requireBinding('user-data', document.userData, policy.userData)
  requireBinding('public-key', document.publicKey, policy.publicKey)
  requireFresh(document, policy)
  return document as VerifiedDocument // the mint: everything above held
}

/** A pin that could match nothing, or an empty list, is a mistake to be told and not a document to be refused. */
function requirePolicy({ pcr0, pcrs = {}, at, maxAgeMs = 0 }: Policy): void {
  if (pcr0.length === 0) refuse('policy', 'the policy names no PCR0: name at least one image')
  if (![...pcr0, ...Object.values(pcrs)].every((pin) => PCR_HEX.test(pin)))
    refuse('policy', 'the policy names a PCR that is not 96 characters of lower-case hex')
  if (Number.isNaN(at.getTime())) refuse('policy', 'the policy names no valid time')
  if (!(maxAgeMs >= 0)) refuse('policy', 'the policy names a maximum age that is not a number of milliseconds')
}

function requireSignature({ signed, signature }: AttestationDocument, key: KeyObject): void {
  if (!verify('sha384', signed, { key, dsaEncoding: 'ieee-p1363' }, signature))
    refuse('signature', 'the signature does not fit the payload and the certificate')
}

/** A debug enclave's console is open to its host, and its PCR0 is zero: whatever a policy says, it is never accepted. */
function requireProduction({ pcrs }: AttestationDocument): void {
  const pcr0 = pcrs.get(0)
  if (pcr0 === undefined) return refuse('pcr-missing', 'the document has no PCR0')
  if (pcr0.every((byte) => byte === 0)) refuse('debug-mode', 'PCR0 is zero: the enclave runs in debug mode')
}

function requirePcrs({ pcrs }: AttestationDocument, policy: Policy): void {
  const found = pcrHex(pcrs, 0)
  if (found === undefined || !policy.pcr0.includes(found))
    refuse('pcr0-mismatch', 'PCR0 is not that of an accepted image')
  for (const [index, pin] of Object.entries(policy.pcrs ?? {})) {
    const register = pcrHex(pcrs, Number(index))
    if (register === undefined) refuse('pcr-missing', `the document has no PCR${index}`)
    if (register !== pin) refuse('pcr-mismatch', `PCR${index} is not the one that the policy names`)
  }
}

function requireBinding(
  field: 'nonce' | 'user-data' | 'public-key',
  found: Uint8Array | null,
  expected: Uint8Array | undefined,
): void {
  if (expected === undefined) return
  if (found === null || Buffer.compare(found, expected) !== 0)
    refuse(`${field}-mismatch`, `the document's ${field} is not the expected one`)
}

function requireFresh({ timestamp }: AttestationDocument, { at, maxAgeMs }: Policy): void {
  if (maxAgeMs === undefined) return
  const age = at.getTime() - timestamp
  if (age > maxAgeMs) refuse('too-old', `the document is ${age} ms old; at most ${maxAgeMs} ms are accepted`)
  if (age < -FUTURE_SKEW_MS) refuse('from-the-future', `the document was made ${-age} ms after the present time`)
}

const pcrHex = (pcrs: AttestationDocument['pcrs'], index: number): string | undefined => pcrs.get(index)?.toHex()

function refuse(code: AttestationCode, why: string): never {
  throw new AttestationError(code, why)
}
