import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { INGRESS_LIMITS } from '../../enclave/adapters/ingress.ts'
import { dial, type Address, type Connection } from '../../vsock/index.ts'
import { openAccount, type Account } from './account.ts'
import { LIMITS, openHost, SAFE, tells } from './host.ts'

let account: Account
beforeAll(async () => {
  account = await openAccount()
})
afterAll(() => account[Symbol.asyncDispose]())

const DIAL_TIMEOUT_MS = 5_000
const FLOOD = 10_000
const AT_ONCE = 500
const quick = {
  ...INGRESS_LIMITS,
  connections: 32,
  handshakeTimeoutMs: 300,
  headersTimeoutMs: 300,
  requestTimeoutMs: 500,
  idleTimeoutMs: 800,
  checkIntervalMs: 50,
}

const POST = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n'
const CLIENT_HELLO_BEGINS = Buffer.from('160301020001000', 'hex')

/** A connection on which TLS stands; what is inside is up to the caller. */
async function inside(connection: Connection): Promise<Connection> {
  const tls = connectTls({ socket: connection, rejectUnauthorized: false, minVersion: 'TLSv1.3' })
  tls.on('error', () => {})
  await once(tls, 'secureConnect')
  return tls
}

function writes(connection: Connection, bytes: string | Buffer): Connection {
  connection.write(bytes)
  return connection
}

function drips(connection: Connection, first: string): Connection {
  const timer = setInterval(() => connection.write('a'), 20)
  connection.once('close', () => clearInterval(timer))
  return writes(connection, first)
}

/** What a client does to keep its place as long as it can. */
const ways: readonly [what: string, hold: (connection: Connection) => Promise<Connection>][] = [
  ['say nothing', async (connection) => connection],
  ['stop in the ClientHello', async (connection) => writes(connection, CLIENT_HELLO_BEGINS)],
  ['shake hands and say nothing', inside],
  ['send a header a byte at a time', async (connection) => drips(await inside(connection), 'GET / HTTP/1.1\r\nx: ')],
  ['send a body a byte at a time', async (connection) => drips(await inside(connection), POST)],
  ['ask, and stay', async (connection) => writes(await inside(connection), 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')],
]

describe.concurrent('clients that take every connection of the ingress and', () => {
  it.each(ways)('%s: each loses it, a polite one gets in, and events are judged meanwhile', async (_what, hold) => {
    await using host = await openHost(account)
    const { ingress } = await host.boot({ limits: { ...LIMITS, ingress: quick } })
    const held = await Promise.all(Array.from({ length: quick.connections }, () => take(ingress, hold)))
    await tells(host, await host.drift('service-1'))
    await Promise.all(held.map(({ closed }) => closed))
    expect(await readiness(ingress)).toBe(200)
    expect(await host.aftermath()).toEqual(SAFE)
  })
})

describe('10,000 connections to the ingress', () => {
  it('are turned away past the limit; events are judged meanwhile, and a polite client gets in afterwards', async () => {
    await using host = await openHost(account)
    const limits = { ...LIMITS, ingress: { ...INGRESS_LIMITS, handshakeTimeoutMs: 500 } }
    const { ingress } = await host.boot({ limits })
    const alert = host.drift('service-1').then((id) => tells(host, id))
    let opened = 0
    const client = async () => {
      while (opened++ < FLOOD) await (await take(ingress, async (connection) => connection)).closed
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
    await alert
    expect(await readiness(ingress)).toBe(200)
    expect(await host.aftermath()).toEqual(SAFE)
  })
})

async function take(
  ingress: Address,
  hold: (connection: Connection) => Promise<Connection>,
): Promise<{ closed: Promise<void> }> {
  const connection = await dial(ingress, DIAL_TIMEOUT_MS)
  connection.on('error', () => {})
  const held = await hold(connection)
  const closed = new Promise<void>((resolve) => held.on('error', () => {}).once('close', () => resolve()))
  held.once('end', () => held.destroy()).resume() // or it would stay half open on our side
  return { closed }
}

async function readiness(ingress: Address): Promise<number | undefined> {
  const socket = await inside(await dial(ingress, DIAL_TIMEOUT_MS))
  const call = request({ path: '/readyz', createConnection: () => socket }).end()
  const [response] = (await once(call, 'response')) as [IncomingMessage] // the documented argument of 'response'
  response.resume()
  return response.statusCode
}
