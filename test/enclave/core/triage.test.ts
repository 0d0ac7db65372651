import { expect, test } from 'vitest'
import { parseRecord } from '../../../enclave/core/cloudtrail.ts'
import type { JsonObject } from '../../../enclave/core/json.ts'
import { triage } from '../../../enclave/core/triage.ts'
import { record } from './world.ts'

test.each<[JsonObject, string | undefined]>([
  [{}, undefined],
  [{ errorCode: 'AccessDenied' }, 'the call failed: AccessDenied'],
  [{ errorCode: 'Client.UnauthorizedOperation' }, 'the call failed: Client.UnauthorizedOperation'],
  [{ errorCode: 'Client.DryRunOperation' }, 'a dry run changes nothing'],
  [{ errorCode: 'DryRunOperation' }, 'a dry run changes nothing'],
  [{ readOnly: true }, 'a read changes nothing'],
  [{ eventCategory: 'Data' }, 'a data event: content, not configuration'],
  [{ managementEvent: false }, 'a data event: content, not configuration'],
  [{ eventType: 'AwsServiceEvent' }, "a service's own notice, not a call"],
  [{ eventType: 'AwsConsoleSignIn' }, 'a sign-in, not a change'],
  [{ eventType: 'AwsConsoleAction' }, undefined],
])('%j: %s', (over, reason) => {
  expect(triage(parseRecord(record('PutImageTagMutability', {}, over)))).toBe(reason)
})
