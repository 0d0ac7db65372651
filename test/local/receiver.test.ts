import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCa } from '../../local/aws/ca.ts'
import { isSigned, startReceiver, type Delivery } from '../../local/receiver.ts'

const KEY = Buffer.alloc(32, 7)
const NOW = 1_800_000_000
const BODY = Buffer.from('{"eventId":"event-1"}')

const mac = (at: number | string, body: Uint8Array = BODY, key: Uint8Array = KEY): string =>
  createHmac('sha256', key).update(`${at}.`).update(body).digest('hex')
const signature = (at = NOW, body: Uint8Array = BODY, key: Uint8Array = KEY): string =>
  `t=${at},v1=${mac(at, body, key)}`
const check = (header: string, body: Uint8Array = BODY): boolean => isSigned(body, header, KEY, NOW * 1000)

describe('a signature', () => {
  it.each([
    ['of now', signature()],
    ['of five minutes ago', signature(NOW - 300)],
    ['of five minutes to come', signature(NOW + 300)],
  ])('%s holds', (_what, header) => {
    expect(check(header)).toBe(true)
  })

  it.each([
    ['of another key', signature(NOW, BODY, Buffer.alloc(32, 8))],
    ['of another body', signature(NOW, Buffer.from('{}'))],
    ['of another time than it says', `t=${NOW + 1},v1=${mac(NOW)}`],
    ['too old', signature(NOW - 301)],
    ['too far ahead', signature(NOW + 301)],
    ['of the body alone', `t=${NOW},v1=${createHmac('sha256', KEY).update(BODY).digest('hex')}`],
    ['cut short', signature().slice(0, -1)],
    ['with more behind it', `${signature()}0`],
    ['in capitals', `t=${NOW},v1=${mac(NOW).toUpperCase()}`],
    ['in another order', `v1=${mac(NOW)},t=${NOW}`],
    ['with a blank', `t=${NOW}, v1=${mac(NOW)}`],
    ['of another version', `t=${NOW},v2=${mac(NOW)}`],
    ['without a time', `t=,v1=${mac('')}`],
    ['of a time with a fraction', `t=${NOW}.0,v1=${mac(`${NOW}.0`)}`],
    ['of a time below zero', `t=-1,v1=${mac('-1')}`],
    ['empty', ''],
    ['absent', 'undefined'],
  ])('%s does not hold', (_what, header) => {
    expect(check(header)).toBe(false)
  })

  it('does not hold for a body with any bit turned', () => {
    for (let bit = 0; bit < BODY.length * 8; bit += 1) {
      const body = Uint8Array.from(BODY)
      body[bit >> 3] = (body[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(check(signature(), body)).toBe(false)
    }
  })

  it('holds, or not, but never throws', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        expect(check(header)).toBe(false)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), (body) => {
        expect(check(signature(NOW, body), body)).toBe(true)
      }),
    )
  })
})

describe('a receiver', () => {
  const HOST = 'hooks.example.com'

  async function receiving() {
    const ca = await createCa(new Date())
    const deliveries: Delivery[] = []
    const receiver = await startReceiver(await ca.issue([HOST]), KEY, (delivery) => deliveries.push(delivery))
    const post = async (body: Uint8Array, headers: Record<string, string> = {}): Promise<number | undefined> => {
      const { port } = receiver
      const call = request({
        host: '127.0.0.1',
        port,
        servername: HOST,
        ca: ca.pem,
        method: 'POST',
        headers,
        agent: false,
      })
      const answered = once(call, 'response')
      call.end(body)
      const [response] = (await answered) as [IncomingMessage] // the documented argument of 'response'
      response.resume()
      return response.statusCode
    }
    return { deliveries, post, [Symbol.asyncDispose]: () => receiver.close() }
  }
  const fresh = (body: Uint8Array): string => signature(Math.floor(Date.now() / 1000), body)

  it('takes what is signed, and tells of it', async () => {
    await using receiver = await receiving()
    const headers = { 'driftseal-signature': fresh(BODY), 'driftseal-delivery': 'an id' }
    expect(await receiver.post(BODY, headers)).toBe(204)
    expect(receiver.deliveries).toEqual([{ body: BODY.toString(), id: 'an id' }])
  })

  it('takes nothing else, and tells nobody', async () => {
    await using receiver = await receiving()
    expect(await receiver.post(BODY)).toBe(401)
    expect(await receiver.post(BODY, { 'driftseal-signature': signature() })).toBe(401)
    expect(receiver.deliveries).toEqual([])
  })

  it('takes no more than a megabyte', async () => {
    await using receiver = await receiving()
    const body = Buffer.alloc((1 << 20) + 1)
    await expect(receiver.post(body, { 'driftseal-signature': fresh(body) })).rejects.toThrow(
      /ECONNRESET|EPIPE|hang up/,
    )
    expect(receiver.deliveries).toEqual([])
  })
})
