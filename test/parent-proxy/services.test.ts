import * as fc from 'fast-check'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { Agent } from 'node:http'
import { Readable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MAX_BLOB_BYTES, openBlobs } from '../../parent-proxy/blobs.ts'
import { fixedCredentials } from '../../parent-proxy/credentials.ts'
import { MAX_LOG_BYTES } from '../../parent-proxy/lines.ts'
import { Refusal } from '../../parent-proxy/refusal.ts'
import { createServices, type World } from '../../parent-proxy/services.ts'
import { dial } from '../../vsock/index.ts'
import { ask, errorOf, large, serveUnix, sha256, shout, directory } from './sockets.ts'

const KEYS = { AccessKeyId: 'ASIAEXAMPLE1', SecretAccessKey: 'secret', Token: 'session' }

async function services(world: Partial<World> = {}) {
  const blobDirectory = await directory()
  const appended: string[] = []
  const logged: unknown[] = []
  const server = createServices({
    credentials: fixedCredentials(KEYS, () => Date.parse('2026-01-05T09:00:00Z')),
    blobs: await openBlobs(blobDirectory),
    identity: { instance: 'i-0123456789abcdef0', node: 'node-1' },
    append: (lines) => appended.push(lines),
    log: (_level, code, fields) => logged.push({ code, ...fields }),
    ...world,
  })
  return { address: await serveUnix(server), server, blobDirectory, appended, logged }
}

const bytes = (text: string) => Buffer.from(text)
const CREATE = { 'if-none-match': '*' }

describe('parent services', () => {
  it('give credentials', async () => {
    const { address } = await services()
    const reply = await ask(address, { path: '/credentials' })
    expect(JSON.parse(reply.body.toString())).toEqual({ ...KEYS, Expiration: '2026-01-05T10:00:00.000Z' })
    expect(reply.headers['cache-control']).toBe('no-store')
  })

  it('say when there are none', async () => {
    const { address } = await services({
      credentials: () => Promise.reject(new Refusal('no-credentials', 'none at present')),
    })
    const reply = await ask(address, { path: '/credentials' })
    expect([reply.status, reply.body.toString()]).toEqual([
      503,
      '{"error":"no-credentials","message":"none at present"}\n',
    ])
  })

  it('give hints of where they run', async () => {
    const { address } = await services()
    const reply = await ask(address, { path: '/identity' })
    expect(JSON.parse(reply.body.toString())).toEqual({ instance: 'i-0123456789abcdef0', node: 'node-1' })
  })

  it('take log lines as they are, all or none', async () => {
    const { address, appended } = await services()
    const post = (text: string) => ask(address, { method: 'POST', path: '/log' }, bytes(text))
    expect((await post('{"a":1}\n{"a":2}\n')).status).toBe(204)
    expect((await post('{"a":3}\nnot json\n')).status).toBe(400)
    expect((await ask(address, { method: 'POST', path: '/log' }, Buffer.alloc(MAX_LOG_BYTES + 1, 0x20))).status).toBe(
      413,
    )
    expect(appended).toEqual(['{"a":1}\n{"a":2}\n'])
  })

  it.each([
    ['GET', '/', 404, 'not-found'],
    ['GET', '/credentials/', 404, 'not-found'],
    ['GET', '//credentials', 404, 'not-found'],
    ['GET', 'http://parent/credentials', 404, 'not-found'],
    ['OPTIONS', '*', 404, 'not-found'],
    ['POST', '/credentials', 405, 'wrong-method'],
    ['DELETE', '/identity', 405, 'wrong-method'],
    ['GET', '/log', 405, 'wrong-method'],
    ['PUT', '/blobs', 405, 'wrong-method'],
    ['POST', '/blobs/a', 405, 'wrong-method'],
    ['GET', '/blobs?unknown=1', 400, 'bad-request'],
    ['GET', '/blobs?__proto__=1', 400, 'bad-request'],
    ['GET', '/blobs/', 400, 'bad-name'],
    ['GET', '/blobs/../a', 400, 'bad-name'],
    ['PUT', '/blobs/..%2fa', 400, 'bad-name'],
    ['DELETE', '/blobs/.unfinished-1', 400, 'bad-name'],
    ['GET', '/blobs/none', 404, 'not-found'],
    ['DELETE', '/blobs/none', 404, 'not-found'],
  ])('answer %s %s with %d %s', async (method, path, status, code) => {
    const { address, logged } = await services()
    const reply = await ask(address, { method, path })
    expect([reply.status, errorOf(reply)]).toEqual([status, code])
    expect(reply.body.toString()).toMatch(/^\{.*\}\n$/)
    expect(reply.headers['allow'] !== undefined).toBe(status === 405)
    expect(logged).toEqual([])
  })

  it('say nothing of a fault of their own but that it was one', async () => {
    const { address, logged } = await services({
      credentials: () => Promise.reject(Object.assign(new Error('EMFILE, open /secret'), { code: 'EMFILE' })),
    })
    const reply = await ask(address, { path: '/credentials' })
    expect([reply.status, errorOf(reply)]).toEqual([500, 'internal'])
    expect(reply.body.toString()).not.toContain('secret')
    expect(logged).toEqual([{ code: 'service-failed', error: 'EMFILE' }])
  })

  it('outlive arbitrary bytes', async () => {
    const { address } = await services()
    const start = fc.constantFrom(
      '',
      'GET /blobs/a HTTP/1.1\r\n',
      'PUT /blobs/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
      'PUT /blobs/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n',
      'POST /log HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n',
    )
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 300 }), async (head, junk) => {
        await shout(address, Buffer.concat([bytes(head), junk]))
      }),
    )
    expect((await ask(address, { path: '/identity' })).status).toBe(200)
  })
})

describe('blobs', () => {
  const put = (path: string, headers = {}) => ({ method: 'PUT', path, headers })

  it('are stored, read, listed and removed', async () => {
    const { address } = await services()
    const object = large()
    expect((await ask(address, put('/blobs/alerts-1', CREATE), object)).status).toBe(204)
    expect((await ask(address, put('/blobs/state-1'), bytes('state'))).status).toBe(204)
    const read = await ask(address, { path: '/blobs/alerts-1' })
    expect([read.headers['content-length'], sha256(read.body)]).toEqual([String(object.length), sha256(object)])

    const list = async (query: string) => JSON.parse((await ask(address, { path: `/blobs${query}` })).body.toString())
    expect(await list('')).toEqual({ names: ['alerts-1', 'state-1'] })
    expect(await list('?prefix=alerts-')).toEqual({ names: ['alerts-1'] })
    expect(await list('?prefix=&after=alerts-1')).toEqual({ names: ['state-1'] })

    expect((await ask(address, { method: 'DELETE', path: '/blobs/state-1' })).status).toBe(204)
    expect(await list('')).toEqual({ names: ['alerts-1'] })
  })

  it('that are to be created are refused when the name is taken; other conditions are not understood', async () => {
    const { address } = await services()
    await ask(address, put('/blobs/a', CREATE), bytes('first'))
    const taken = await ask(address, put('/blobs/a', CREATE), bytes('second'))
    expect([taken.status, errorOf(taken)]).toEqual([412, 'taken'])
    const other = await ask(address, put('/blobs/a', { 'if-none-match': '"etag"' }), bytes('third'))
    expect([other.status, errorOf(other)]).toEqual([400, 'bad-request'])
    expect((await ask(address, { path: '/blobs/a' })).body.toString()).toBe('first')
  })

  it('over the limit are refused, declared or not, and the connection goes on', async () => {
    const { address, blobDirectory } = await services()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const tooMuch = Buffer.alloc(MAX_BLOB_BYTES + 1)

    expect((await ask(address, { ...put('/blobs/a'), agent }, tooMuch)).status).toBe(413)
    const chunked = { 'transfer-encoding': 'chunked' }
    expect((await ask(address, { ...put('/blobs/a', chunked), agent }, tooMuch)).status).toBe(413)
    expect((await ask(address, { ...put('/blobs/b'), agent }, bytes('small'))).status).toBe(204)
    expect(await readdir(blobDirectory)).toEqual(['b'])
  })

  it('that nobody waits for any more are closed', async () => {
    const body = Readable.from(['object'])
    const { promise: left, resolve: leave } = Promise.withResolvers<void>()
    const blobs = await openBlobs(await directory())
    const get = () => left.then(() => ({ size: 6, body }))
    const { address, server } = await services({ blobs: { ...blobs, get } })
    const socket = await dial(address, 1000)
    const requested = once(server, 'request')
    socket.write('GET /blobs/a HTTP/1.1\r\nHost: x\r\n\r\n')
    const [, response] = await requested
    socket.destroy()
    await once(response, 'close')
    leave()
    await once(body, 'close')
    expect(body.destroyed).toBe(true)
  })

  it('that break off leave nothing', async () => {
    const { address, server, blobDirectory, logged } = await services()
    const socket = await dial(address, 1000)
    const requested = once(server, 'request')
    socket.write('PUT /blobs/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf')
    const [, response] = await requested
    socket.destroy()
    await once(response, 'close')
    await ask(address, put('/blobs/b'), bytes('whole'))
    expect((await readdir(blobDirectory)).filter((name) => !name.startsWith('.'))).toEqual(['b'])
    expect(logged).toEqual([])
  })
})
