import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { searchPlaintext, stringsOf } from '../../local/search.ts'
import { directory } from '../parent-proxy/sockets.ts'

/** What a search for the values finds in a folder with this one file. */
async function found(content: string | Uint8Array, ...values: readonly (string | Uint8Array)[]): Promise<boolean> {
  const folder = await directory()
  await mkdir(join(folder, 'deeper'))
  await writeFile(join(folder, 'deeper', 'file'), content)
  const { files, bytes, hits } = await searchPlaintext(folder, values)
  expect({ files, bytes }).toEqual({ files: 1, bytes: Buffer.byteLength(content as Uint8Array) })
  expect(hits.length === 0 || hits[0] === join(folder, 'deeper', 'file')).toBe(true)
  return hits.length > 0
}

const value = 'checkout-api'
const around = (before: number, after: number, bytes: string | Uint8Array = value): Buffer =>
  Buffer.concat([Buffer.alloc(before, 0xa7), Buffer.from(bytes as Uint8Array), Buffer.alloc(after, 0x5c)])

describe('a value that was planted is found', () => {
  it.each<[string, string | Uint8Array]>([
    ['as text', `{"name":"${value}"}`],
    ['as text between other bytes', around(3, 3)],
    ['as hex', around(1, 1).toString('hex')],
    ['as base64', Buffer.from(value).toString('base64')],
    ['as base64 within a larger text', `{"data":"${around(7, 9).toString('base64')}"}`],
  ])('%s', async (_what, content) => {
    expect(await found(content, value)).toBe(true)
  })

  const shortest = 'secret'
  const alignments = [0, 1, 2, 3].flatMap((before) => [0, 1, 2, 3].map((after) => [before, after] as const))
  it.each(alignments)('in base64 %i bytes from the start and %i from the end', async (before, after) => {
    for (const text of [shortest, `${shortest}s`, `${shortest}s!`, value]) {
      expect(await found(around(before, after, text).toString('base64'), text)).toBe(true)
    }
  })

  it('whatever it is and wherever it stands', async () => {
    const bytes = fc.uint8Array({ minLength: 6, maxLength: 40 })
    const gap = fc.integer({ min: 0, max: 5 })
    const form = fc.constantFrom('latin1', 'hex', 'base64') satisfies fc.Arbitrary<BufferEncoding>
    await fc.assert(
      fc.asyncProperty(bytes, gap, gap, form, async (planted, before, after, encoding) => {
        const content = Buffer.from(around(before, after, planted).toString(encoding), 'latin1')
        expect(await found(content, planted)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('inside a JSON text, although that escapes it', async () => {
    const policy = '{"Statement":["allow\\n"]}'
    expect(await found(JSON.stringify({ policy }), policy)).toBe(true)
  })

  it('beyond ASCII', async () => {
    expect(await found('the naïve übung', 'naïve üb')).toBe(true)
  })

  it('in the name of a file', async () => {
    const folder = await directory()
    await writeFile(join(folder, `blob-${value}`), '')
    expect((await searchPlaintext(folder, [value])).hits).toHaveLength(1)
  })

  it('among many files and values', async () => {
    const folder = await directory()
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), name === 'b' ? value : 'nothing')
    const search = await searchPlaintext(folder, ['another value', value])
    expect(search).toMatchObject({ files: 3, hits: [join(folder, 'b')] })
  })
})

describe('nothing is found', () => {
  it.each<[string, string | Uint8Array]>([
    ['where there is nothing', ''],
    ['of something else', 'checkout-ap1 and checkout_api'],
    ['of a part', value.slice(1)],
  ])('%s', async (_what, content) => {
    expect(await found(content, value)).toBe(false)
  })

  it('of values too short to be told from chance', async () => {
    expect(await found('short', 'short')).toBe(false)
  })

  it('in a folder without files', async () => {
    expect(await searchPlaintext(await directory(), [value])).toMatchObject({ files: 0, bytes: 0, hits: [] })
  })
})

it('takes every string of a document that is long enough, but no key, number or short one', () => {
  const document = { a: 'short', key: ['long enough', { b: 'deeper down' }], n: 1234567, none: null }
  expect(stringsOf(JSON.stringify(document))).toEqual(['long enough', 'deeper down'])
})
