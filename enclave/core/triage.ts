import type { CloudEvent } from './event.ts'

/** EC2's answer to a call that would have worked and was only tried. */
const DRY_RUN = /^(?:Client\.)?DryRunOperation$/

const NO_CALL: ReadonlyMap<string, string> = new Map([
  ['AwsConsoleSignIn', 'a sign-in, not a change'],
  ['AwsServiceEvent', "a service's own notice, not a call"],
  ['AwsVpceEvent', 'network activity, not a change'],
  ['AwsCloudTrailInsight', 'a CloudTrail insight, not a call'],
])

/** Why an event can have changed no configuration; undefined when it may have. */
export function triage(event: CloudEvent): string | undefined {
  if (event.errorCode !== undefined)
    return DRY_RUN.test(event.errorCode) ? 'a dry run changes nothing' : `the call failed: ${event.errorCode}`
  if (event.readOnly) return 'a read changes nothing'
  if (isDataEvent(event)) return 'a data event: content, not configuration'
  return NO_CALL.get(event.type)
}

function isDataEvent({ record }: CloudEvent): boolean {
  const fields = record as { readonly eventCategory?: unknown; readonly managementEvent?: unknown }
  return fields.eventCategory === 'Data' || fields.managementEvent === false
}
