import type { Catalog } from '../enclave/core/catalog.ts'
import { parseRecord } from '../enclave/core/cloudtrail.ts'
import { detect } from '../enclave/core/detect.ts'
import { draft } from '../enclave/core/draft.ts'
import { subjectOf } from '../enclave/core/enrich.ts'
import type { CloudEvent } from '../enclave/core/event.ts'
import type { Finding, Kind, OutcomeName } from '../enclave/core/finding.ts'
import { defined, type JsonObject } from '../enclave/core/json.ts'
import { recordOf } from '../enclave/core/native/identity.ts'
import type { PolicyRule } from '../enclave/core/native/rules.ts'
import type { Example, ShortExample, WholeExample } from '../enclave/core/native/schema.ts'
import { createTallies } from '../enclave/core/native/thresholds.ts'
import { splitPath, valueAt } from '../enclave/core/path.ts'
import type { Explanation, Rule, Subject } from '../enclave/core/rule.ts'
import { parseState } from '../enclave/core/state.ts'
import { replayWorld } from './replay.ts'

/** When an example happens, and its account, where nothing else is said. */
const MOMENT = Date.parse('2026-01-15T12:00:00Z')
const ACCOUNT = '111122223333'
const ACTOR = { type: 'IAMUser', name: 'admin@example.com', console: true }

/** What a rule made of an example. */
export interface Trial {
  readonly fires: boolean
  /** Why, condition by condition; absent where the detector led to no finding that rules judge. */
  readonly explanation?: Explanation
}

/** Shows an example to a rule. */
export const tryExample = (rule: Rule, example: Example, catalog: Catalog): Trial =>
  'record' in example ? tryWhole(rule, example, catalog) : tryShort(rule, example)

function tryShort(rule: Rule, example: ShortExample): Trial {
  const tallies = createTallies()
  const { name, severity, threshold } = rule
  const id = rule.id ?? name
  let trial: Trial = { fires: false }
  for (let turn = 0; turn < (example.times ?? 1); turn += 1) {
    const subject = describedBy(rule, example, MOMENT + turn * 1000)
    const { finding } = subject
    const isHeld = rule.matches(subject)
    const fires = isHeld && (threshold === undefined || tallies.isReached(id, threshold, finding))
    trial = { fires, explanation: rule.explain(subject) }
    if (isHeld && threshold !== undefined) {
      const rules = fires ? [{ id, name, severity, message: '' }] : []
      tallies.record({ ...finding, rules, counted: [{ rule: id, per: threshold.per }] })
    }
  }
  return trial
}

/** The subject that a short example describes; what it leaves out comes from its rule. */
function describedBy(rule: Rule, example: ShortExample, time: number): Subject {
  const said = saidBy(rule)
  const [service = '', name = ''] = (example.event ?? said.event ?? 'example:UpdateExample').split(/:(.*)/s)
  const type = example.type ?? said.type
  const outcome = example.outcome ?? said.outcome ?? (type === undefined ? 'unmapped' : 'drift')
  const actor = { ...ACTOR, ...example.actor }
  const account = example.account ?? ACCOUNT
  const request = example.request ?? {}
  const event: CloudEvent = {
    cloud: 'aws',
    id: 'example',
    time: new Date(time).toISOString(),
    source: service.includes('.') ? service : `${service}.amazonaws.com`,
    name,
    account,
    region: 'eu-west-1',
    type: 'AwsApiCall',
    readOnly: false,
    actor,
    request,
    response: {},
    record: { ...recordOf(example.identity ?? {}), requestParameters: request },
  }
  const address = outcome === 'drift' ? (example.address ?? `${type}.example`) : null
  const resource =
    type === undefined ? null : { type, id: example.id ?? 'example', address, state: address && 'example' }
  const changes = example.changes ?? {}
  const kind = example.kind ?? (type === undefined ? null : (said.kind ?? usualKind(changes)))
  const finding: Finding = {
    ...draft(event, outcome, 'an example'),
    kind,
    resource,
    changes,
    verdict: outcome === 'drift' ? 'confirmed' : null,
  }
  const { attributes } = example
  return attributes === undefined
    ? { event, finding }
    : { event, finding, attribute: (path) => valueAt(attributes, splitPath(path)) }
}

interface Said {
  readonly type?: string
  readonly event?: string
  readonly kind?: Kind
  readonly outcome?: OutcomeName
}

/** What a rule says of the findings that it is about: of each the first that is no pattern. */
function saidBy(rule: Rule): Said {
  if (!isPolicy(rule)) return {}
  const { resource_types: types, events, kinds, outcomes } = rule.source
  return defined<Said>({
    type: types?.find(isExact),
    event: events?.find(isExact),
    kind: kinds?.[0],
    outcome: outcomes?.[0],
  })
}

const isExact = (name: string): boolean => !name.includes('*')

/** Native rules have one maker. */
const isPolicy = (rule: Rule): rule is PolicyRule => rule.language === 'native'

/** A change, unless there is none to show. */
const usualKind = (changes: Finding['changes']): Kind => (Object.keys(changes).length > 0 ? 'changed' : 'deleted')

/** A record takes the whole way through the detector, against a state of its own. */
function tryWhole(rule: Rule, { record, state }: WholeExample, catalog: Catalog): Trial {
  const event = parseRecord(record)
  const world = replayWorld({ catalog, rules: [rule], warnings: [] }, [parseState(stateText(state), 'example')], [])
  const { findings } = detect(event, world, Date.parse(event.time))
  const finding = findings.find(({ rules }) => rules.length > 0) ?? findings[0]
  if (finding === undefined) return { fires: false }
  return { fires: finding.rules.length > 0, explanation: rule.explain(subjectOf(event, finding, world)) }
}

/** A state as Terraform writes it. */
function stateText(resources: Readonly<Record<string, JsonObject>>): string {
  return JSON.stringify({
    version: 4,
    serial: 1,
    lineage: 'example',
    resources: Object.entries(resources).map(([address, attributes]) => {
      const [type, name] = address.split('.')
      const provider = `provider["registry.terraform.io/hashicorp/${type?.split('_')[0]}"]`
      return { mode: 'managed', type, name, provider, instances: [{ attributes }] }
    }),
  })
}
