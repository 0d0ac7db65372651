import * as fc from 'fast-check'
import { readdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type BlobName, openBlobs, parseBlobName } from '../../parent-proxy/blobs.ts'
import { Refusal } from '../../parent-proxy/refusal.ts'
import { directory, readAll, unless } from './sockets.ts'

async function* chunks(...texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text)
}

async function* broken() {
  yield Buffer.from('half')
  throw new Error('connection lost')
}

const name = (text: string): BlobName => parseBlobName(text)
const content = async (blobs: Awaited<ReturnType<typeof openBlobs>>, of: string) =>
  (await readAll((await blobs.get(name(of))).body)).toString()

describe('parseBlobName', () => {
  it.each(['a', '0', 'alerts-000000000042', 'state-prod.v1_2', 'a..b', 'x'.repeat(128)])('takes %.20s', (text) =>
    expect(parseBlobName(text)).toBe(text),
  )

  it.each([
    '',
    '.',
    '..',
    '.hidden',
    '.unfinished-1',
    '-a',
    '_a',
    '../a',
    'a/b',
    'a\\b',
    '/a',
    'a/../../b',
    '%2e%2e%2fa',
    'A',
    'a b',
    'a\0',
    'a\n',
    'ä',
    'x'.repeat(129),
  ])('refuses %.20j', (text) =>
    expect(() => parseBlobName(text)).toThrow(expect.objectContaining({ code: 'bad-name' })),
  )

  it('never lets a name out of the directory, nor onto one of its own files', () => {
    const hostile = fc.array(fc.constantFrom('.', '..', '/', '\\', '%2f', '\0', 'a', '-', '_', '.unfinished-'))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          hostile.map((parts) => parts.join('')),
        ),
        (text) => {
          const parsed = unless(Refusal, () => parseBlobName(text)) ?? 'refused'
          expect(dirname(resolve('/blobs', parsed))).toBe('/blobs')
          expect(parsed.startsWith('.')).toBe(false)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('the blob store', () => {
  it('creates, replaces, reads, lists and removes', async () => {
    const blobs = await openBlobs(join(await directory(), 'deep', 'blobs'))
    await blobs.put(name('b'), chunks('one ', 'two'), 'create')
    await blobs.put(name('a'), chunks(), 'create')
    expect(await content(blobs, 'b')).toBe('one two')
    const { size, body } = await blobs.get(name('b'))
    body.destroy()
    expect(size).toBe(7)
    expect(await content(blobs, 'a')).toBe('')

    await blobs.put(name('b'), chunks('three'), 'replace')
    await blobs.put(name('c'), chunks('new'), 'replace')
    expect(await content(blobs, 'b')).toBe('three')
    expect(await blobs.list('', '')).toEqual(['a', 'b', 'c'])

    await blobs.remove(name('b'))
    expect(await blobs.list('', '')).toEqual(['a', 'c'])
  })

  it.each([
    ['', '', ['alerts-1', 'alerts-2', 'keys-1']],
    ['alerts-', '', ['alerts-1', 'alerts-2']],
    ['alerts-', 'alerts-1', ['alerts-2']],
    ['', 'alerts-2', ['keys-1']],
    ['none', '', []],
    ['../', '', []],
  ])('lists what begins with %j past %j', async (prefix, after, names) => {
    const blobs = await openBlobs(await directory())
    for (const one of ['keys-1', 'alerts-2', 'alerts-1']) await blobs.put(name(one), chunks(), 'create')
    expect(await blobs.list(prefix, after)).toEqual(names)
  })

  it.each(['get', 'remove'] as const)('%s says that there is no such blob', async (verb) => {
    const blobs = await openBlobs(await directory())
    await expect(blobs[verb](name('none'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('leaves a taken name as it is when it is to be created', async () => {
    const blobs = await openBlobs(await directory())
    await blobs.put(name('a'), chunks('first'), 'create')
    await expect(blobs.put(name('a'), chunks('second'), 'create')).rejects.toMatchObject({ code: 'taken' })
    expect(await content(blobs, 'a')).toBe('first')
  })

  it('lets one of many writers win, with all of its bytes', async () => {
    const path = await directory()
    const blobs = await openBlobs(path)
    const writers = Array.from({ length: 16 }, (_, writer) => String(writer).repeat(10_000))
    const results = await Promise.allSettled(writers.map((text) => blobs.put(name('a'), chunks(text), 'create')))
    const won = results.flatMap(({ status }, writer) => (status === 'fulfilled' ? [writers[writer]] : []))
    expect(won).toHaveLength(1)
    expect(await content(blobs, 'a')).toBe(won[0])
    expect(await readdir(path)).toEqual(['a'])
  })

  it('keeps nothing of a body that breaks off', async () => {
    const path = await directory()
    const blobs = await openBlobs(path)
    await expect(blobs.put(name('a'), broken(), 'create')).rejects.toThrow('connection lost')
    expect(await readdir(path)).toEqual([])

    await blobs.put(name('a'), chunks('before'), 'create')
    await expect(blobs.put(name('a'), broken(), 'replace')).rejects.toThrow('connection lost')
    expect(await content(blobs, 'a')).toBe('before')
    expect(await readdir(path)).toEqual(['a'])
  })

  it('gives a reader one version while the name is replaced', async () => {
    const blobs = await openBlobs(await directory())
    await blobs.put(name('a'), chunks('old'), 'create')
    const reading = await blobs.get(name('a'))
    await blobs.put(name('a'), chunks('new and longer'), 'replace')
    expect((await readAll(reading.body)).toString()).toBe('old')
    expect(reading.size).toBe(3)
  })

  it('clears away what a killed process left unfinished, and shows nothing that is not a blob', async () => {
    const path = await directory()
    await writeFile(join(path, '.unfinished-1'), 'half')
    await writeFile(join(path, 'README'), 'not ours')
    await writeFile(join(path, 'a'), 'kept')
    const blobs = await openBlobs(path)
    expect(await blobs.list('', '')).toEqual(['a'])
    expect((await readdir(path)).sort()).toEqual(['README', 'a'])
  })
})
