import { beforeEach, describe, expect, test } from 'vitest'
import { createAccess } from '../../../local/aws/access.ts'

const START = Date.parse('2026-11-21T12:00:00Z')
let now: Date
const { access, grant } = createAccess(() => now)
grant('AKIAREADER', { actions: ['s3:GetObject'] })
grant('AKIAQUEUE', { actions: ['sqs:*'] })
grant('ASIASESSION', { actions: ['s3:GetObject'], session: { token: 'secret', expires: new Date(START + 1000) } })
beforeEach(() => {
  now = new Date(START)
})

describe('access', () => {
  test.each([
    ['AKIAREADER', undefined, 's3:GetObject', 'allowed'],
    ['AKIAREADER', undefined, 's3:PutObject', 'denied'],
    ['AKIAREADER', undefined, 's3:GetObjectAcl', 'denied'],
    ['AKIAQUEUE', undefined, 'sqs:ReceiveMessage', 'allowed'],
    ['AKIAQUEUE', undefined, 's3:GetObject', 'denied'],
    ['AKIANOBODY', undefined, 's3:GetObject', 'unknown'],
    ['ASIASESSION', 'secret', 's3:GetObject', 'allowed'],
    ['ASIASESSION', 'secret', 'sqs:ReceiveMessage', 'denied'],
    ['ASIASESSION', 'guess', 's3:GetObject', 'unknown'],
    ['ASIASESSION', undefined, 's3:GetObject', 'unknown'],
    ['ASIASESSION', ['secret', 'secret'], 's3:GetObject', 'unknown'],
  ])('%s with token %s to %s is %s', (accessKeyId, token, action, answer) => {
    expect(access(accessKeyId, token, action)).toBe(answer)
  })

  test('ends with its session', () => {
    now = new Date(START + 1000)
    expect(access('ASIASESSION', 'secret', 's3:GetObject')).toBe('expired')
  })
})
