import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ArchiveError, openS3Ledger } from '../../../enclave/adapters/s3_ledger.ts'
import type { Archive } from '../../../enclave/ports.ts'
import type { Sealed } from '../../../enclave/sealing/types.ts'
import { createCa } from '../../../local/aws/ca.ts'
import { openFauxqs, type Fauxqs } from '../../../local/aws/fauxqs.ts'
import { agentTo, serveFront, type Front } from '../../../local/aws/front.ts'
import { hostsOf } from '../../../local/aws/hosts.ts'
import { jsonService } from '../../../local/aws/protocol.ts'
import { ACCOUNT, REGION } from '../../local/aws/clients.ts'

/** More than S3 lists in one page. */
const MANY = 1003
const object = (text: string) => Buffer.from(text) as Uint8Array as Sealed<unknown>

let fauxqs: Fauxqs
let front: Front
let open: (bucket: string, prefix: string) => Archive
let may: 'allowed' | 'denied' = 'allowed'

beforeAll(async () => {
  const authority = await createCa(new Date())
  fauxqs = await openFauxqs({ region: REGION, account: ACCOUNT })
  await fauxqs.createBucket('ledger')
  const nothing = jsonService('TrentService', new Map())
  front = await serveFront({
    region: REGION,
    certificate: await authority.issue(hostsOf(REGION)),
    services: { kms: nothing, secretsmanager: nothing, sqs: nothing, s3: fauxqs.s3, rolesanywhere: nothing },
    access: () => may,
  })
  const agent = agentTo({ port: front.port, ca: authority.pem })
  const expiration = new Date(Date.now() + 3_600_000)
  const credentials = async () => ({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example', expiration })
  open = (bucket, prefix) => openS3Ledger({ region: REGION, agent, credentials }, { bucket, prefix })
})

afterAll(async () => {
  await front.close()
  await fauxqs.close()
})

describe('the ledger in S3', () => {
  it('creates, and never replaces', async () => {
    const archive = open('ledger', 'a/')
    expect(await archive.create('alerts-1', object('one'))).toBe('created')
    expect(await archive.create('alerts-1', object('two'))).toBe('taken')
    expect(Buffer.from((await archive.get('alerts-1')) ?? []).toString()).toBe('one')
  })

  it('has nothing under a name that nobody gave', async () => {
    expect(await open('ledger', 'a/').get('alerts-9')).toBeUndefined()
  })

  it('lists all of its own, over any number of pages, and nothing beside its prefix', async () => {
    const archive = open('ledger', 'many/')
    const names = Array.from({ length: MANY }, (_, index) => `alerts-${String(index).padStart(4, '0')}`)
    for (let at = 0; at < MANY; at += 50) {
      await Promise.all(names.slice(at, at + 50).map((name) => archive.create(name, object(name))))
    }
    await archive.create('key-1', object('key'))
    expect(await archive.list('alerts-')).toEqual(names)
    expect(await open('ledger', 'other/').list('alerts-')).toEqual([])
  })

  it('says when it is not reached, in its own error', async () => {
    may = 'denied'
    const archive = open('ledger', 'a/')
    const calls = [() => archive.create('x', object('x')), () => archive.get('x'), () => archive.list('x')]
    for (const call of calls) {
      const error = await call().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(ArchiveError)
      expect(error).toMatchObject({ code: 'refused', message: expect.stringMatching(/AccessDenied$/) as string })
    }
    may = 'allowed'
    await expect(open('nowhere', '').list('x')).rejects.toMatchObject({ code: 'refused' })
  })
})
