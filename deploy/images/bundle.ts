import { build } from 'esbuild'

/** Where a program of the project begins, and the one file that it becomes. */
export interface Program {
  readonly entry: string
  readonly file: string
  /** Of the Node that runs it, where that is not ours. */
  readonly target?: string
}

/** cbor-x has a compiled part that it does without; what the image runs is JavaScript, and one addon of ours. */
const ABSENT = ['cbor-extract']
/** Packages in CommonJS ask for Node's own modules by `require`, which a module of ECMAScript does not have. */
const REQUIRE = `import { createRequire as createRequireOf } from 'node:module'
const require = createRequireOf(import.meta.url)`

/** Joins a program and the packages it uses into one file. The text depends on the sources alone, not on where they are. */
export async function bundle({ entry, file, target = 'node26' }: Program, root: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile: file,
    absWorkingDir: root,
    preserveSymlinks: true,
    bundle: true,
    platform: 'node',
    target,
    format: 'esm',
    banner: { js: REQUIRE },
    external: ABSENT,
    legalComments: 'none',
    logLevel: 'silent', // its errors are thrown,
  })
}
