import { createHash } from 'node:crypto'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { requireList, withImage } from './allow_list.ts'
import { differences, parseManifest, type Build } from './compare.ts'
import { configChanges } from './config_changes.ts'
import { GateError } from './error.ts'
import { changesBetween, tagOf, treeAt, type Git } from './git.ts'
import { parseInput, readInput } from './input.ts'
import { imagesAllowedBy, policyChange } from './key_policy.ts'
import { parseMeasurement } from './measurement.ts'
import { parseImages } from './overlay.ts'
import type { Report } from './provenance.ts'
import { ruleChanges } from './rule_changes.ts'
import { createSbom, packagesIn } from './sbom.ts'
import type { Summary } from './summary.ts'
import { summaryText } from './summary_text.ts'
import { readAllowList } from './tfvars.ts'

/** What the pipeline knows of a run, and where its two builders left what they measured. */
export interface Run extends Pick<Summary, 'environment' | 'builder'> {
  readonly repository: string
  readonly commit: string
  readonly first: string
  readonly second: string
  /** The list that Terraform last applied, and the file that it is proposed in. */
  readonly applied: readonly string[]
  readonly tfvars: string
  /** The key's policy in force, if it was asked for. */
  readonly policy: string | undefined
  /** The report of what runs now, if there is one. */
  readonly live: Summary | undefined
}

const CONFIG = 'deploy/config.yaml'
const RULES = 'rules'
const BASE = /^ARG \w+=(\S+@sha256:[0-9a-f]{64})$/gm

const testsSchema = v.object({ numTotalTests: v.number(), numPassedTests: v.number(), numFailedTests: v.number() })

/** What one builder handed over. */
async function readBuild(folder: string): Promise<Build> {
  const values = join(folder, 'pcr-values.json')
  return {
    measurement: parseMeasurement(await readInput(values), values),
    manifest: await readInput(join(folder, 'manifest.txt')),
  }
}

/** Both builds, if they agree; else the message names the registers and files that do not. */
export async function readAlike(first: string, second: string): Promise<readonly [Build, Build]> {
  const builds = [await readBuild(first), await readBuild(second)] as const
  const found = differences(...builds)
  if (found.length === 0) return builds
  throw new GateError('ERR_GATE_MISMATCH', `two builds of one commit differ:\n  ${found.join('\n  ')}`)
}

/** The report of a run, from its sources in `root` and what its builders left. */
export async function summarise(run: Run, git: Git, root: string): Promise<Report> {
  const [{ measurement, manifest }, second] = await readAlike(run.first, run.second)
  const lock = await readInput(join(root, 'package-lock.json'))
  const sbom = createSbom(lock, await packagesIn('enclave/main.ts', root), parseManifest(manifest), run.commit)
  const sbomBytes = jsonBytes(sbom)
  const inRepository = readAllowList(await readInput(join(root, run.tfvars)), run.tfvars)
  const proposed = withImage(inRepository, measurement.pcr0)
  const tag = await tagOf(git, run.commit, run.live?.source.commit)

  const summary: Summary = {
    version: 1,
    environment: run.environment,
    builder: run.builder,
    source: { repository: run.repository, commit: run.commit, tag },
    live: run.live === undefined ? null : { pcr0: run.live.measurement.pcr0, commit: run.live.source.commit },
    changes: run.live === undefined ? null : await changesSince(git, run.live.source.commit, run.commit),
    measurement,
    second: second.measurement,
    debug: false,
    images: parseImages(await readInput(join(run.first, 'images.txt'))),
    bases: await basesIn(root),
    lock: { sha256: sha256(lock) },
    toolchain: parseToolchain(await readInput(join(run.first, 'toolchain.txt'))),
    sbom: { sha256: sha256(sbomBytes), components: sbom.components.length },
    tests: await testsOf(join(run.first, 'tests.json')),
    allowList: { applied: [...requireList(run.applied)], inRepository: [...inRepository], proposed: [...proposed] },
    policy:
      run.policy === undefined
        ? { kind: 'absent', reason: "the key's policy was not asked for" }
        : mutable(policyChange(run.policy, proposed)),
    warnings: [],
  }
  const warned = { ...summary, warnings: warningsOf(summary, run) }
  return {
    'build-summary.json': jsonBytes(warned),
    'build-summary.md': Buffer.from(summaryText(warned)),
    'sbom.cdx.json': sbomBytes,
  }
}

function warningsOf({ measurement, source, allowList: { applied, inRepository } }: Summary, run: Run): string[] {
  const inForce = run.policy === undefined ? applied : imagesAllowedBy(run.policy)
  const warnings: readonly (readonly [boolean, string])[] = [
    [source.tag?.verified === false, 'The tag is not signed by anyone whom the live commit names in .allowed_signers.'],
    [
      run.live === undefined && applied.length > 0,
      'No report of the live image was found, so nothing is compared with it.',
    ],
    [
      !isSame(applied, inRepository),
      'The list in the repository is not the one that is applied: a pull request is open, or was not applied.',
    ],
    [!isSame(applied, inForce), "The key's policy names other images than were applied: somebody changed it by hand."],
    [applied.includes(measurement.pcr0), 'This image is allowed already: nothing that is measured has changed.'],
  ]
  return warnings.filter(([holds]) => holds).map(([, warning]) => warning)
}

async function changesSince(git: Git, live: string, commit: string): Promise<NonNullable<Summary['changes']>> {
  const { commits, files } = await changesBetween(git, live, commit)
  const [before, after] = [await treeAt(git, live, CONFIG), await treeAt(git, commit, CONFIG)]
  return {
    commits: [...commits],
    files: [...files],
    rules: [...ruleChanges(await treeAt(git, live, RULES), await treeAt(git, commit, RULES))],
    config: [...configChanges(before.get(CONFIG) ?? '', after.get(CONFIG) ?? '')],
  }
}

/** Everything that a Dockerfile of ours begins with. */
async function basesIn(root: string): Promise<string[]> {
  const files = ['Dockerfile.enclave', ...globSync('deploy/Dockerfile.*', { cwd: root }).sort()]
  const texts = await Promise.all(files.map((file) => readInput(join(root, file))))
  return [...new Set(texts.flatMap((text) => Array.from(text.matchAll(BASE), ([, reference = '']) => reference)))]
}

async function testsOf(file: string): Promise<Summary['tests']> {
  const {
    numTotalTests: total,
    numPassedTests: passed,
    numFailedTests: failed,
  } = parseInput(testsSchema, await readInput(file), file)
  if (passed > 0 && failed === 0) return { total, passed, failed }
  throw new GateError('ERR_GATE_INPUT', `${file}: ${passed} tests passed and ${failed} failed`)
}

/** Lines `<tool> <version>`. */
const parseToolchain = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [tool = '', ...version] = line.trim().split(/\s+/)
      return tool === '' ? [] : [[tool, version.join(' ')]]
    }),
  )

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  new Set(one).symmetricDifference(new Set(other)).size === 0

const mutable = (change: ReturnType<typeof policyChange>): Summary['policy'] =>
  change.kind === 'diff' ? { kind: 'diff', lines: [...change.lines] } : change

const jsonBytes = (value: object): Uint8Array => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
