import { writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { readInput } from './input.ts'
import { measureFile, requireSameAsNitro } from './measurement.ts'
import { readAlike } from './summarise.ts'

/** Measuring a build, and holding it against another. */
export function buildCommands(say: (line: string) => void): readonly Command[] {
  const measure = new Command('measure')
    .description('Write what an enclave image file measures to')
    .argument('<eif>', 'the enclave image file')
    .requiredOption('--out <file>', 'pcr-values.json')
    .option('--nitro <file>', 'what nitro-cli printed when it built the file: held against our own measurement')
    .action(async (eif: string, { out, nitro }: { out: string; nitro?: string }) => {
      const measurement = await measureFile(eif)
      if (nitro !== undefined) requireSameAsNitro(measurement, await readInput(nitro))
      await writeFile(out, `${JSON.stringify(measurement, null, 2)}\n`)
      say(`PCR0 ${measurement.pcr0}`)
    })
  const compare = new Command('compare')
    .description('Tell whether two builds of a commit are the same, and if not, in which files they differ')
    .argument('<first>', "a build's folder, with pcr-values.json and manifest.txt")
    .argument('<second>', "another's")
    .action(async (first: string, second: string) => {
      const [{ measurement }] = await readAlike(first, second)
      say(`both builds: PCR0 ${measurement.pcr0}`)
    })
  return [measure, compare]
}
