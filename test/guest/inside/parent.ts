import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { request, type RequestOptions, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer, request as requestTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { openBlobs } from '../../../enclave/adapters/blobs.ts'
import { openEgress } from '../../../enclave/adapters/egress.ts'
import { openParentLog } from '../../../enclave/adapters/log.ts'
import { openParent } from '../../../enclave/adapters/parent.ts'
import type { Sealed } from '../../../enclave/sealing/types.ts'
import { dial, parseAddress, serve } from '../../../vsock/index.ts'

const TIMEOUT_MS = 20_000
const tls = JSON.parse(readFileSync('/app/tls.json', 'utf8')) as Record<'ca' | 'cert' | 'key', string>
const to = (port: number) => () => dial(parseAddress(`vsock://1:${port}`), TIMEOUT_MS)
const sealed = (text: string) => Buffer.from(text) as Uint8Array as Sealed<unknown> // stands for ciphertext
const readAll = async (stream: Readable) =>
  Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString()

/** What the enclave of the real thing reaches with CID 3 is this guest's own CID here. */
const SERVED = { egress: 8001, services: 8002, ingress: 8443 }
const parent = openParent(to(SERVED.services))
const upstream = createHttpsServer(tls, (question, answer) => void question.pipe(answer))
const enclave = createHttpsServer(tls, (_, answer) => answer.end('from inside'))

interface Parent {
  readonly child: ChildProcess
  readonly next: () => Promise<Record<string, unknown>>
}
/** The parent-proxy as it runs on a node, in a process of its own. */
function start(ports: { egress: number; services: number }, enclaveCid: number): Parent {
  const folder = mkdtempSync('/tmp/parent-')
  const settings = {
    enclave_cid: enclaveCid,
    egress: {
      listen: `vsock://4294967295:${ports.egress}`,
      allow: ['upstream.example.com:443'],
      routes: { 'upstream.example.com:443': `127.0.0.1:${(upstream.address() as AddressInfo).port}` },
    },
    services: {
      listen: `vsock://4294967295:${ports.services}`,
      blobs: join(folder, 'blobs'),
      credentials: { AccessKeyId: 'AKIAEXAMPLE', SecretAccessKey: 'secret', Token: 'session' },
    },
    ingress: { listen: '127.0.0.1:0', enclave: `vsock://1:${SERVED.ingress}` },
  }
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings))
  const child = spawn(process.execPath, ['parent-proxy/main.ts', join(folder, 'settings.json')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, next: async () => JSON.parse((await lines.next()).value ?? 'null') as Record<string, unknown> }
}

upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
const running = start(SERVED, 1)
const ingressPort = (await running.next())['ingress_port'] as number // its first line
const inside = await serve(parseAddress(`vsock://4294967295:${SERVED.ingress}`), enclave)

const ask = async (options: RequestOptions & { body?: string }): Promise<string> => {
  const call = requestTls(options)
  call.end(options.body)
  const [answer] = (await once(call, 'response')) as [IncomingMessage]
  return readAll(answer)
}

await test('parent: credentials, blobs and the log over vsock', async () => {
  const { status, body } = await parent('GET', '/credentials', { limit: 4096 })
  assert.equal(status, 200)
  assert.match(Buffer.from(body).toString(), /AKIAEXAMPLE/)

  const blobs = openBlobs(parent)
  assert.equal(await blobs.create('ledger-1', sealed('one')), 'created')
  assert.equal(await blobs.create('ledger-1', sealed('another')), 'taken')
  await blobs.replace('state', sealed('x'.repeat(4 << 20)))
  assert.equal((await blobs.get('state'))?.length, 4 << 20)
  assert.deepEqual(await blobs.list(''), ['ledger-1', 'state'])

  openParentLog(parent)('info', 'from-inside', { ms: 7 })
  const line = await running.next()
  assert.deepEqual([line['code'], line['ms']], ['from-inside', 7])
})

await test('parent: egress carries TLS to an allowed host and to no other', async () => {
  const { agent } = openEgress({
    dial: to(SERVED.egress),
    roots: [tls.ca],
    allowed: new Set(['upstream.example.com', 'elsewhere.example.com']),
  })
  const body = 'b'.repeat(4 << 20)
  const host = 'upstream.example.com'
  assert.equal(await ask({ agent, host, port: 443, method: 'POST', body }), body)
  assert.equal(await ask({ agent, host, port: 443, method: 'POST', body: 'again' }), 'again')
  await assert.rejects(ask({ agent, host: 'elsewhere.example.com', port: 443 }), { code: 'parent-refused' })
  const line = await running.next()
  assert.deepEqual([line['code'], line['reason']], ['egress-refused', 'not-allowed'])
  agent.destroy()
})

await test('parent: ingress carries TCP to the TLS that ends inside', async () => {
  const options = { host: '127.0.0.1', port: ingressPort, servername: 'enclave.example.com', ca: tls.ca, agent: false }
  assert.equal(await ask(options), 'from inside')
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(options)))
  assert.ok(answers.every((answer) => answer === 'from inside'))
})

await test('parent: a peer that is not the enclave is served by neither, and counted', async () => {
  const foreign = start({ egress: 9001, services: 9002 }, 16)
  assert.equal((await foreign.next())['code'], 'ready')
  for (const port of [9001, 9002]) {
    const socket = await to(port)()
    const call = request({ path: '/credentials', createConnection: () => socket })
    call.end()
    await assert.rejects(once(call, 'response'))
    const line = await foreign.next()
    assert.deepEqual([line['code'], line['cid']], ['foreign-peer', 1])
  }
  foreign.child.kill('SIGTERM')
  assert.equal((await foreign.next())['code'], 'stopping')
  assert.deepEqual(await once(foreign.child, 'exit'), [0, null])
})

await test('parent: an open tunnel may finish after SIGTERM', async () => {
  const socket = await to(SERVED.egress)()
  const head = request({ method: 'CONNECT', path: 'upstream.example.com:443', createConnection: () => socket })
  head.end()
  const [answer] = (await once(head, 'connect')) as [IncomingMessage]
  assert.equal(answer.statusCode, 200)
  running.child.kill('SIGTERM')
  assert.equal((await running.next())['code'], 'stopping')
  assert.equal(running.child.exitCode, null)
  const call = requestTls({
    createConnection: () => connectTls({ socket, servername: 'upstream.example.com', ca: tls.ca }),
    method: 'POST',
  })
  call.end('the last')
  const [reply] = (await once(call, 'response')) as [IncomingMessage]
  assert.equal(await readAll(reply), 'the last')
  socket.destroy()
  assert.deepEqual(await once(running.child, 'exit'), [0, null])
})

upstream.close()
upstream.closeAllConnections()
await inside.close()
