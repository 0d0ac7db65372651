import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { differences, parseManifest, type Build } from '../../../deploy/gate/compare.ts'
import { GateError } from '../../../deploy/gate/error.ts'
import { measureFile, parseMeasurement, requireSameAsNitro } from '../../../deploy/gate/measurement.ts'
import { text } from '../../enclave/attestation/eif_writer.ts'
import { folderOf } from '../../operator/folder.ts'
import { EIF, REGISTERS } from './image_file.ts'
import { hex, summaryOf } from './reports.ts'

/** With what it refuses, if it does. */
const codeOf = (act: () => void): string | undefined => {
  try {
    act()
    return undefined
  } catch (error) {
    return (error as GateError).code
  }
}
const measure = (eif: Uint8Array) => measureFile(join(folderOf({ 'image.eif': eif }), 'image.eif'))
const code = (expected: string) => expect.objectContaining({ code: expected }) as GateError

describe('an image file', () => {
  it('has registers and digests', async () => {
    expect(await measure(EIF)).toEqual({
      version: 1,
      architecture: 'x86_64',
      pcr0: REGISTERS.PCR0,
      pcr1: REGISTERS.PCR1,
      pcr2: REGISTERS.PCR2,
      pcr8: null,
      size: EIF.length,
      sha256: createHash('sha256').update(EIF).digest('hex'),
      sha384: createHash('sha384').update(EIF).digest('hex'),
    })
  })

  it('that is none is refused', async () => {
    await expect(measure(text('#!/bin/sh\n'))).rejects.toEqual(code('ERR_GATE_MEASUREMENT'))
    await expect(measureFile('/none.eif')).rejects.toEqual(code('ERR_GATE_INPUT'))
  })

  it.each<[string, object, string | undefined]>([
    ['the same', REGISTERS, undefined],
    ['another PCR0', { ...REGISTERS, PCR0: hex('x') }, 'ERR_GATE_MEASUREMENT'],
    ['another PCR2', { ...REGISTERS, PCR2: hex('x') }, 'ERR_GATE_MEASUREMENT'],
    ['a PCR8 that the file has not', { ...REGISTERS, PCR8: hex('x') }, 'ERR_GATE_MEASUREMENT'],
    ['no PCR1', { ...REGISTERS, PCR1: undefined }, 'ERR_GATE_INPUT'],
    ['a short PCR0', { ...REGISTERS, PCR0: 'ab' }, 'ERR_GATE_INPUT'],
  ])('nitro-cli says %s', async (_, Measurements, refused) => {
    const ours = await measure(EIF)
    const output = `Start building the Enclave Image...\n${JSON.stringify({ Measurements: { HashAlgorithm: 'Sha384 { … }', ...Measurements } })}\n`
    const hold = () => requireSameAsNitro(ours, output)
    expect(codeOf(hold)).toBe(refused)
  })

  it('pcr-values.json has no other shape', () => {
    const good = summaryOf().measurement
    expect(parseMeasurement(JSON.stringify(good), 'it')).toEqual(good)
    for (const bad of ['', '[]', '{', JSON.stringify({ ...good, pcr0: 'AB' }), JSON.stringify({ ...good, more: 1 })])
      expect(() => parseMeasurement(bad, 'it')).toThrow(code('ERR_GATE_INPUT'))
  })

  it('pcr-values.json and nitro-cli’s output: throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (input) => {
        for (const read of [
          () => parseMeasurement(input, 'it'),
          () => requireSameAsNitro(summaryOf().measurement, input),
        ])
          expect(read).toThrow(GateError)
      }),
      { numRuns: 50 },
    )
  })
})

describe('two builds', () => {
  const line = (content: string, path: string, mode = '644') => `${hex(content, 'sha256')} ${mode} ${path}\n`
  const { measurement } = summaryOf()
  const build: Build = { measurement, manifest: line('a', '/app/a') + line('b', '/app/b') }

  test.each<[string, Partial<Build>, readonly string[]]>([
    ['alike', {}, []],
    ['image files of another time', { measurement: { ...measurement, sha256: hex('x', 'sha256'), size: 1 } }, []],
    [
      'another PCR2, by a file',
      { measurement: { ...measurement, pcr2: hex('x') }, manifest: line('a', '/app/a') + line('c', '/app/b') },
      [
        `PCR2 (the root file system, with its command line): ${measurement.pcr2} and ${hex('x')}`,
        '/app/b: another content',
      ],
    ],
    [
      'another nitro-cli',
      { measurement: { ...measurement, pcr1: hex('x') } },
      [`PCR1 (kernel, its command line and the boot ramdisk: nitro-cli): ${measurement.pcr1} and ${hex('x')}`],
    ],
    [
      'one that is signed',
      { measurement: { ...measurement, pcr8: hex('x') } },
      [`PCR8 (the certificate that signed it): none and ${hex('x')}`],
    ],
    ['a file more', { manifest: build.manifest + line('c', '/app/c') }, ['/app/c: in the second build only']],
    ['a file less', { manifest: line('a', '/app/a') }, ['/app/b: in the first build only']],
    ['another mode', { manifest: line('a', '/app/a', '755') + line('b', '/app/b') }, ['/app/a: mode 644 and 755']],
  ])('%s', (_, change, expected) => {
    expect(differences(build, { ...build, ...change })).toEqual(expected)
  })

  test.each(['x', `${'a'.repeat(64)} 644 app`, `${'a'.repeat(63)} 644 /app`])(
    'a manifest of “%s” is refused',
    (manifest) => {
      expect(() => parseManifest(manifest)).toThrow(code('ERR_GATE_INPUT'))
    },
  )
})
