import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { containerCredentials, fixedCredentials } from '../../parent-proxy/credentials.ts'
import { directory, serveTcp } from './sockets.ts'

const START = Date.parse('2026-01-05T09:00:00Z')
const MINUTE = 60_000
const TOKEN = 'token-that-must-not-be-logged'

const credentials = (number: number, expires: number) => ({
  AccessKeyId: `ASIAEXAMPLE${number}`,
  SecretAccessKey: 'secret-that-must-not-be-logged',
  Token: 'session',
  Expiration: new Date(expires).toISOString(),
})

/** An endpoint that answers with `answers` one after another, and a source that asks it at a time of our choosing. */
async function source(
  answers: ((response: ServerResponse, request: IncomingMessage) => void)[],
  env: Record<string, string> = {},
) {
  const world = { time: START, asked: 0, logged: [] as unknown[] }
  const port = await serveTcp(
    createServer((request, response) => {
      world.asked += 1
      const answer = answers.shift()
      if (answer === undefined) response.writeHead(500).end()
      else answer(response, request)
    }),
  )
  const AWS_CONTAINER_CREDENTIALS_FULL_URI = `http://127.0.0.1:${port}/v1/credentials`
  const get = containerCredentials(
    { AWS_CONTAINER_CREDENTIALS_FULL_URI, ...env },
    () => world.time,
    (_level, code, fields) => world.logged.push({ code, ...fields }),
  )
  return { get, world }
}

const give = (body: object) => (response: ServerResponse) => void response.end(JSON.stringify(body))
const refused = expect.objectContaining({ code: 'no-credentials' }) as Error
const failed = (reason: string) => [{ code: 'credentials-failed', reason }]

describe('containerCredentials', () => {
  it('asks with the token, and hands on the four fields', async () => {
    let authorization
    const { get } = await source(
      [
        (response, request) => {
          authorization = request.headers.authorization
          give({ ...credentials(1, START + 60 * MINUTE), AccountId: '111122223333' })(response)
        },
      ],
      { AWS_CONTAINER_AUTHORIZATION_TOKEN: TOKEN },
    )
    expect(await get()).toEqual(credentials(1, START + 60 * MINUTE))
    expect(authorization).toBe(TOKEN)
  })

  it('reads the token file anew each time', async () => {
    const file = join(await directory(), 'token')
    const tokens: unknown[] = []
    const keep = (expires: number) => (response: ServerResponse, request: IncomingMessage) => {
      tokens.push(request.headers.authorization)
      give(credentials(1, expires))(response)
    }
    const { get, world } = await source([keep(START + 10 * MINUTE), keep(START + 20 * MINUTE)], {
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    })
    await writeFile(file, 'first\n')
    await get()
    await writeFile(file, 'second\n')
    world.time += 6 * MINUTE
    await get()
    expect(tokens).toEqual(['first', 'second'])
  })

  it('keeps them until five minutes before they expire', async () => {
    const { get, world } = await source([
      give(credentials(1, START + 60 * MINUTE)),
      give(credentials(2, START + 120 * MINUTE)),
    ])
    expect((await get()).AccessKeyId).toBe('ASIAEXAMPLE1')
    world.time = START + 55 * MINUTE - 1
    expect((await get()).AccessKeyId).toBe('ASIAEXAMPLE1')
    expect(world.asked).toBe(1)
    world.time = START + 55 * MINUTE
    expect((await get()).AccessKeyId).toBe('ASIAEXAMPLE2')
    expect(world.asked).toBe(2)
  })

  it('asks once for all who wait', async () => {
    const { get, world } = await source([give(credentials(1, START + 60 * MINUTE))])
    const all = await Promise.all([get(), get(), get()])
    expect(new Set(all).size).toBe(1)
    expect(world.asked).toBe(1)
  })

  it('serves what it holds while the endpoint fails, until that expires, and recovers', async () => {
    const { get, world } = await source([
      give(credentials(1, START + 60 * MINUTE)),
      (response) => void response.writeHead(500).end(),
      (response) => void response.destroy(),
      give(credentials(2, START + 120 * MINUTE)),
    ])
    await get()
    world.time = START + 59 * MINUTE
    expect((await get()).AccessKeyId).toBe('ASIAEXAMPLE1')
    world.time = START + 60 * MINUTE
    await expect(get()).rejects.toEqual(refused)
    expect((await get()).AccessKeyId).toBe('ASIAEXAMPLE2')
    expect(world.logged).toEqual([...failed('refused'), ...failed('unreachable')])
  })

  it.each<[reason: string, answer: (response: ServerResponse) => void]>([
    ['refused', (response) => void response.writeHead(403).end('{}')],
    ['unreachable', (response) => void response.destroy()],
    ['unreachable', (response) => void response.writeHead(302, { location: 'http://example.com/' }).end()],
    ['malformed', (response) => void response.end('not json')],
    ['malformed', give({ ...credentials(1, START + MINUTE), Expiration: 'soon' })],
    ['malformed', give({ ...credentials(1, START + MINUTE), SecretAccessKey: '' })],
    ['malformed', give([])],
    ['too-large', (response) => void response.end(Buffer.alloc(20_000, 0x20))],
    ['expired', give(credentials(1, START))],
  ])('refuses when the answer is %s', async (reason, answer) => {
    const { get, world } = await source([answer], { AWS_CONTAINER_AUTHORIZATION_TOKEN: TOKEN })
    await expect(get()).rejects.toEqual(refused)
    expect(world.logged).toEqual(failed(reason))
  })

  it.each<[reason: string, env: Record<string, string>]>([
    ['not-configured', { AWS_CONTAINER_CREDENTIALS_FULL_URI: '' }],
    ['not-configured', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://credentials.example.com/' }],
    ['not-configured', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.169.254/' }],
    ['not-configured', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'file:///etc/passwd' }],
    ['no-token', { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/nowhere/token' }],
    ['unreachable', { AWS_CONTAINER_AUTHORIZATION_TOKEN: `${TOKEN}\nx: y` }],
  ])('refuses without asking when it is %s: %j', async (reason, env) => {
    const { get, world } = await source([], env)
    await expect(get()).rejects.toEqual(refused)
    expect([world.asked, world.logged]).toEqual([0, failed(reason)])
  })
})

it('fixedCredentials give the same keys with an hour to go', async () => {
  let time = START
  const { Expiration: _, ...keys } = credentials(1, 0)
  const get = fixedCredentials(keys, () => time)
  expect(await get()).toEqual(credentials(1, START + 60 * MINUTE))
  time += 30 * MINUTE
  expect((await get()).Expiration).toBe('2026-01-05T10:30:00.000Z')
})
