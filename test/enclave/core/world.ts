import { createHash } from 'node:crypto'
import { createCatalog, type Catalog } from '../../../enclave/core/catalog.ts'
import type { World } from '../../../enclave/core/detect.ts'
import { parseDriftignore } from '../../../enclave/core/driftignore.ts'
import { createDrifts } from '../../../enclave/core/drifts.ts'
import type { Json, JsonObject } from '../../../enclave/core/json.ts'
import { createSessions } from '../../../enclave/core/sessions.ts'
import { parseState, type State } from '../../../enclave/core/state.ts'
import type { Severity } from '../../../enclave/core/finding.ts'
import type { Rule } from '../../../enclave/core/rule.ts'
import { createStateIndex } from '../../../enclave/core/state_index.ts'
import { parseService } from '../../../enclave/core/catalog_file.ts'
import { readFileSync } from 'node:fs'

const folder = new URL('../../../rules/', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8')

export const ecrText = read('catalog/aws/ecr.yaml')
export const ecrSchema = read('schema/aws/ecr.json')
export const ecr = parseService(ecrText, 'ecr.yaml', ecrSchema)
/** One service: the whole catalog would take longer to read than most tests do. It is in services.ts. */
export const catalog: Catalog = createCatalog([ecr])

/** A state as Terraform writes it, from addresses and attributes. */
export function stateText(
  resources: Readonly<Record<string, JsonObject>>,
  {
    serial = 1,
    lineage = 'l',
    sensitive = [],
  }: { serial?: number; lineage?: string; sensitive?: readonly string[] } = {},
): string {
  return JSON.stringify({
    version: 4,
    serial,
    lineage,
    resources: Object.entries(resources).map(([address, attributes]) => {
      const [type, name] = address.split('.')
      const instance = { attributes, sensitive_attributes: sensitive.map((value) => [{ type: 'get_attr', value }]) }
      const provider = 'provider["registry.terraform.io/hashicorp/aws"]'
      return { mode: 'managed', type, name, provider, instances: [instance] }
    }),
  })
}

export const stateOf = (...args: Parameters<typeof stateText>): State => parseState(stateText(...args), 'example')

/** A world that knows the given states and nothing else; `over` replaces its parts. */
export function worldOf(states: readonly State[], over: Partial<World> = {}): World {
  const index = createStateIndex((over.catalog ?? catalog).types)
  for (const state of states) index.replace(state, 0)
  return {
    catalog,
    states: index,
    drifts: createDrifts(),
    rules: [],
    principals: () => ['arn:aws:iam::111122223333:role/terraform'],
    digest: (value) => `sha256:${createHash('sha256').update(value).digest('hex')}`,
    holdMs: 1_800_000,
    began: 0,
    sessions: createSessions(),
    writers: [],
    suppressions: [],
    driftignore: parseDriftignore(''),
    ...over,
  }
}

/** The parts of the ECR catalog's common example, for tests of their own. */
export const repository = ecr.examples[0]?.state ?? {}
const common = ecr.examples.find(({ event }) => event === 'PutImageTagMutability')?.record ?? {}

let count = 0
/** A real-shaped ECR record; each has an id of its own. */
export function record(eventName: string, requestParameters: JsonObject, over: JsonObject = {}): JsonObject {
  count += 1
  return { ...common, eventID: `event-${count}`, eventName, requestParameters, ...over }
}

const AGENT = 'APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.100.0'

/** The fields that make a record one of Terraform's, by the approved role or another. */
export function byTerraform(role = 'terraform'): JsonObject {
  const issuer: Json = { type: 'Role', arn: `arn:aws:iam::111122223333:role/${role}`, userName: role }
  return {
    userAgent: AGENT,
    userIdentity: {
      type: 'AssumedRole',
      arn: `arn:aws:sts::111122223333:assumed-role/${role}/run-1`,
      accountId: '111122223333',
      sessionContext: { sessionIssuer: issuer },
    },
  }
}

/** A rule that matches every finding, but for what `over` says. */
export const ruleOf = (name: string, severity: Severity, over: Partial<Rule> = {}): Rule => ({
  name,
  severity,
  description: '',
  language: 'native',
  tags: [],
  reach: {},
  matches: () => true,
  message: () => name,
  explain: () => ({ text: name, outcome: true, parts: [] }),
  ...over,
})
