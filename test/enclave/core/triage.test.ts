import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { triage } from '../../../enclave/core/triage.ts'
import { catalog, record } from './world.ts'

const described = catalog.entry('ecr.amazonaws.com', 'PutImageTagMutability')

test.each<[JsonObject, string | undefined]>([
  [{}, undefined],
  [{ errorCode: 'AccessDenied' }, 'the call failed: AccessDenied'],
  [{ errorCode: 'Client.UnauthorizedOperation' }, 'the call failed: Client.UnauthorizedOperation'],
  [{ errorCode: '', errorMessage: 'no' }, 'the call failed: Error'],
  [{ errorCode: 'Client.DryRunOperation' }, 'a dry run changes nothing'],
  [{ errorCode: 'DryRunOperation' }, 'a dry run changes nothing'],
  [{ requestParameters: { dryRun: true } }, 'a dry run changes nothing'],
  [{ requestParameters: { dryRun: false } }, undefined],
  [{ responseElements: { _return: false } }, 'the call failed'],
  [{ responseElements: { _return: true } }, undefined],
  [{ eventCategory: 'Data' }, 'a data event: content, not configuration'],
  [{ managementEvent: false }, 'a data event: content, not configuration'],
  [{ eventCategory: 'Insight' }, 'a CloudTrail insight, not a call'],
  [{ eventCategory: 'NetworkActivity' }, 'network activity, not a change'],
  [{ eventCategory: 'Management' }, undefined],
  [{ eventType: 'AwsConsoleSignIn' }, 'a sign-in, not a change'],
  [{ eventSource: 'signin.amazonaws.com', eventName: 'ConsoleLogin' }, 'a sign-in, not a change'],
  [{ eventType: 'AwsConsoleAction' }, undefined],
  // The catalog knows that this changes something, whatever the record's flags say.
  [{ readOnly: true }, undefined],
  [{ readOnly: 'true' }, undefined],
  [{ eventType: 'AwsServiceEvent' }, undefined],
])('of a call that the catalog describes, %j: %s', (over, reason) => {
  expect(triage(parseRecord(record('PutImageTagMutability', {}, over)), described)).toBe(reason)
})

test.each<[string, JsonObject, string | undefined]>([
  ['DescribeRepositories', { readOnly: true }, 'a read changes nothing'],
  ['DescribeRepositories', { readOnly: 'true' }, 'a read changes nothing'],
  ['DescribeRepositories', { readOnly: null }, 'a read changes nothing'],
  ['PutRepositoryLabel', { readOnly: null }, undefined],
  ['PutRepositoryLabel', { readOnly: false }, undefined],
  ['RotateKey', { eventType: 'AwsServiceEvent', readOnly: false }, "a service's own notice, not a call"],
])('of a call that it does not, %s with %j: %s', (name, over, reason) => {
  expect(triage(parseRecord(record(name, {}, over)), undefined)).toBe(reason)
})
