import { createHash, X509Certificate } from 'node:crypto'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { EifError, type EifMeasurement, measureEif, PIECE_BYTES } from '../../../enclave/attestation/eif.ts'
import type { EifCode } from '../../../enclave/attestation/eif_layout.ts'
import { signDocument } from '../../../local/nsm/documents.ts'
import {
  CMDLINE,
  HEADER_BYTES,
  type HeaderSpec,
  KERNEL,
  METADATA,
  RAMDISK,
  readerOf,
  registerOf,
  section,
  type SectionSpec,
  SIGNATURE,
  signatureOf,
  text,
  withCrc,
  writeEif,
} from './eif_writer.ts'
import { cbor, type Chain, forgeChain } from './forge.ts'

const measure = (image: Uint8Array, size = image.length) => measureEif(readerOf(image), size)
const codeOf = (image: Uint8Array, size?: number): Promise<unknown> =>
  measure(image, size).then(
    () => 'measured',
    (error: unknown) => (error instanceof EifError ? error.code : error),
  )
const ZERO = '00'.repeat(48)

const [kernel, cmdline, metadata] = [
  section(KERNEL, 'kernel'),
  section(CMDLINE, 'console=ttyS0'),
  section(METADATA, '{}'),
]
const [init, app, more] = [section(RAMDISK, 'init'), section(RAMDISK, 'app'), section(RAMDISK, 'more')]
const plain = [kernel, cmdline, metadata, init, app, more]
const image = writeEif(plain)

let chain: Chain
let pem: Uint8Array
let signature: Uint8Array
beforeAll(async () => {
  chain = await forgeChain()
  pem = text(new X509Certificate(chain.leaf.der).toString())
  const { PCR0 } = (await measure(image)).pcrs
  const payload = { register_index: 0, register_value: [...Uint8Array.fromHex(PCR0)] }
  signature = signDocument(cbor.encode(new Map(Object.entries(payload))), chain.key)
})
const signed = (content: Uint8Array = signatureOf(pem, signature)) => [...plain, section(SIGNATURE, content)]

describe('measures', () => {
  // From another implementation, in Python with struct, zlib and hashlib.
  test.each<[string, readonly SectionSpec[], Partial<EifMeasurement['pcrs']>]>([
    [
      'three ramdisks',
      plain,
      {
        PCR0: 'f9c12148c3b9b909eccc2b8e0565acc4506ee47bb69273fb4573c49735bc7e06fbbe0941e415ebdb8eb7b2574965db71',
        PCR1: '01f015f47940172daaa3003b0620a7ef90969387601d69388fd9401a1d008c7d4cd909c08123782abba8d2b4726fd7bf',
        PCR2: '6d65187a0bbd8542e4f8994cc2fcf0f803eb0490af3618a38f38424f9a23659940e21c2ec0ded2e119d03409718ea03b',
        PCR8: ZERO,
      },
    ],
    [
      'one ramdisk',
      [kernel, cmdline, metadata, init],
      {
        PCR0: '01f015f47940172daaa3003b0620a7ef90969387601d69388fd9401a1d008c7d4cd909c08123782abba8d2b4726fd7bf',
        PCR1: '01f015f47940172daaa3003b0620a7ef90969387601d69388fd9401a1d008c7d4cd909c08123782abba8d2b4726fd7bf',
        PCR2: '21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a',
        PCR8: ZERO,
      },
    ],
  ])('%s as another implementation does', async (_, sections, pcrs) => {
    expect((await measure(writeEif(sections))).pcrs).toEqual(pcrs)
  })

  test('the signing certificate, and nothing else of the signature', async () => {
    const { pcrs } = await measure(writeEif(signed()))
    expect(pcrs).toEqual({ ...(await measure(image)).pcrs, PCR8: registerOf(chain.leaf.der) })
    const another = await measure(writeEif(signed(signatureOf(pem, Uint8Array.of(1)))))
    expect(another.pcrs).toEqual(pcrs)
  })

  test('of several certificates and signatures the first, as AWS does', async () => {
    const bundle = Buffer.concat([pem, text(new X509Certificate(chain.root.der).toString())])
    const two = cbor.encode([
      ...(cbor.decode(signatureOf(bundle, signature)) as unknown[]),
      ...(cbor.decode(signatureOf(text('another'), signature)) as unknown[]),
    ])
    expect((await measure(writeEif(signed(two)))).pcrs.PCR8).toBe(registerOf(chain.leaf.der))
  })

  test('nothing of the headers and the metadata', async () => {
    const { pcrs } = await measure(image)
    const other = [kernel, cmdline, init, section(METADATA, '{"ImageName":"other"}'), app, more]
    expect(await measure(writeEif(other, { flags: 1, memory: 1n }))).toMatchObject({ architecture: 'aarch64', pcrs })
    expect((await measure(writeEif([kernel, cmdline, init, app, more]))).pcrs).toEqual(pcrs)
  })

  test('what the sections hold in the order of the file', async () => {
    const { PCR0, PCR1 } = (await measure(writeEif([init, cmdline, kernel, app]))).pcrs
    expect(PCR0).toBe(registerOf(init.data, cmdline.data, kernel.data, app.data))
    expect(PCR1).toBe(registerOf(init.data, cmdline.data, kernel.data))
  })

  test('no border between two sections: PCR0 alone does not say where one ends', async () => {
    const moved = await measure(writeEif([kernel, cmdline, section(RAMDISK, 'initapp'), more]))
    const { pcrs } = await measure(image)
    expect(moved.pcrs.PCR0).toBe(pcrs.PCR0)
    expect(moved.pcrs.PCR1).not.toBe(pcrs.PCR1)
    expect(moved.pcrs.PCR2).not.toBe(pcrs.PCR2)
    const before = [section(KERNEL, 'kern'), section(CMDLINE, 'elconsole=ttyS0'), init, app, more]
    expect((await measure(writeEif(before))).pcrs).toEqual(pcrs)
  })

  test('thirty-two sections, and says what they are', async () => {
    const ramdisks = Array.from({ length: 30 }, (_, index) => section(RAMDISK, `ramdisk ${index}`))
    const { sections, architecture } = await measure(writeEif([kernel, cmdline, ...ramdisks]))
    expect(architecture).toBe('x86_64')
    expect(sections).toHaveLength(32)
    expect(sections[1]).toEqual({ type: 'cmdline', offset: HEADER_BYTES + 12 + 6 + 12, size: 13 })
  })

  test('whatever the parts are', async () => {
    const part = fc.uint8Array({ maxLength: 300 })
    const parts = fc.tuple(part, part, fc.array(part, { minLength: 1, maxLength: 6 }))
    await fc.assert(
      fc.asyncProperty(parts, async ([k, c, [first = new Uint8Array(0), ...rest]]) => {
        const ramdisks = [first, ...rest].map((data) => section(RAMDISK, data))
        const { pcrs } = await measure(writeEif([section(KERNEL, k), section(CMDLINE, c), metadata, ...ramdisks]))
        expect(pcrs).toEqual({
          PCR0: registerOf(k, c, first, ...rest),
          PCR1: registerOf(k, c, first),
          PCR2: registerOf(...rest),
          PCR8: ZERO,
        })
      }),
    )
  })
})

describe('refuses', () => {
  const many = (count: number) => Array.from({ length: count }, () => init)
  test.each<[string, EifCode, readonly SectionSpec[], HeaderSpec]>([
    ['another magic number', 'magic', plain, { magic: '.elf' }],
    ['version 2, which has a checksum alone', 'version', plain, { version: 2 }],
    ['version 3, which has no metadata', 'version', plain, { version: 3 }],
    ['version 5', 'version', plain, { version: 5 }],
    ['an unknown flag', 'flags', plain, { flags: 2 }],
    ['something in the reserved field', 'reserved', plain, { reserved: 1 }],
    ['something in the unused field', 'reserved', plain, { unused: 1 }],
    ['no section', 'section-count', [], {}],
    ['33 sections', 'section-count', [kernel, cmdline, ...many(31)], {}],
    ['fewer sections than the table has', 'section-count', plain, { count: 5 }],
    ['more sections than the table has', 'section-offset', plain, { count: 7 }],
    ['a section elsewhere than the table says', 'section-offset', [kernel, { ...cmdline, offset: 548 }, init], {}],
    ['two sections exchanged in the table', 'section-offset', exchanged(), {}],
    ['a gap between two sections', 'section-offset', [kernel, { ...cmdline, offset: 567 }, init], {}],
    [
      'a section that is larger than the file',
      'truncated',
      [kernel, { ...cmdline, tableSize: 2n ** 64n - 1n }, init],
      {},
    ],
    ['a section that ends behind the file', 'truncated', [kernel, cmdline, { ...init, tableSize: 5n }], {}],
    ['a section that ends before the file', 'tail', [kernel, cmdline, { ...init, tableSize: 3n }], {}],
    ['a size that differs in the section', 'section-size', [kernel, cmdline, { ...init, ownSize: 3 }], {}],
    ['a section of no kind', 'section-type', [...plain, section(0, 'x')], {}],
    ['a section of an unknown kind', 'section-type', [...plain, section(6, 'x')], {}],
    ['flags of a section', 'section-flags', [kernel, { ...cmdline, flags: 1 }, init], {}],
    ['no kernel', 'section-missing', [cmdline, init], {}],
    ['no command line', 'section-missing', [kernel, init], {}],
    ['no ramdisk', 'section-missing', [kernel, cmdline, metadata], {}],
    ['two kernels', 'section-repeated', [kernel, kernel, cmdline, init], {}],
    ['two command lines', 'section-repeated', [kernel, cmdline, cmdline, init], {}],
    ['two metadata', 'section-repeated', [kernel, cmdline, metadata, metadata, init], {}],
    ['another checksum', 'crc', plain, { crc: 0 }],
  ])('%s: %s', async (_, code, sections, header) => {
    expect(await codeOf(writeEif(sections, header))).toBe(code)
  })

  test.each<[string, EifCode, () => Uint8Array]>([
    ['an empty file', 'magic', () => new Uint8Array(0)],
    ['a file of another kind', 'magic', () => text('#!/bin/sh')],
    ['half a header', 'truncated', () => image.subarray(0, 300)],
    ['a header alone', 'truncated', () => image.subarray(0, HEADER_BYTES)],
    ['a file without its last byte', 'truncated', () => image.subarray(0, -1)],
    ['a byte more', 'tail', () => withCrc(Buffer.concat([image, text('x')]))],
    ['a section that the table has not', 'tail', () => withCrc(Buffer.concat([image, image.subarray(-16)]))],
  ])('%s: %s', async (_, code, make) => {
    expect(await codeOf(make())).toBe(code)
  })

  test('a file that has become shorter since its size was taken: truncated', async () => {
    for (let length = HEADER_BYTES; length < image.length; length++)
      expect(await codeOf(image.subarray(0, length), image.length)).toBe('truncated')
  })

  test.each<[string, () => Uint8Array]>([
    ['that is empty', () => new Uint8Array(0)],
    ['that is no CBOR', () => text('signature')],
    ['with a byte behind it', () => Buffer.concat([signatureOf(pem, signature), text('x')])],
    ['that is no list', () => cbor.encode(new Map([['signature', [1]]]))],
    ['of no element', () => cbor.encode([])],
    ['of numbers', () => cbor.encode([1])],
    ['with byte strings where AWS has numbers', () => signatureOf(pem, signature, { signing_certificate: pem })],
    ['with a number that is no octet', () => signatureOf(pem, signature, { signing_certificate: [...pem, 256] })],
    ['with a negative number', () => signatureOf(pem, signature, { signing_certificate: [...pem, -1] })],
    ['without a certificate', () => signatureOf(pem, signature, { signing_certificate: null })],
    ['without its value', () => signatureOf(pem, signature, { signature: null })],
    ['with a certificate in DER', () => signatureOf(chain.leaf.der, signature)],
    ['with a broken certificate', () => signatureOf(Buffer.from(pem).fill(0x41, 100, 110), signature)],
    ['of more than 64 KiB', () => signatureOf(pem, new Uint8Array(65_536))],
    ['of several pieces', () => signatureOf(pem, new Uint8Array(PIECE_BYTES))],
  ])('a signature %s', async (_, make) => {
    expect(await codeOf(writeEif(signed(make())))).toBe('signature')
  })

  test('two signatures: section-repeated', async () => {
    expect(await codeOf(writeEif([...signed(), ...signed().slice(-1)]))).toBe('section-repeated')
  })

  function exchanged(): readonly SectionSpec[] {
    const [third, fourth] = [section(RAMDISK, 'init'), section(RAMDISK, 'exec')]
    return [kernel, cmdline, { ...third, offset: 607 }, { ...fourth, offset: 591 }]
  }
})

describe('bits', () => {
  test('no flipped bit is measured', async () => {
    for (let bit = 0; bit < image.length * 8; bit++)
      expect(await codeOf(flipped(bit)), `bit ${bit}`).not.toBe('measured')
  })

  test('nor, where the checksum is put right, as another image than it is', async () => {
    const { pcrs } = await measure(image)
    const data = plain.filter(({ type }) => type !== METADATA).reduce((sum, spec) => sum + spec.data.length, 0)
    let moved = 0
    for (let bit = HEADER_BYTES * 8; bit < image.length * 8; bit++) {
      const found = await measure(withCrc(flipped(bit))).catch(() => undefined)
      if (found !== undefined && found.pcrs.PCR0 !== pcrs.PCR0) moved += 1
    }
    expect(moved).toBe(data * 8)
  })

  test('throws nothing but its own error', async () => {
    const whole = writeEif(signed())
    const spliced = fc
      .tuple(fc.nat(whole.length), fc.nat(16), fc.uint8Array({ maxLength: 16 }))
      .map(([at, removed, added]) => Uint8Array.from([...whole].toSpliced(at, removed, ...added)))
    const repaired = spliced.filter(({ length }) => length >= HEADER_BYTES).map(withCrc)
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 700 }), spliced, repaired), async (bytes) => {
        expect(await codeOf(bytes)).toBeTypeOf('string')
      }),
      { numRuns: 1000 },
    )
  })

  const flipped = (bit: number) => Buffer.from(image).with(bit >> 3, (image[bit >> 3] ?? 0) ^ (1 << (bit & 7)))
})

test('an image of 128 MiB is read in pieces, none of which is still needed when the next is read', async () => {
  const pieces = 128
  const size = pieces * PIECE_BYTES
  const front = writeEif([kernel, cmdline, section(RAMDISK, '', { ownSize: size, tableSize: BigInt(size) })])
  const [content, buffer] = [createHash('sha384').update('kernelconsole=ttyS0'), new Uint8Array(PIECE_BYTES)]
  let crc = crc32(front.subarray(HEADER_BYTES), crc32(front.subarray(0, HEADER_BYTES - 4)))
  for (let piece = 0; piece < pieces; piece++) {
    crc = crc32(buffer.fill(piece), crc)
    content.update(buffer)
  }
  front.writeUInt32BE(crc, HEADER_BYTES - 4)

  let [largest, total] = [0, 0]
  const read = async (offset: number, length: number) => {
    largest = Math.max(largest, length)
    total += length
    // One buffer for every answer: whoever still relied on the last one would measure something else.
    if (offset >= front.length) buffer.fill((offset - front.length) / PIECE_BYTES)
    else buffer.set(front.subarray(offset, offset + length))
    return buffer.subarray(0, Math.min(length, front.length + size - offset))
  }
  const { pcrs } = await measureEif(read, front.length + size)
  const PCR0 = createHash('sha384').update(new Uint8Array(48)).update(content.digest()).digest('hex')
  expect(pcrs).toMatchObject({ PCR0, PCR1: PCR0 })
  expect(largest).toBe(PIECE_BYTES)
  expect(total - size).toBeLessThan(2 * front.length)
})
