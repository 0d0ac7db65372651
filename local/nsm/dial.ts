import { MAX_RESPONSE, type NsmDevice } from '../../enclave/adapters/nsm.ts'
import { dial, parseAddress } from '../../vsock/index.ts'
import { frame, frames, FramingError } from './framing.ts'

const CONNECT_TIMEOUT_MS = 5000
/** The driver's own is 120 s, for hardware; this one is a process next door. */
const ANSWER_TIMEOUT_MS = 10_000

/** The device behind a socket. Like the ioctl, each request stands for itself: it has a connection of its own. */
export function dialNsm(address: string): NsmDevice {
  const where = parseAddress(address)
  return async (request) => {
    const socket = await dial(where, CONNECT_TIMEOUT_MS)
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new FramingError('no answer in time')))
    try {
      socket.end(frame(request))
      for await (const response of frames(socket, MAX_RESPONSE)) return response
      throw new FramingError('the connection ended without an answer')
    } finally {
      socket.destroy()
    }
  }
}
