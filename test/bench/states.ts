import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { ResourceType } from '../../enclave/core/catalog.ts'
import type { JsonObject } from '../../enclave/core/json.ts'
import { parseState } from '../../enclave/core/state.ts'
import { createStateIndex } from '../../enclave/core/state_index.ts'
import { NODE_FLAGS } from '../../enclave/node_flags.ts'
import { compared, figure, timed, type Figure, type Section } from './measure.ts'

const RESOURCES = 100_000
const STATES = 1_000
const LOOK_UPS = 100_000
const RUNS = 5
const ACCOUNT = '111122223333'
const BYTES_A_MB = 1e6
const BYTES_A_KB = 1024
/** Steps through the resources so that neighbours in time are none in the state; prime to their number. */
const STRIDE = 7919

const repository: ResourceType = {
  name: 'aws_ecr_repository',
  identities: ['id', 'name', 'arn'],
  identify: () => undefined,
  attributes: new Map(),
}
const nameOf = (index: number): string => `service-${index}`

/** About 2 KB as Terraform writes it, indented. */
function instanceOf(index: number): JsonObject {
  const tags = { Name: nameOf(index), Team: 'platform', CostCentre: '1234', Repository: 'https://example.com/platform' }
  return {
    index_key: index,
    schema_version: 0,
    attributes: {
      arn: `arn:aws:ecr:eu-west-1:${ACCOUNT}:repository/${nameOf(index)}`,
      encryption_configuration: [{ encryption_type: 'AES256', kms_key: '' }],
      force_delete: null,
      id: nameOf(index),
      image_scanning_configuration: [{ scan_on_push: true }],
      image_tag_mutability: 'IMMUTABLE',
      name: nameOf(index),
      registry_id: ACCOUNT,
      repository_url: `${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/${nameOf(index)}`,
      tags,
      tags_all: { ...tags, Environment: 'production', ManagedBy: 'terraform' },
      timeouts: null,
    },
    sensitive_attributes: [],
    private: 'bnVsbA=='.repeat(8),
    dependencies: ['module.registry.aws_kms_key.images', 'module.registry.data.aws_caller_identity.current'],
  }
}

/** What a state has of resources: one with all instances, or one for each. */
type Form = 'counted' | 'single'

function stateText(first: number, count: number, form: Form): string {
  const instances = Array.from({ length: count }, (_, index) => instanceOf(first + index))
  const resource = (name: string, own: readonly JsonObject[]) => ({
    mode: 'managed',
    module: 'module.registry["eu"]',
    type: repository.name,
    name,
    provider: 'provider["registry.terraform.io/hashicorp/aws"]',
    instances: own,
  })
  const resources =
    form === 'counted'
      ? [resource('service', instances)]
      : instances.map((one, index) => resource(`service_${index}`, [one]))
  return JSON.stringify({ version: 4, serial: 1, lineage: String(first), outputs: {}, resources }, undefined, 2)
}

/** What one process says of its work. */
interface Measured {
  readonly ms: number
  readonly lookUpMicros: number
  readonly peakMb: number
}

/** Indexes the files, in this process; or only parses them, each as one tree. */
async function work(side: string, files: readonly string[]): Promise<Measured> {
  const index = createStateIndex(new Map([[repository.name, repository]]))
  let ms = 0
  for (const file of files) {
    const bytes = await readFile(file)
    ms += await timed(() =>
      side === 'index' ? index.replace(parseState(bytes, file), 0) : JSON.parse(bytes.toString('utf8')),
    )
  }
  const find = (count: number): void => {
    for (let at = 0; at < count; at++)
      index.find({
        cloud: 'aws',
        account: ACCOUNT,
        region: 'eu-west-1',
        type: repository.name,
        id: nameOf((at * STRIDE) % RESOURCES),
      })
  }
  find(LOOK_UPS / 10)
  const lookUps = await timed(() => find(LOOK_UPS))
  return {
    ms,
    lookUpMicros: (lookUps * 1000) / LOOK_UPS,
    peakMb: (process.resourceUsage().maxRSS * BYTES_A_KB) / BYTES_A_MB,
  }
}

const run = promisify(execFile)

/** Each time in a process of its own, started as the enclave is: a process never gives back what it once had. */
async function measure(side: 'index' | 'parse', files: readonly string[]): Promise<Measured> {
  const list = `${files[0]}.list`
  await writeFile(list, JSON.stringify(files))
  const { stdout } = await run(process.execPath, [...NODE_FLAGS, fileURLToPath(import.meta.url), side, list])
  return JSON.parse(stdout) as Measured // as written below
}

async function figuresOf(what: string, files: readonly string[]): Promise<readonly Figure[]> {
  const [ours, theirs]: [Measured[], Measured[]] = [[], []]
  for (let count = 0; count < RUNS; count++) {
    ours.push(await measure('index', files))
    theirs.push(await measure('parse', files))
  }
  const beside = (read: (measured: Measured) => number) => ({ name: 'JSON.parse', samples: theirs.map(read) })
  return [
    compared(
      `parse and index ${what}`,
      'ms',
      ours.map(({ ms }) => ms),
      beside(({ ms }) => ms),
      { below: 3000 },
    ),
    compared(
      '  peak of the whole process',
      'MB',
      ours.map(({ peakMb }) => peakMb),
      beside(({ peakMb }) => peakMb),
      {
        below: 400,
      },
    ),
    figure(
      '  look-up, with its attributes',
      'µs',
      ours.map(({ lookUpMicros }) => lookUpMicros),
      { below: 10 },
    ),
  ]
}

export const states: Section = {
  title: 'States: 100,000 resources, in one state and in a thousand',
  async run() {
    const dir = await mkdtemp(join(tmpdir(), 'ds-'))
    try {
      const forms = { counted: join(dir, 'counted.tfstate'), single: join(dir, 'single.tfstate') }
      await writeFile(forms.counted, stateText(0, RESOURCES, 'counted'))
      await writeFile(forms.single, stateText(0, RESOURCES, 'single'))
      const many = Array.from({ length: STATES }, (_, at) => join(dir, `${at}.tfstate`))
      const each = RESOURCES / STATES
      for (const [at, file] of many.entries()) await writeFile(file, stateText(at * each, each, 'counted'))
      const sizeOf = async (file: string) => `${((await stat(file)).size / BYTES_A_MB).toFixed(0)} MB`
      return [
        ...(await figuresOf(`one state of ${await sizeOf(forms.counted)}, one block`, [forms.counted])),
        ...(await figuresOf(`one state of ${await sizeOf(forms.single)}, a block each`, [forms.single])),
        ...(await figuresOf(`${STATES.toLocaleString('en')} states, together as much`, many)),
      ]
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  },
}

if (import.meta.main) {
  const [side = '', list = ''] = process.argv.slice(2)
  process.stdout.write(JSON.stringify(await work(side, JSON.parse(await readFile(list, 'utf8')) as readonly string[])))
}
