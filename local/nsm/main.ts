import { rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import * as v from 'valibot'
import { MAX_REQUEST, type NsmDevice } from '../../enclave/adapters/nsm.ts'
import { serve } from '../../vsock/index.ts'
import { createSoftwareNsm } from './device.ts'
import { frame, frames } from './framing.ts'

const pcr = v.pipe(v.string(), v.regex(/^[0-9a-f]{96}$/, 'expected 96 characters of lower-case hex'))
/** The one argument, as JSON. */
const schema = v.strictObject({
  /** The unix socket to listen on. */
  socket: v.string(),
  /** Where the DER of the root certificate goes, for whoever is to believe this module. */
  root: v.string(),
  pcr0: pcr,
  pcrs: v.exactOptional(v.record(v.pipe(v.string(), v.regex(/^([1-9]|[12]\d|3[01])$/)), pcr)),
  moduleId: v.exactOptional(v.string()),
})

const { socket: path, root, ...device } = v.parse(schema, JSON.parse(process.argv[2] ?? 'null'))
const nsm = await createSoftwareNsm({ ...device, now: Date.now })
await writeFile(root, nsm.rootDer)
await serve(
  { kind: 'unix', path },
  createServer({ allowHalfOpen: true }, (socket) => void answer(socket, nsm.request)),
)
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void rm(path, { force: true }).then(() => process.exit(0)))
process.stdout.write('ready\n')

/** A peer that breaks the framing loses its connection; the others do not notice. */
async function answer(socket: Socket, request: NsmDevice): Promise<void> {
  socket.on('error', () => {})
  try {
    for await (const message of frames(socket, MAX_REQUEST)) socket.write(frame(await request(message)))
    socket.end()
  } catch {
    socket.destroy()
  }
}
