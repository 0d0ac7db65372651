import { describe, expect, it } from 'vitest'
import { openS3States, StatesError } from '../../../enclave/adapters/s3.ts'
import { REGION, scriptedAws, type Answer } from './scripted_aws.ts'

const location = { bucket: 'states', key: 'network/terraform.tfstate' }
const error = (status: number, code: string): Answer => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>a secret in words</Message></Error>`,
})

async function fetched(answer: Answer, known?: string) {
  const { access, asked } = await scriptedAws(() => answer)
  const outcome = await openS3States(access)
    .fetch(location, known)
    .catch((reason: unknown) => reason)
  return { outcome, asked }
}

describe('a state in S3', () => {
  it('is found, with the version by which it is known', async () => {
    const { outcome, asked } = await fetched({ headers: { etag: '"one"' }, body: '{"version":4}' })
    expect(outcome).toEqual({ kind: 'found', version: '"one"', bytes: Buffer.from('{"version":4}') })
    expect(asked).toMatchObject([
      {
        operation: 'GET',
        path: expect.stringMatching(/^\/network\/terraform\.tfstate(\?|$)/) as string,
        headers: { host: `states.s3.${REGION}.amazonaws.com` },
      },
    ])
    expect(asked[0]?.headers).not.toHaveProperty('if-none-match')
  })

  it('in a bucket with dots is asked for at S3 itself, as the configuration allows', async () => {
    const { access, asked } = await scriptedAws(() => ({ headers: { etag: '"one"' }, body: '{}' }))
    await openS3States(access).fetch({ bucket: 'states.example.com', key: 'x' }, undefined)
    expect(asked[0]?.headers['host']).toBe(`s3.${REGION}.amazonaws.com`)
    expect(asked[0]?.path).toMatch(/^\/states\.example\.com\/x/)
  })

  it('is asked for only if it has changed', async () => {
    const { outcome, asked } = await fetched({ status: 304, headers: { etag: '"one"' } }, '"one"')
    expect(outcome).toEqual({ kind: 'unchanged' })
    expect(asked[0]?.headers['if-none-match']).toBe('"one"')
  })

  it('may not be there', async () => {
    expect((await fetched(error(404, 'NoSuchKey'))).outcome).toEqual({ kind: 'missing' })
  })

  it.each<[string, Answer]>([
    ['AccessDenied', error(403, 'AccessDenied')],
    ['NoSuchBucket', error(404, 'NoSuchBucket')],
    ['PermanentRedirect', error(301, 'PermanentRedirect')],
  ])('that S3 refuses with %s is not taken for one that is not there', async (name, answer) => {
    const { outcome } = await fetched(answer)
    expect(outcome).toMatchObject({ constructor: StatesError, code: 'refused' })
    expect(String(outcome)).toContain(name)
    expect(String(outcome)).not.toContain('in words')
  })

  it('throws nothing but its own error', async () => {
    expect((await fetched({ status: 400, body: 'not XML' })).outcome).toBeInstanceOf(StatesError)
  })
})
