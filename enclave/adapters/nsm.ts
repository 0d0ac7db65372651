import { Encoder } from 'cbor-x'
import { type Cbor, type CborMap, decodeCbor } from '../attestation/cbor.ts'
import type { Nsm } from '../ports.ts'

/** One request and its response, both CBOR: the ioctl of /dev/nsm, or what stands in for it. */
export type NsmDevice = (request: Uint8Array) => Promise<Uint8Array>

/** The driver's buffers (linux, drivers/misc/nsm.c). A response is cut to the buffer, so it is always this large. */
export const MAX_REQUEST = 0x1000
export const MAX_RESPONSE = 0x3000

const PCR_BYTES = 48
const MAX_RANDOM_BYTES = 256

/** The device's error values, and two of our own: `device` is no answer at all, `malformed` one that is none. */
const ERRORS = {
  InvalidArgument: 'invalid-argument',
  InvalidIndex: 'invalid-index',
  InvalidResponse: 'invalid-response',
  ReadOnlyIndex: 'read-only-index',
  InvalidOperation: 'invalid-operation',
  BufferTooSmall: 'buffer-too-small',
  InputTooLarge: 'input-too-large',
  InternalError: 'internal-error',
} as const
export type NsmErrorCode = (typeof ERRORS)[keyof typeof ERRORS] | 'device' | 'malformed'

/** The security module refused, failed, or answered what it should not. */
export class NsmError extends Error {
  readonly code: NsmErrorCode
  constructor(code: NsmErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

const encoder = new Encoder({ useRecords: false, tagUint8Array: false, variableMapSize: true })

/** Speaks the device's CBOR: a command is a text, or a map from its name to its parameters. */
export function openNsm(device: NsmDevice): Nsm {
  return {
    async describe() {
      const fields = await ask('DescribeNSM')
      if (fields.get('digest') !== 'SHA384') malformed('digest is not "SHA384"')
      const version = ['version_major', 'version_minor', 'version_patch'].map((name) => integer(fields.get(name), name))
      const locked = fields.get('locked_pcrs')
      if (!Array.isArray(locked)) malformed('locked_pcrs is not a list')
      return {
        moduleId: text(fields, 'module_id'),
        version: version.join('.'),
        maxPcrs: integer(fields.get('max_pcrs'), 'max_pcrs'),
        lockedPcrs: (locked as readonly Cbor[]).map((index) => integer(index, 'locked_pcrs')), // checked above
      }
    },
    async attest({ nonce = null, userData = null, publicKey = null }) {
      const parameters = { user_data: userData, nonce, public_key: publicKey }
      return bytes(await ask('Attestation', parameters), 'document', 1, MAX_RESPONSE)
    },
    async pcr(index) {
      return bytes(await ask('DescribePCR', { index }), 'data', PCR_BYTES, PCR_BYTES)
    },
    async extend(index, data) {
      return bytes(await ask('ExtendPCR', { index, data }), 'data', PCR_BYTES, PCR_BYTES)
    },
    async lock(index) {
      await ask('LockPCR', { index })
    },
    async random() {
      return bytes(await ask('GetRandom'), 'random', 1, MAX_RANDOM_BYTES)
    },
  }

  async function ask(command: string, parameters?: Readonly<Record<string, unknown>>): Promise<CborMap> {
    const request = encoder.encode(parameters === undefined ? command : { [command]: parameters })
    if (request.length > MAX_REQUEST) throw new NsmError('input-too-large', `${command} is over ${MAX_REQUEST} bytes`)
    const response = await device(request).catch((cause: unknown) => {
      throw new NsmError('device', `no answer from the security module to ${command}`, cause)
    })
    return parseResponse(response, command)
  }
}

function parseResponse(response: Uint8Array, command: string): CborMap {
  if (response.length > MAX_RESPONSE) malformed(`${command}: over ${MAX_RESPONSE} bytes`)
  const decoded = decodeCbor(response, 'either', (why) => malformed(`${command}: ${why}`))
  if (decoded === command) return new Map() // done, and nothing to say about it
  const answer =
    decoded instanceof Map && decoded.size === 1 ? (decoded as CborMap) : malformed(`${command}: not a map of one`)
  const error = answer.get('Error')
  if (error !== undefined) throw new NsmError(errorCode(error), `the security module refused ${command}`)
  const fields = answer.get(command)
  return fields instanceof Map ? fields : malformed(`${command}: an answer to another command`)
}

function errorCode(value: Cbor): NsmErrorCode {
  for (const [name, code] of Object.entries(ERRORS)) if (name === value) return code
  return malformed('an error that the device does not have')
}

function bytes(fields: CborMap, name: string, least: number, most: number): Uint8Array {
  const value = fields.get(name)
  if (value instanceof Uint8Array && value.length >= least && value.length <= most) return value
  return malformed(`${name} is not ${least} to ${most} bytes`)
}

function integer(value: Cbor | undefined, name: string): number {
  return typeof value === 'number' && value >= 0 ? value : malformed(`${name} is not a number`)
}

function text(fields: CborMap, name: string): string {
  const value = fields.get(name)
  return typeof value === 'string' && value.length > 0 ? value : malformed(`${name} is not a text`)
}

function malformed(what: string): never {
  throw new NsmError('malformed', `the security module's answer cannot be read: ${what}`)
}
