import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openWebhook, WebhookError } from '../../../enclave/adapters/webhook.ts'
import { Secret } from '../../../enclave/sealing/types.ts'
import { createCa } from '../../../local/aws/ca.ts'
import { agentTo } from '../../../local/aws/front.ts'
import { isSigned } from '../../../local/receiver.ts'
import { findingOf } from '../findings.ts'

const HOST = 'hooks.example.com'
const NOW = 1_800_000_000_999
const KEY = new Uint8Array(32).fill(7)
const { signal } = new AbortController()

const ca = await createCa(new Date())
let answer: RequestListener
let requests: { url: string | undefined; headers: Record<string, unknown>; body: string }[]
const server = createServer(await ca.issue([HOST]), (request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
  request.on('end', () => {
    requests.push({ url: request.url, headers: request.headers, body })
    answer(request, response)
  })
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})
beforeEach(() => {
  requests = []
  answer = (_request, response) => void response.writeHead(204).end()
})

const open = ({ now = NOW, pem = ca.pem }: { now?: number; pem?: string } = {}) =>
  openWebhook({
    name: 'on-call',
    url: `https://${HOST}/driftseal?team=a`,
    agent: agentTo({ port: (server.address() as AddressInfo).port, ca: pem }), // it listens on TCP
    key: new Secret(Uint8Array.from(KEY)),
    clock: { now: () => now },
    bodies: ({ eventId, rules }) => [JSON.stringify({ eventId, text: 'naïve' }), ...rules.map(({ name }) => name)],
  })
const finding = findingOf('event-1')

describe('a delivery', () => {
  it('is a POST that its receiver can check', async () => {
    expect(await open().deliver(finding, signal)).toBe('taken')
    const [{ url, headers, body } = { url: '', headers: {}, body: '' }] = requests
    expect(url).toBe('/driftseal?team=a')
    expect(JSON.parse(body)).toEqual({ eventId: 'event-1', text: 'naïve' })
    expect(headers).toMatchObject({
      host: HOST,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': 'driftseal',
      'driftseal-signature': expect.stringMatching(/^t=1800000000,v1=[0-9a-f]{64}$/) as string,
      'driftseal-delivery': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    })
    expect(isSigned(Buffer.from(body), String(headers['driftseal-signature']), KEY, NOW)).toBe(true)
  })

  it('has an id that is the same at each attempt, and another for each finding', async () => {
    await open().deliver(finding, signal)
    await open({ now: NOW + 60_000 }).deliver(finding, signal)
    for (const other of [findingOf('event-2'), findingOf('event-1', 'resolved'), { ...finding, account: '1' }]) {
      await open().deliver(other, signal)
    }
    const ids = requests.map(({ headers }) => headers['driftseal-delivery'])
    expect(ids[1]).toBe(ids[0])
    expect(new Set(ids).size).toBe(4)
  })

  it('in several bodies has an id for each, and is refused if one is', async () => {
    const rule = { name: 'a rule', severity: 'high', message: 'why' } as const
    answer = (_request, response) => void response.writeHead(requests.length === 2 ? 400 : 200).end()
    expect(await open().deliver({ ...finding, rules: [rule, rule] }, signal)).toBe('refused')
    expect(requests.map(({ body }) => body).slice(1)).toEqual(['a rule', 'a rule'])
    expect(new Set(requests.map(({ headers }) => headers['driftseal-delivery'])).size).toBe(3)
  })

  it.each([200, 201, 202, 204])('is taken by %i', async (status) => {
    answer = (_request, response) => void response.writeHead(status).end()
    expect(await open().deliver(finding, signal)).toBe('taken')
  })

  it.each([400, 413, 415, 422])('is refused by %i: sending it again cannot help', async (status) => {
    answer = (_request, response) => void response.writeHead(status).end('a reason')
    expect(await open().deliver(finding, signal)).toBe('refused')
  })

  it.each([301, 302, 401, 403, 404, 408, 409, 429, 500, 503])('may yet be taken after %i', async (status) => {
    answer = (_request, response) => void response.writeHead(status, { location: 'https://example.com' }).end()
    await expect(open().deliver(finding, signal)).rejects.toThrow(new WebhookError(`on-call answered ${status}`))
    expect(requests).toHaveLength(1)
  })

  it.each<[string, RequestListener]>([
    ['hangs up', (request) => request.socket.destroy()],
    ['answers what is not HTTP', (request) => void request.socket.end('220 mail.example.com ESMTP\r\n')],
  ])('is to be tried again when its receiver %s', async (_what, talk) => {
    answer = talk
    await expect(open().deliver(finding, signal)).rejects.toThrow(new WebhookError(`no answer from ${HOST}`))
  })

  it('is taken once the status says so, whatever becomes of the rest', async () => {
    answer = (request, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('a part')
      response.flushHeaders()
      setImmediate(() => request.socket.destroy())
    }
    expect(await open().deliver(finding, signal)).toBe('taken')
  })

  it('ends when all is over', async () => {
    const over = new AbortController()
    answer = () => over.abort()
    await expect(open().deliver(finding, over.signal)).rejects.toBeInstanceOf(WebhookError)
  })

  it('goes to nobody who cannot prove his name', async () => {
    const other = await createCa(new Date())
    await expect(open({ pem: other.pem }).deliver(finding, signal)).rejects.toBeInstanceOf(WebhookError)
    expect(requests).toEqual([])
  })

  it('never says its address or its content in an error', async () => {
    answer = (request) => request.socket.destroy()
    const error: unknown = await open()
      .deliver(finding, signal)
      .catch((reason: unknown) => reason)
    expect(String(error)).not.toMatch(/team=a|event-1/)
  })
})
