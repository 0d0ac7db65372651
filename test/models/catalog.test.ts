import { describe, expect, test } from 'vitest'
import { services } from '../enclave/core/services.ts'
import { holds, parseShape, readModel, unprovenIn } from './model.ts'

describe.each(services)('$name', ({ name, calls }) => {
  const model = readModel(name.replace('.yaml', ''))
  test.each(calls)(`${name}: $event is as the service's API says`, (call) => {
    // Whatever no model proves is marked, with a reason; and what is marked is not proven.
    expect(unprovenIn(model, call).toSorted()).toEqual(Object.keys(call.unproven).toSorted())
  })

  test(`${name}: the models are those of the calls`, () => {
    const operations = new Set(calls.map(({ operation }) => operation))
    expect(Object.keys(model).filter((operation) => !operations.has(operation))).toEqual([])
  })
})

describe('a place is in a shape', () => {
  test.each<[string, string, boolean]>([
    ['{DBInstanceIdentifier:string}', 'dBInstanceIdentifier', true],
    ['{DBInstanceIdentifier:string}', 'dbInstanceIdentifier', false],
    ['{Bucket:string, VersioningConfiguration:{Status:string}}', 'bucketName', true],
    ['{VersioningConfiguration:{MFADelete@MfaDelete:string}}', 'VersioningConfiguration.MfaDelete', true],
    ['{InstanceIds@InstanceId:[string]}', 'instancesSet.items.instanceId', true],
    ['{InstanceIds@InstanceId:[string]}', 'volumesSet.items', false],
    [
      '{IpPermissions:[{IpRanges@ipRanges:[{CidrIp@cidrIp:string}]}]}',
      'ipPermissions.items.ipRanges.items.cidrIp',
      true,
    ],
    ['{attributes:<string>}', 'attributes.Policy', true],
    ['{attributes:<string>}', 'attributes.Policy.Statement', false],
    ['{a:{b:…}}', 'a.b.c.d', true],
    ['{a:string}', 'a.b', false],
    ['{a:[{b:string}]}', 'a.b', true],
    ['{A:{Quantity:integer, Items:[{B:string}]}}', 'a.b', true],
    ['{A:{Quantity:integer, Items:[{B:string}]}}', 'a.c', false],
    ['{a:[{b:string}]}', 'a.c', false],
  ])('%s: %s', (shape, place, is) => {
    expect(holds(parseShape(shape), place.split('.'))).toBe(is)
  })
})
