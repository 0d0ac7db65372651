import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlobError, openBlobs } from '../../../enclave/adapters/blobs.ts'
import type { Parent } from '../../../enclave/adapters/parent.ts'
import type { Wrapped } from '../../../enclave/sealing/types.ts'
import { openBlobs as openStore } from '../../../parent-proxy/blobs.ts'
import { createServices } from '../../../parent-proxy/services.ts'
import { hostBytes } from '../../fakes/blobs.ts'
import { directory } from '../../parent-proxy/sockets.ts'
import { httpParent, sayingParent } from './parents.ts'

const object = (text: string): Wrapped => Buffer.from(text) as Uint8Array as Wrapped // opaque to everything here

/** The blobs of the real parent-proxy, over HTTP. */
async function parentsBlobs() {
  const services = createServices({
    blobs: await openStore(await directory()),
    credentials: () => Promise.reject(new Error('none')),
    identity: {},
    append: () => {},
    log: () => {},
  })
  return openBlobs(await httpParent((request, response) => void services.emit('request', request, response)))
}

describe('the parent’s blobs', () => {
  it('are created once, replaced, read and listed', async () => {
    const blobs = await parentsBlobs()
    expect(await blobs.get('a-1')).toBeUndefined()
    expect(await blobs.create('a-1', object('one'))).toBe('created')
    expect(await blobs.create('a-1', object('two'))).toBe('taken')
    expect(await blobs.get('a-1')).toEqual(object('one'))
    await blobs.replace('a-1', object('three'))
    expect(await blobs.get('a-1')).toEqual(object('three'))
    for (const name of ['a-10', 'b-1', 'a-2']) await blobs.replace(name, object(''))
    expect(await blobs.list('a-')).toEqual(['a-1', 'a-10', 'a-2'])
    expect(await blobs.list('c-')).toEqual([])
    expect(await blobs.get('a-2')).toEqual(object(''))
  })

  it('are not stored when they could not be read again; only a state may be large', async () => {
    const blobs = openBlobs(await sayingParent(204))
    const large = Buffer.alloc((8 << 20) + 1) as Uint8Array as Wrapped
    await expect(blobs.create('alerts-1', large)).rejects.toMatchObject({ constructor: BlobError, code: 'too-large' })
    await expect(blobs.replace('cursor-1', large)).rejects.toMatchObject({ constructor: BlobError, code: 'too-large' })
    await blobs.replace('state-1', large)
    const giving = openBlobs(await sayingParent(200, large))
    await expect(giving.get('alerts-1')).rejects.toMatchObject({ code: 'too-large' })
    expect(await giving.get('state-1')).toHaveLength(large.length)
  })

  it.each([200, 302, 400, 404, 409, 413, 500])('that answer %i to a write have not written', async (status) => {
    const blobs = openBlobs(await sayingParent(status))
    await expect(blobs.create('a', object('x'))).rejects.toMatchObject({ constructor: BlobError, code: 'refused' })
    await expect(blobs.replace('a', object('x'))).rejects.toMatchObject({ constructor: BlobError, code: 'refused' })
  })

  it('that answer "taken" to a replacement have not replaced', async () => {
    const blobs = openBlobs(await sayingParent(412))
    expect(await blobs.create('a', object('x'))).toBe('taken')
    await expect(blobs.replace('a', object('x'))).rejects.toMatchObject({ code: 'refused' })
  })

  it.each([204, 403, 500])('that answer %i to a read are not empty', async (status) => {
    const blobs = openBlobs(await sayingParent(status))
    await expect(blobs.get('a')).rejects.toMatchObject({ constructor: BlobError, code: 'refused' })
    await expect(blobs.list('a')).rejects.toMatchObject({ constructor: BlobError, code: 'refused' })
  })
})

/** Blobs of a parent that lists these pages, one after the other, whatever it is asked. */
function listing(...pages: readonly (string | Uint8Array)[]) {
  const left = [...pages]
  const asked: string[] = []
  const parent: Parent = async (_method, path) => {
    asked.push(path)
    return { status: 200, body: hostBytes(left.shift() ?? '{"names":[]}') }
  }
  return { asked, list: () => openBlobs(parent).list('a-') }
}
const page = (...names: readonly unknown[]): string => JSON.stringify({ names })

describe('a listing', () => {
  it('goes on after the last name of each page, until there is no more', async () => {
    const { asked, list } = listing(page('a-1', 'a-2'), page('a-3'))
    expect(await list()).toEqual(['a-1', 'a-2', 'a-3'])
    expect(asked).toEqual(['', 'a-2', 'a-3'].map((after) => `/blobs?prefix=a-&after=${after}`))
  })

  it.each<[string, readonly (string | Uint8Array)[]]>([
    ['no JSON', ['<html>']],
    ['no list', ['{"names":"a-1"}']],
    ['more than a list', ['{"names":[],"more":1}']],
    ['a name that is none', [page('a-1', 7)]],
    ['a name that is a path', [page('a-/../x')]],
    ['a name in capitals', [page('a-A')]],
    ['a name that is too long', [page(`a-${'x'.repeat(127)}`)]],
    ['a name of another kind', [page('a-1', 'b-1')]],
    ['a name twice', [page('a-1', 'a-1')]],
    ['names out of order', [page('a-2', 'a-1')]],
    ['the same page for ever', [page('a-1'), page('a-1')]],
    ['pages out of order', [page('a-5'), page('a-4')]],
  ])('is not %s', async (_what, pages) => {
    await expect(listing(...pages).list()).rejects.toMatchObject({ constructor: BlobError, code: 'malformed' })
  })

  it('ends, however long a parent goes on', async () => {
    const PAGE = 700_000
    let count = 0
    const parent: Parent = async () => {
      const names = Array.from({ length: PAGE }, (_, index) => `a-${String(count + index).padStart(9, '0')}`)
      count += PAGE
      return { status: 200, body: hostBytes(JSON.stringify({ names })) }
    }
    await expect(openBlobs(parent).list('a-')).rejects.toMatchObject({ code: 'malformed' })
    expect(count).toBe(3 * PAGE)
  })

  it('throws nothing but its own error', async () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json(),
      fc.array(fc.oneof(fc.constantFrom('a-', 'a-1', 'a-2', 'b'), fc.string())).map((names) => page(...names)),
    )
    await fc.assert(
      fc.asyncProperty(anything, async (body) => {
        const outcome = await listing(body)
          .list()
          .catch((error: unknown) => error)
        expect(!(outcome instanceof Error) || outcome instanceof BlobError).toBe(true)
      }),
    )
  })
})
