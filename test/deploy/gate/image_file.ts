import { CMDLINE, KERNEL, RAMDISK, registerOf, section, text, writeEif } from '../../enclave/attestation/eif_writer.ts'

/** An enclave image file, and what it measures to. */
export const EIF = writeEif([
  section(KERNEL, 'kernel'),
  section(CMDLINE, 'console=ttyS0'),
  section(RAMDISK, 'init'),
  section(RAMDISK, 'app'),
])
export const REGISTERS = {
  PCR0: registerOf(text('kernelconsole=ttyS0initapp')),
  PCR1: registerOf(text('kernelconsole=ttyS0init')),
  PCR2: registerOf(text('app')),
}
/** What nitro-cli prints when it has built a file. */
export const nitroOutput = (registers: object = REGISTERS): string =>
  `Start building the Enclave Image...\n${JSON.stringify({ Measurements: { HashAlgorithm: 'Sha384 { ... }', ...registers } })}\n`
