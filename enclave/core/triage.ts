import type { CatalogEntry } from './catalog.ts'
import type { CloudEvent } from './event.ts'
import { isObject, type Json } from './json.ts'

/** EC2's answer to a call that would have worked and was only tried. */
const DRY_RUN = /^(?:Client\.)?DryRunOperation$/
const TRIED = 'a dry run changes nothing'

const NO_CALL: ReadonlyMap<string, string> = new Map([
  ['AwsConsoleSignIn', 'a sign-in, not a change'],
  ['AwsServiceEvent', "a service's own notice, not a call"],
  ['AwsVpceEvent', 'network activity, not a change'],
  ['AwsCloudTrailInsight', 'a CloudTrail insight, not a call'],
])
const DATA = 'a data event: content, not configuration'
/** The same, in the field that newer records have. */
const NO_CHANGE: ReadonlyMap<Json | undefined, string> = new Map([
  ['Data', DATA],
  ['Insight', 'a CloudTrail insight, not a call'],
  ['NetworkActivity', 'network activity, not a change'],
])
/** Sign-ins and switches of role, whatever type the record says it has. */
const SIGN_IN = 'signin.amazonaws.com'

/**
 * Why an event can have changed no configuration; undefined when it may have. The record's own flags are AWS's word for
 * one call at a time, and wrong for some: what the catalog describes as a change is one, and needs no flag.
 */
export function triage(event: CloudEvent, entry: CatalogEntry | undefined): string | undefined {
  if (event.errorCode !== undefined)
    return DRY_RUN.test(event.errorCode) ? TRIED : `the call failed: ${event.errorCode}`
  if (event.request['dryRun'] === true) return TRIED // Lambda's, which succeeds
  if (event.response['_return'] === false || event.response['_return'] === 'false') return 'the call failed'
  if (event.source === SIGN_IN) return NO_CALL.get('AwsConsoleSignIn')
  const { eventCategory, managementEvent } = isObject(event.record) ? event.record : {}
  const category = NO_CHANGE.get(eventCategory) ?? (managementEvent === false ? DATA : undefined)
  const isContent = entry?.kind === 'configuration' && entry.isContent === true
  if (category !== undefined && !(isContent && category === DATA)) return category
  if (entry?.kind === 'configuration') return event.type === 'AwsConsoleSignIn' ? NO_CALL.get(event.type) : undefined
  return event.readOnly ? 'a read changes nothing' : NO_CALL.get(event.type)
}
