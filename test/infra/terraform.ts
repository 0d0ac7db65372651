import { execFile, type ExecFileOptions } from 'node:child_process'
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** Plans are large: each carries the provider's schemas. */
const MAX_OUTPUT = 1 << 30
/** Where machines without a network keep a mirror of providers, besides the places that Terraform itself knows. */
const MIRRORS = '{/opt,/srv,/usr/lib,/usr/local/lib,/var/lib}/*/registry.terraform.io/hashicorp/aws'

const onPath = (program: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((path) => join(path, program))
    .find((file) => isExecutable(file))

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export const TERRAFORM = onPath('terraform')
export const MOTO_SERVER = onPath('moto_server')

/** Said out loud, so that nobody takes the run's green for more than it is. */
export function sayLeftOut(what: string): string {
  const line = `left out: ${what}`
  process.stderr.write(`${line}\n`)
  return line
}

export interface Outcome {
  readonly code: number
  readonly output: string
}
/** A copy of the module in a place of its own, so that nothing which Terraform writes ends up among the sources. */
export interface Workspace extends Disposable {
  readonly folder: string
  /** Runs Terraform in a folder of the copy. */
  terraform(module: string, ...args: readonly string[]): Promise<Outcome>
}

export function openWorkspace(environment: Readonly<Record<string, string>> = {}): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'driftseal-infra-'))
  cpSync(join(ROOT, 'infra'), join(folder, 'infra'), {
    recursive: true,
    filter: (path) => !/\/\.terraform|\.tfstate|\.tfplan$/.test(path),
  })
  cpSync(join(ROOT, 'deploy/seccomp'), join(folder, 'deploy/seccomp'), { recursive: true })
  const env = { ...environmentOf(folder), ...environment }
  const ending = new AbortController()
  return {
    folder,
    terraform: (module, ...args) =>
      run([`-chdir=${join(folder, module)}`, ...args], {
        env: { ...env, TF_DATA_DIR: join(folder, '.data', module) },
        signal: ending.signal,
      }),
    [Symbol.dispose]() {
      ending.abort()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Nobody's credentials and nobody's variables; providers from a mirror where there is one, else as the user has it. */
function environmentOf(folder: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(AWS|TF)_/.test(name))
  const env = {
    ...Object.fromEntries(own),
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const given = process.env['TF_CLI_CONFIG_FILE']
  if (given !== undefined && existsSync(given)) return { ...env, TF_CLI_CONFIG_FILE: given }
  const [mirror] = globSync(MIRRORS)
  if (mirror === undefined) return env
  const config = join(folder, '.terraformrc')
  const path = dirname(dirname(dirname(mirror)))
  writeFileSync(config, `provider_installation {\n  filesystem_mirror { path = ${JSON.stringify(path)} }\n}\n`)
  return { ...env, TF_CLI_CONFIG_FILE: config }
}

function run(args: readonly string[], options: ExecFileOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      TERRAFORM ?? 'terraform',
      args,
      { ...options, encoding: 'utf8', maxBuffer: MAX_OUTPUT },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    )
  })
}

/** Puts a file of the tests into the copy. */
export function addTest(workspace: Workspace, module: string, name: string): void {
  mkdirSync(join(workspace.folder, module, 'tests'), { recursive: true })
  cpSync(join(import.meta.dirname, name), join(workspace.folder, module, 'tests', name))
}
