// Takes the addon through every call, right and wrong, in a process of its own: native.test.ts runs it under the
// sanitizers. The first argument is the addon, the second a folder for sockets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { openSync, readdirSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { connect, NativeConnection } from '../../vsock/connection.ts'
import { listen } from '../../vsock/listener.ts'
import { type Endpoint, loadNative } from '../../vsock/native.ts'

const CONNECTIONS = 2_000
const TIMEOUT_MS = 10_000
const [addon = '', folder = ''] = isMainThread ? process.argv.slice(2) : (workerData as string[])
const native = loadNative(addon)
const at = (name: string) => ({ kind: 'unix', path: join(folder, name) }) as const
const descriptors = () => readdirSync('/proc/self/fd').length
const echo = () => createServer((socket: Socket) => socket.on('error', () => {}).pipe(socket))

/** A worker leaves while everything is open: a listener, both ends of a connection, a write that waits. */
async function leaveAllOpen(): Promise<void> {
  listen(native, at('worker'), createServer(), () => true)
  const connection = await connect(native, at('worker'), TIMEOUT_MS)
  connection.write(Buffer.alloc(4 << 20))
  await turn()
  process.exit(0) // in a worker: this thread alone
}

async function connections(): Promise<void> {
  const listener = listen(native, at('many'), echo(), () => true)
  for (let i = 0; i < CONNECTIONS; i++) {
    const connection = await connect(native, at('many'), TIMEOUT_MS)
    if (i % 2 === 0) {
      connection.end('hello')
      assert.equal(Buffer.concat(await Array.fromAsync(connection)).toString(), 'hello')
    } else connection.destroy()
  }
  await listener.close()
}

async function blockedWrite(): Promise<void> {
  const server = createServer() // which never reads
  const listener = listen(native, at('blocked'), server, () => true)
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const connection = await connect(native, at('blocked'), TIMEOUT_MS)
  const [other] = await accepted
  connection.write(Buffer.alloc(4 << 20))
  await turn()
  connection.destroy()
  other.destroy()
  await listener.close()
}

/** An endpoint that nobody refers to closes its descriptor when it is collected. */
async function forgotten(): Promise<void> {
  const listener = listen(native, at('forgotten'), echo(), () => true)
  const before = descriptors()
  for (let i = 0; i < 100; i++) native.connect(join(folder, 'forgotten'))
  assert.ok(globalThis.gc)
  while (descriptors() > before) {
    globalThis.gc()
    await turn()
  }
  await listener.close()
}

async function thrown(): Promise<void> {
  const listener = listen(native, at('thrown'), echo(), () => true)
  const connection = new NativeConnection(native, native.connect(join(folder, 'thrown')) as Endpoint, true) // it listens
  connection.on('data', () => {
    throw new Error('a listener of ours failed')
  })
  connection.write('hello')
  const [error] = (await once(process, 'uncaughtException')) as [Error]
  assert.equal(error.message, 'a listener of ours failed')
  connection.destroy()
  await listener.close()
}

async function misuse(): Promise<void> {
  const {
    connect: dial,
    listen: bind,
    ...rest
  } = native as unknown as Record<string, (...values: unknown[]) => unknown>
  const closed = native.listen(join(folder, 'closed')) as Endpoint // a path of its own
  native.close(closed)
  native.close(closed)
  const open = native.listen(join(folder, 'open')) as Endpoint
  const detached = Buffer.alloc(8192)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })

  // No two numbers: they would be a vsock address.
  const noAddress = [[], [''], ['x'.repeat(200)], [undefined], [{}, {}], ['x', 'x'], [0], [open]]
  for (const values of noAddress) assert.deepEqual([dial?.(...values), bind?.(...values)], [-22, -22]) // EINVAL
  const anything = [undefined, null, 0, -1, 1.5, 'x', {}, [], Buffer.alloc(0), detached, closed, open]
  for (const [name, call] of Object.entries(rest)) {
    await call()
    for (const first of anything) {
      if (name === 'close' && first === open) continue
      for (const second of anything) await call(first, second, 0)
    }
  }
  native.close(open)
  const nothing = openSync('/dev/null', 'r+')
  for (const size of [0, 1, 0x1000]) assert.equal(await native.nsm(nothing, Buffer.alloc(size)), -25) // ENOTTY
  assert.equal(await native.nsm(nothing, Buffer.alloc(0x1001)), -90) // EMSGSIZE
  assert.equal(native.addEntropy(nothing, Buffer.alloc(256)), -25)
  assert.equal(native.addEntropy(nothing, Buffer.alloc(513)), -22)
}

if (!isMainThread) await leaveAllOpen()
else {
  const before = descriptors()
  await connections()
  await blockedWrite()
  await forgotten()
  await thrown()
  await misuse()
  const worker = new Worker(new URL(import.meta.url), { workerData: [addon, folder] })
  await once(worker, 'exit')
  assert.ok(descriptors() <= before + 2) // the test's own /dev/null, and the worker's pipe
}
