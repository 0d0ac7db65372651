import { spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NsmError, openNsm } from '../../enclave/adapters/nsm.ts'
import { parseDocument } from '../../enclave/attestation/document.ts'
import { verifyDocument } from '../../enclave/attestation/verify.ts'
import { createSoftwareNsm, type SoftwareNsm } from '../../local/nsm/device.ts'
import { dialNsm } from '../../local/nsm/dial.ts'
import { cbor } from '../../local/nsm/documents.ts'

const PCR0 = 'c0'.repeat(48)
const PCR4 = 'c4'.repeat(48)
const START = Date.UTC(2026, 0, 15, 12)
const zeros = (length: number) => Buffer.alloc(length)

let now: number
let device: SoftwareNsm
beforeEach(async () => {
  now = START
  device = await createSoftwareNsm({ pcr0: PCR0, pcrs: { 4: PCR4 }, now: () => now })
})

const ask = async (request: unknown): Promise<unknown> => cbor.decode(await device.request(cbor.encode(request)))
const map = (command: string, parameters: Record<string, unknown>) =>
  new Map([[command, new Map(Object.entries(parameters))]])
const error = (reason: string) => new Map([['Error', reason]])

describe('the device', () => {
  test.each<[string, unknown, unknown]>([
    [
      'a locked register',
      { DescribePCR: { index: 0 } },
      map('DescribePCR', { lock: true, data: Buffer.from(PCR0, 'hex') }),
    ],
    [
      'a named register',
      { DescribePCR: { index: 4 } },
      map('DescribePCR', { lock: true, data: Buffer.from(PCR4, 'hex') }),
    ],
    ['a free register', { DescribePCR: { index: 16 } }, map('DescribePCR', { lock: false, data: zeros(48) })],
    ['a register too many', { DescribePCR: { index: 32 } }, error('InvalidIndex')],
    ['a register below zero', { DescribePCR: { index: -1 } }, error('InvalidIndex')],
    ['no register', { DescribePCR: {} }, error('InvalidArgument')],
    ['a register by name', { DescribePCR: { index: '0' } }, error('InvalidArgument')],
    [
      'extending a register',
      { ExtendPCR: { index: 16, data: zeros(3) } },
      map('ExtendPCR', { data: extended(zeros(3)) }),
    ],
    ['extending a locked register', { ExtendPCR: { index: 0, data: zeros(3) } }, error('ReadOnlyIndex')],
    ['extending a register too many', { ExtendPCR: { index: 32, data: zeros(3) } }, error('InvalidIndex')],
    ['extending with nothing', { ExtendPCR: { index: 16, data: zeros(0) } }, error('InvalidArgument')],
    ['extending with text', { ExtendPCR: { index: 16, data: 'a' } }, error('InvalidArgument')],
    ['extending with too much', { ExtendPCR: { index: 16, data: zeros(513) } }, error('InputTooLarge')],
    ['locking a register', { LockPCR: { index: 16 } }, 'LockPCR'],
    ['locking a locked register', { LockPCR: { index: 15 } }, error('ReadOnlyIndex')],
    ['locking a register too many', { LockPCR: { index: 32 } }, error('InvalidIndex')],
    ['locking all registers', { LockPCRs: { range: 32 } }, 'LockPCRs'],
    ['locking more registers than there are', { LockPCRs: { range: 33 } }, error('InvalidIndex')],
    ['locking registers by name', { LockPCRs: { range: 'all' } }, error('InvalidArgument')],
    ['a public key that is too long', attestation({ public_key: zeros(1025) }), error('InputTooLarge')],
    ['user data that is too long', attestation({ user_data: zeros(513) }), error('InputTooLarge')],
    ['a nonce that is too long', attestation({ nonce: zeros(513) }), error('InputTooLarge')],
    ['a nonce that is text', attestation({ nonce: 'nonce' }), error('InvalidArgument')],
    ['an unknown command', 'Reboot', error('InvalidOperation')],
    ['an unknown command with parameters', { Reboot: {} }, error('InvalidOperation')],
    ['two commands', { LockPCR: { index: 16 }, DescribePCR: { index: 16 } }, error('InvalidOperation')],
    ['a command that is a number', 1, error('InvalidOperation')],
    ['a command whose parameters are a list', { DescribePCR: [0] }, error('InvalidOperation')],
    ['a request over 4 KiB', zeros(4096), error('InputTooLarge')],
  ])('answers %s', async (_, request, answer) => {
    expect(await ask(request)).toEqual(answer)
  })

  test('answers what is no CBOR', async () => {
    expect(cbor.decode(await device.request(Uint8Array.of(0xff)))).toEqual(error('InvalidOperation'))
  })

  test('describes itself', async () => {
    const locked_pcrs = Array.from({ length: 16 }, (_, index) => index)
    const described = {
      version_major: 1,
      version_minor: 0,
      version_patch: 0,
      max_pcrs: 32,
      locked_pcrs,
      digest: 'SHA384',
    }
    const module_id = 'i-0123456789abcdef0-enc0123456789abcdef'
    expect(await ask('DescribeNSM')).toEqual(map('DescribeNSM', { ...described, module_id }))
  })

  test('makes 256 bytes of randomness, others each time', async () => {
    const [first, second] = [await ask('GetRandom'), await ask('GetRandom')]
    expect(first).toEqual(map('GetRandom', { random: expect.objectContaining({ length: 256 }) }))
    expect(second).not.toEqual(first)
  })

  test('puts a register into documents once it is locked, and keeps it as it is', async () => {
    const nsm = openNsm(device.request)
    await ask({ ExtendPCR: { index: 16, data: zeros(3) } })
    expect(parseDocument(await nsm.attest({})).pcrs.size).toBe(16)
    await ask({ LockPCRs: { range: 17 } })
    expect(
      parseDocument(await nsm.attest({}))
        .pcrs.get(16)
        ?.toHex(),
    ).toBe(extended(zeros(3)).toHex())
    expect(await ask({ ExtendPCR: { index: 16, data: zeros(3) } })).toEqual(error('ReadOnlyIndex'))
  })

  test('writes documents as the hardware does', async () => {
    const [header, unprotected, payload, signature] = cbor.decode(await openNsm(device.request).attest({}))
    expect(header).toEqual(Buffer.from('a1013822', 'hex'))
    expect(unprotected).toEqual(new Map())
    expect([payload.at(0), payload.at(-1)]).toEqual([0xbf, 0xff])
    expect(signature).toHaveLength(96)
    const fields = cbor.decode(payload)
    expect([...fields.keys()].join(' ')).toBe(
      'module_id digest timestamp pcrs certificate cabundle public_key user_data nonce',
    )
    expect([fields.get('public_key'), fields.get('user_data'), fields.get('nonce')]).toEqual([null, null, null])
  })

  test('has a root of its own and a leaf of three hours', async () => {
    const { cabundle, certificate } = parseDocument(await openNsm(device.request).attest({}))
    expect(cabundle[0]).toEqual(device.rootDer)
    const { validFromDate, validToDate } = new X509Certificate(certificate)
    expect(validToDate.getTime() - validFromDate.getTime()).toBe((3 * 3600 + 3) * 1000)
    const another = await createSoftwareNsm({ pcr0: PCR0, now: () => now })
    expect(another.rootDer).not.toEqual(device.rootDer)
  })

  test('renews its leaf before it ends', async () => {
    const policy = { root: device.rootDer, pcr0: [PCR0] as const, maxAgeMs: 0 }
    const leaves = new Set<string>()
    for (const hours of [0, 1, 2.9, 4, 24, 24 * 40]) {
      now = START + hours * 3600_000
      const document = await openNsm(device.request).attest({})
      leaves.add(verifyDocument(document, { ...policy, at: new Date(now) }).certificate.toHex())
    }
    expect(leaves.size).toBe(4)
  })

  test.each([
    ['a register of 47 bytes', { pcr0: 'c0'.repeat(47) }, RangeError],
    ['a register that is not hex', { pcr0: 'x'.repeat(96) }, SyntaxError],
  ])('refuses %s', async (_, settings, refusal) => {
    await expect(createSoftwareNsm({ ...settings, now: () => now })).rejects.toThrow(refusal)
  })

  test('answers whatever it is asked', async () => {
    const valid = [...cbor.encode({ ExtendPCR: { index: 16, data: zeros(3) } })]
    const mutated = fc
      .tuple(fc.nat(valid.length), fc.nat(3), fc.uint8Array({ maxLength: 3 }))
      .map(([at, removed, added]) => Uint8Array.from(valid.toSpliced(at, removed, ...added)))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated), async (request) => {
        expect((await device.request(request)).length).toBeGreaterThan(0)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the adapter', () => {
  test('binds what it is asked to', async () => {
    const asked = { nonce: Buffer.from('nonce'), userData: Buffer.from('data'), publicKey: Buffer.from('key') }
    const document = await openNsm(device.request).attest(asked)
    const policy = { root: device.rootDer, at: new Date(now), pcr0: [PCR0] as const, pcrs: { 4: PCR4 }, maxAgeMs: 0 }
    expect(verifyDocument(document, { ...policy, ...asked }).timestamp).toBe(START)
  })

  test('reads registers and randomness', async () => {
    const nsm = openNsm(device.request)
    expect((await nsm.pcr(0)).toHex()).toBe(PCR0)
    expect(await nsm.random()).toHaveLength(256)
  })

  test('describes the device', async () => {
    expect(await openNsm(device.request).describe()).toEqual({
      moduleId: expect.stringMatching(/^i-[0-9a-f]+-enc[0-9a-f]+$/) as string,
      version: '1.0.0',
      maxPcrs: 32,
      lockedPcrs: Array.from({ length: 16 }, (_, index) => index),
    })
  })

  test('extends a register, and locks it for good', async () => {
    const nsm = openNsm((await createSoftwareNsm({ pcr0: PCR0, now: () => now })).request)
    const data = Buffer.from('data')
    const value = createHash('sha384').update(zeros(48)).update(data).digest('hex')
    expect((await nsm.extend(16, data)).toHex()).toBe(value)
    await nsm.lock(16)
    expect((await nsm.pcr(16)).toHex()).toBe(value)
    expect((await nsm.describe()).lockedPcrs).toContain(16)
    await expect(nsm.extend(16, Buffer.from('more'))).rejects.toMatchObject({ code: 'read-only-index' })
    await expect(nsm.lock(16)).rejects.toMatchObject({ code: 'read-only-index' })
  })

  test.each<[string, string, (nsm: ReturnType<typeof openNsm>) => Promise<unknown>]>([
    ['invalid-index', 'a register too many', (nsm) => nsm.pcr(32)],
    ['input-too-large', 'a nonce over 512 bytes', (nsm) => nsm.attest({ nonce: zeros(513) })],
    ['input-too-large', 'a request over 4 KiB', (nsm) => nsm.attest({ userData: zeros(4096) })],
  ])('%s: %s', async (code, _, act) => {
    await expect(act(openNsm(device.request))).rejects.toMatchObject({ code })
  })

  test.each([
    ['InvalidArgument', 'invalid-argument'],
    ['InvalidIndex', 'invalid-index'],
    ['InvalidResponse', 'invalid-response'],
    ['ReadOnlyIndex', 'read-only-index'],
    ['InvalidOperation', 'invalid-operation'],
    ['BufferTooSmall', 'buffer-too-small'],
    ['InputTooLarge', 'input-too-large'],
    ['InternalError', 'internal-error'],
    ['Unheard', 'malformed'],
    ['toString', 'malformed'],
    [7, 'malformed'],
  ])('%s is %s', async (reason, code) => {
    await expect(answering(cbor.encode({ Error: reason })).random()).rejects.toMatchObject({ code })
  })

  test.each([
    ['nothing', zeros(0)],
    ['no CBOR', Uint8Array.of(0xff)],
    ['a trailing byte', Buffer.concat([cbor.encode({ GetRandom: { random: zeros(256) } }), zeros(1)])],
    ['a text', cbor.encode('GetRandom')],
    ['an answer to another command', cbor.encode({ Attestation: { document: zeros(256) } })],
    ['two answers', cbor.encode({ GetRandom: { random: zeros(256) }, Error: 'InternalError' })],
    ['no randomness', cbor.encode({ GetRandom: {} })],
    ['empty randomness', cbor.encode({ GetRandom: { random: zeros(0) } })],
    ['too much randomness', cbor.encode({ GetRandom: { random: zeros(257) } })],
    ['randomness as text', cbor.encode({ GetRandom: { random: 'a' } })],
    ['more than the buffer holds', cbor.encode({ GetRandom: { random: zeros(0x3000) } })],
  ])('%s is malformed', async (_, response) => {
    await expect(answering(response).random()).rejects.toMatchObject({ code: 'malformed' })
  })

  test('a register of another size is malformed', async () => {
    const nsm = answering(cbor.encode({ DescribePCR: { lock: true, data: zeros(32) } }))
    await expect(nsm.pcr(0)).rejects.toMatchObject({ code: 'malformed' })
  })

  const description = {
    version_major: 1,
    version_minor: 0,
    version_patch: 0,
    module_id: 'i-0-enc0',
    max_pcrs: 32,
    locked_pcrs: [0],
    digest: 'SHA384',
  }
  test.each([
    ['a version that is no number', { version_minor: '1' }],
    ['no module', { module_id: '' }],
    ['locked registers that are no list', { locked_pcrs: 16 }],
    ['locked registers that are no numbers', { locked_pcrs: ['0'] }],
    ['a negative number', { max_pcrs: -1 }],
    ['another digest', { digest: 'SHA256' }],
  ])('%s is malformed', async (_, over) => {
    const nsm = answering(cbor.encode({ DescribeNSM: { ...description, ...over } }))
    await expect(nsm.describe()).rejects.toMatchObject({ code: 'malformed' })
  })

  test('a device that fails is told apart', async () => {
    const nsm = openNsm(() => Promise.reject(new Error('ETIMEDOUT')))
    await expect(nsm.random()).rejects.toMatchObject({ code: 'device', cause: { message: 'ETIMEDOUT' } })
  })

  test('rejects with nothing but its own error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (response) => {
        await expect(answering(response).random()).rejects.toBeInstanceOf(NsmError)
      }),
    )
  })

  const answering = (response: Uint8Array) => openNsm(() => Promise.resolve(response))
})

describe('the process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nsm-'))
  const [socket, root] = [join(folder, 'nsm.sock'), join(folder, 'root.der')]
  const main = join(import.meta.dirname, '../../local/nsm/main.ts')
  const start = (settings: unknown) => spawn(process.execPath, [main, JSON.stringify(settings)])
  let server: ReturnType<typeof start>
  let firstLine: unknown
  beforeAll(async () => {
    server = start({ socket, root, pcr0: PCR0, pcrs: { 4: PCR4 } })
    ;[firstLine] = await once(server.stdout, 'data')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const dialled = () => openNsm(dialNsm(`unix:${socket}`))

  test('says when it is ready', () => {
    expect(String(firstLine)).toBe('ready\n')
  })

  test('attests under the root that it wrote', async () => {
    const document = await dialled().attest({ nonce: Buffer.from('nonce') })
    const policy = { root: readFileSync(root), at: new Date(), pcr0: [PCR0] as const, pcrs: { 4: PCR4 } }
    expect(verifyDocument(document, { ...policy, maxAgeMs: 60_000 }).nonce).toEqual(
      Uint8Array.from(Buffer.from('nonce')),
    )
  })

  test('answers many at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => dialled().random()))
    expect(new Set(answers.map((random) => random.toHex())).size).toBe(50)
  })

  test('answers one request after another on one connection', async () => {
    const peer = connect(socket)
    const request = Buffer.concat([Buffer.from([0, 0, 0, 10]), cbor.encode('GetRandom')])
    peer.end(Buffer.concat([request, request]))
    const answers = Buffer.concat(await peer.toArray())
    expect(answers).toHaveLength(2 * (4 + cbor.encode({ GetRandom: { random: zeros(256) } }).length))
  })

  test.each([
    ['is too long', Buffer.from([0, 0, 0x10, 1])],
    ['never ends', Buffer.from([0, 0, 0, 9, 1])],
    ['has no length', Buffer.from([0, 0])],
  ])('drops a peer whose message %s, and goes on', async (_, bytes) => {
    const peer = connect(socket)
    peer.end(bytes)
    expect(await peer.toArray()).toEqual([])
    expect(await dialled().random()).toHaveLength(256)
  })

  test.each([
    ['no settings', undefined],
    ['an unknown setting', { socket, root, pcr0: PCR0, debug: true }],
    ['PCR0 in upper case', { socket, root, pcr0: PCR0.toUpperCase() }],
    ['a register too many', { socket, root, pcr0: PCR0, pcrs: { 32: PCR4 } }],
  ])('does not start with %s', async (_, settings) => {
    const [code] = await once(start(settings), 'exit')
    expect(code).toBe(1)
  })

  test('ends on SIGTERM and leaves no socket', async () => {
    server.kill('SIGTERM')
    expect(await once(server, 'exit')).toEqual([0, null])
    expect(existsSync(socket)).toBe(false)
    await expect(dialled().random()).rejects.toMatchObject({ code: 'device' })
  })
})

function extended(data: Uint8Array): Buffer {
  return createHash('sha384').update(zeros(48)).update(data).digest()
}

function attestation(parameters: Readonly<Record<string, unknown>>): unknown {
  return { Attestation: { user_data: null, nonce: null, public_key: null, ...parameters } }
}
