import { createHash, randomBytes } from 'node:crypto'
import { type Cbor, type CborMap, decodeCbor } from '../../enclave/attestation/cbor.ts'
import { MAX_REQUEST, type NsmDevice } from '../../enclave/adapters/nsm.ts'
import { createChain, createRoot } from './chain.ts'
import { cbor, encodePayload, signDocument } from './documents.ts'

export interface NsmSettings {
  /** Lower-case hex, as are the others. */
  readonly pcr0: string
  /** Registers besides PCR0; the rest is zero. */
  readonly pcrs?: Readonly<Record<number, string>>
  readonly moduleId?: string
  readonly now: () => number
}

/** A Nitro security module in software. Its documents are real in all but who vouches for them. */
export interface SoftwareNsm {
  readonly rootDer: Uint8Array
  readonly request: NsmDevice
}

type Refusal = 'InvalidArgument' | 'InvalidIndex' | 'ReadOnlyIndex' | 'InvalidOperation' | 'InputTooLarge'
/** What the device answers: a bare text, or a map with one entry. */
type Answer = string | Readonly<Record<string, unknown>>
interface Register {
  value: Uint8Array
  locked: boolean
}

const PCRS = 32
const PCR_BYTES = 48
/** Measured and locked by the hypervisor before the enclave runs. */
const LOCKED_AT_BOOT = 16
const RANDOM_BYTES = 256
/** What a document may carry for the enclave, in the order in which it does, and the most bytes of each. */
const OPTIONALS = [
  ['public_key', 1024],
  ['user_data', 512],
  ['nonce', 512],
] as const
const MAX_EXTEND = 512
/** A leaf is not used to its last moment: whoever gets the document has to verify it in time. */
const LEAF_MARGIN_MS = 15 * 60_000
const MODULE_ID = 'i-0123456789abcdef0-enc0123456789abcdef'

export async function createSoftwareNsm(settings: NsmSettings): Promise<SoftwareNsm> {
  const { now, moduleId = MODULE_ID } = settings
  const registers = createRegisters(settings)
  const root = await createRoot(now())
  let chain = await createChain(root, moduleId, now())
  return { rootDer: root.certificate, request: async (bytes) => cbor.encode(await answer(bytes)) }

  async function answer(bytes: Uint8Array): Promise<Answer> {
    if (bytes.length > MAX_REQUEST) return refused('InputTooLarge')
    const { command, parameters } = parseRequest(bytes)
    switch (command) {
      case 'DescribeNSM':
        return describe()
      case 'DescribePCR':
        return register(parameters, ({ locked, value }) => ({ DescribePCR: { lock: locked, data: value } }))
      case 'ExtendPCR':
        return register(parameters, (pcr) => extend(pcr, parameters.get('data')))
      case 'LockPCR':
        return register(parameters, lock)
      case 'LockPCRs':
        return lockRange(parameters.get('range'))
      case 'GetRandom':
        return { GetRandom: { random: randomBytes(RANDOM_BYTES) } }
      case 'Attestation':
        return attest(parameters)
      default:
        return refused('InvalidOperation')
    }
  }

  function describe(): Answer {
    const version = { version_major: 1, version_minor: 0, version_patch: 0 }
    const locked = [...lockedPcrs().keys()]
    return { DescribeNSM: { ...version, module_id: moduleId, max_pcrs: PCRS, locked_pcrs: locked, digest: 'SHA384' } }
  }

  function register(parameters: CborMap, act: (register: Register) => Answer): Answer {
    const index = parameters.get('index')
    if (typeof index !== 'number') return refused('InvalidArgument')
    const found = registers[index]
    return found === undefined ? refused('InvalidIndex') : act(found)
  }

  function lockRange(range: Cbor | undefined): Answer {
    if (typeof range !== 'number') return refused('InvalidArgument')
    if (range < 0 || range > PCRS) return refused('InvalidIndex')
    for (const pcr of registers.slice(0, range)) pcr.locked = true
    return 'LockPCRs'
  }

  async function attest(parameters: CborMap): Promise<Answer> {
    const optionals = []
    for (const [name, most] of OPTIONALS) {
      const value = parameters.get(name) ?? null
      if (value !== null && !(value instanceof Uint8Array)) return refused('InvalidArgument')
      if (value !== null && value.length > most) return refused('InputTooLarge')
      optionals.push([name, value] as const)
    }
    if (now() > chain.notAfter - LEAF_MARGIN_MS) chain = await createChain(root, moduleId, now())
    const payload = encodePayload([
      ['module_id', moduleId],
      ['digest', 'SHA384'],
      ['timestamp', BigInt(now())], // a plain number of this size is written as a float
      ['pcrs', lockedPcrs()],
      ['certificate', chain.certificate],
      ['cabundle', chain.cabundle],
      ...optionals,
    ])
    return { Attestation: { document: signDocument(payload, chain.key) } }
  }

  function lockedPcrs(): ReadonlyMap<number, Uint8Array> {
    return new Map([...registers.entries()].flatMap(([i, { locked, value }]) => (locked ? [[i, value] as const] : [])))
  }
}

function createRegisters({ pcr0, pcrs = {} }: NsmSettings): readonly Register[] {
  const initial = new Map([[0, pcr0], ...Object.entries(pcrs).map(([index, hex]) => [Number(index), hex] as const)])
  return Array.from({ length: PCRS }, (_, index) => {
    const hex = initial.get(index)
    const value = hex === undefined ? new Uint8Array(PCR_BYTES) : Uint8Array.fromHex(hex)
    if (value.length !== PCR_BYTES) throw new RangeError(`PCR${index} has ${value.length} bytes; it takes ${PCR_BYTES}`)
    return { value, locked: index < LOCKED_AT_BOOT }
  })
}

function extend(pcr: Register, data: Cbor | undefined): Answer {
  if (!(data instanceof Uint8Array) || data.length === 0) return refused('InvalidArgument')
  if (data.length > MAX_EXTEND) return refused('InputTooLarge')
  if (pcr.locked) return refused('ReadOnlyIndex')
  pcr.value = createHash('sha384').update(pcr.value).update(data).digest()
  return { ExtendPCR: { data: pcr.value } }
}

function lock(pcr: Register): Answer {
  if (pcr.locked) return refused('ReadOnlyIndex')
  pcr.locked = true
  return 'LockPCR'
}

/** Commands without parameters come as a text, the others as a map from the command to its parameters. */
function parseRequest(bytes: Uint8Array): { command: string; parameters: CborMap } {
  const request = decoded(bytes)
  if (typeof request === 'string') return { command: request, parameters: new Map() }
  const [command, parameters] = request instanceof Map && request.size === 1 ? [...(request as CborMap)].flat() : []
  if (typeof command !== 'string' || !(parameters instanceof Map)) return { command: '', parameters: new Map() }
  return { command, parameters }
}

function decoded(bytes: Uint8Array): Cbor | undefined {
  try {
    return decodeCbor(bytes, 'either', (why) => {
      throw new TypeError(why)
    })
  } catch {
    return undefined
  }
}

const refused = (reason: Refusal): Answer => ({ Error: reason })
