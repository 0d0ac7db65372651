import { GateError } from './error.ts'
import { REGISTERS, type Measurement } from './measurement.ts'

/** What one of two builders that share nothing but the commit handed over. */
export interface Build {
  readonly measurement: Measurement
  /** `manifest.txt` of the enclave's root file system. */
  readonly manifest: string
}

/** A file of a root file system, as deploy/images/tree.ts lists it. */
export interface ManifestEntry {
  readonly sha256: string
  readonly mode: string
  readonly path: string
}

const LINE = /^([0-9a-f]{64}) (\d{3}) (\/.+)$/

const COVERS = {
  pcr0: 'the whole image',
  pcr1: 'kernel, its command line and the boot ramdisk: nitro-cli',
  pcr2: 'the root file system, with its command line',
  pcr8: 'the certificate that signed it',
} as const

export function parseManifest(text: string): readonly ManifestEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, sha256, mode, path] = LINE.exec(line) ?? []
      if (sha256 !== undefined && mode !== undefined && path !== undefined) return { sha256, mode, path }
      throw new GateError('ERR_GATE_INPUT', 'manifest.txt has a line that is not "<sha256> <mode> <path>"')
    })
}

/**
 * In what two builds of one commit differ; empty where they agree. Not in the image files' own digests: nitro-cli writes
 * the time of the build into a section that no register covers.
 */
export function differences(first: Build, second: Build): readonly string[] {
  const registers = REGISTERS.filter((register) => first.measurement[register] !== second.measurement[register])
  return [
    ...registers.map((register) => {
      const [one, other] = [first, second].map(({ measurement }) => measurement[register] ?? 'none')
      return `${register.toUpperCase()} (${COVERS[register]}): ${one} and ${other}`
    }),
    ...fileDifferences(parseManifest(first.manifest), parseManifest(second.manifest)),
  ]
}

function fileDifferences(first: readonly ManifestEntry[], second: readonly ManifestEntry[]): readonly string[] {
  const [one, other] = [first, second].map((entries) => new Map(entries.map((entry) => [entry.path, entry])))
  const paths = [...new Set([...first, ...second].map(({ path }) => path))].sort()
  return paths.flatMap((path) => {
    const [a, b] = [one?.get(path), other?.get(path)]
    if (a === undefined) return [`${path}: in the second build only`]
    if (b === undefined) return [`${path}: in the first build only`]
    if (a.sha256 !== b.sha256) return [`${path}: another content`]
    return a.mode === b.mode ? [] : [`${path}: mode ${a.mode} and ${b.mode}`]
  })
}
