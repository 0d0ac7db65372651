import { describe, expect, test } from 'vitest'
import {
  CMDLINE,
  KERNEL,
  METADATA,
  RAMDISK,
  registerOf,
  section,
  text,
  writeEif,
} from '../enclave/attestation/eif_writer.ts'
import { driftseal } from './driftseal.ts'
import { folderOf } from './folder.ts'

const image = writeEif([
  section(KERNEL, 'kernel'),
  section(CMDLINE, 'console=ttyS0'),
  section(METADATA, '{}'),
  section(RAMDISK, 'init'),
  section(RAMDISK, 'app'),
])
const [PCR0, PCR1, PCR2, PCR8] = [
  registerOf(text('kernelconsole=ttyS0initapp')),
  registerOf(text('kernelconsole=ttyS0init')),
  registerOf(text('app')),
  '00'.repeat(48),
] as const

const measure = (content: string | Uint8Array, ...options: readonly string[]) =>
  driftseal('eif', 'measure', `${folderOf({ 'image.eif': content })}/image.eif`, ...options)

describe('eif measure', () => {
  test('prints the registers for people', () => {
    const { status, stdout, stderr } = measure(image)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^MEASURED {2}.*image\.eif\n/)
    for (const line of [`PCR0      ${PCR0}`, `PCR1      ${PCR1}`, `PCR2      ${PCR2}`, 'not signed'])
      expect(stdout).toContain(line)
  })

  test('--json prints one object', () => {
    const { status, stdout } = measure(image, '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      size: image.length,
      version: 4,
      architecture: 'x86_64',
      sections: [{ type: 'kernel', offset: 560, size: 6 }, {}, {}, {}, {}],
      pcrs: { PCR0, PCR1, PCR2, PCR8 },
    })
  })

  test('reads an image of several pieces', () => {
    const large = Buffer.alloc(2_500_000, 'driftseal')
    const { stdout } = measure(
      writeEif([section(KERNEL, large), section(CMDLINE, ''), section(RAMDISK, large)]),
      '--json',
    )
    expect(JSON.parse(stdout)).toMatchObject({ pcrs: { PCR0: registerOf(large, large), PCR2: registerOf() } })
  })

  test.each<[string, Uint8Array]>([
    ['magic', text('#!/bin/sh\n')],
    ['truncated', image.subarray(0, -1)],
    ['tail', Buffer.concat([image, text('x')])],
    ['crc', Buffer.from(image).fill('x', image.length - 1)],
  ])('refuses with %s: 3', (code, content) => {
    const { status, stdout, stderr } = measure(content)
    expect([status, stdout]).toEqual([3, ''])
    expect(stderr).toContain(`refused: ${code}: `)
  })

  test.each([
    ['none.eif', 'no such file'],
    ['.', 'cannot be read (EISDIR)'],
  ])('says that %s cannot be read: 1', (name, said) => {
    const { status, stderr } = driftseal('eif', 'measure', `${folderOf({})}/${name}`)
    expect(status).toBe(1)
    expect(stderr).toContain(said)
  })
})
