import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'prettier'
import { addTest, openWorkspace, type Workspace } from './terraform.ts'

/** What Terraform plans for examples/complete, by run (offline.tftest.hcl), then by address within the module. */
export type Rendering = Readonly<Record<'open' | 'closed' | 'measured' | 'minimal', Resources>>
export type Resources = Readonly<Record<string, Fields>>
export type Fields = Readonly<Record<string, unknown>>

const FILE = join(import.meta.dirname, 'rendered-plan.json')
const MODULE = 'infra/examples/complete'
/** Attributes that are JSON in a string: policies, above all. */
const DOCUMENTS = new Set([
  'policy',
  'assume_role_policy',
  'policy_document',
  'event_pattern',
  'redrive_policy',
  'redrive_allow_policy',
])
/** Long, and held elsewhere: infra/tests. */
const LEFT_OUT = new Set(['user_data', 'dashboard_body', 'tags', 'tags_all', 'x509_certificate_data'])

/** The committed rendering, which a machine without Terraform judges by. */
export function readRendering(): Rendering {
  const { open, closed, measured, minimal } = JSON.parse(readFileSync(FILE, 'utf8')) as Rendering // of writeRendering
  return { open, closed: { ...open, ...closed }, measured: { ...open, ...measured }, minimal }
}

/** Of all runs but the first only what differs is kept. */
async function writeRendering({ open, closed, measured, minimal }: Rendering): Promise<void> {
  const differing = (resources: Resources): Resources =>
    Object.fromEntries(
      Object.entries(resources).filter(([address, fields]) => JSON.stringify(fields) !== JSON.stringify(open[address])),
    )
  const text = JSON.stringify({ open, closed: differing(closed), measured: differing(measured), minimal })
  writeFileSync(FILE, await format(text, { parser: 'json', printWidth: 120 }))
}

/** Plans the example anew. */
export async function render(workspace: Workspace): Promise<Rendering> {
  addTest(workspace, MODULE, 'offline.tftest.hcl')
  const initialised = await workspace.terraform(MODULE, 'init', '-backend=false', '-no-color')
  if (initialised.code !== 0) throw new Error(initialised.output)
  const { code, output } = await workspace.terraform(MODULE, 'test', '-json', '-verbose')
  if (code !== 0) throw new Error(output.replaceAll(/^\{.*"test_plan".*$/gm, ''))
  const plans = output
    .split('\n')
    .filter((line) => line.includes('"type":"test_plan"'))
    .map((line) => JSON.parse(line) as { '@testrun': string; test_plan: Plan })
  const runs = new Map(plans.map((line) => [line['@testrun'], resourcesOf(line.test_plan)]))
  const of = (name: keyof Rendering): Resources => runs.get(name) ?? {}
  const open = of('open')
  const minimal = Object.fromEntries(Object.entries(of('minimal')).filter(([address]) => open[address] === undefined))
  return { open, closed: of('closed'), measured: of('measured'), minimal }
}

/** The part of `terraform show -json` of a plan that is read here. */
export interface Plan {
  readonly resource_changes: readonly {
    readonly address: string
    readonly mode: 'managed' | 'data'
    readonly change: { readonly after: Fields | null }
  }[]
}

/** The planned resources of any plan. What is known after apply only is absent, and so is what is empty. */
const resourcesOf = (plan: Plan): Resources =>
  Object.fromEntries(
    plan.resource_changes.flatMap(({ address, mode, change }) =>
      mode === 'managed' && change.after !== null
        ? [[address.replace(/^module\.driftseal\./, ''), trimmed(change.after)] as const]
        : [],
    ),
  )

function trimmed(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) =>
      LEFT_OUT.has(key) || isEmpty(value) ? [] : [[key, trimmedValue(key, value)] as const],
    ),
  )
}

function trimmedValue(key: string, value: unknown): unknown {
  if (typeof value === 'string' && DOCUMENTS.has(key)) return JSON.parse(value) as unknown
  if (Array.isArray(value)) return value.map((one: unknown) => trimmedValue('', one))
  return typeof value === 'object' && value !== null ? trimmed(value as Fields) : value
}

const isEmpty = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0)

if (import.meta.main) {
  using workspace = openWorkspace()
  await writeRendering(await render(workspace))
}
