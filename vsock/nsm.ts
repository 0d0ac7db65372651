import { open } from 'node:fs/promises'
import { loadNative, systemError } from './native.ts'

/** The security module: takes a request and answers it, both in CBOR. */
export function openNsmDevice(path = '/dev/nsm'): (request: Uint8Array) => Promise<Uint8Array> {
  let opened: ReturnType<typeof open> | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function ask(request: Uint8Array): Promise<Uint8Array> {
    const native = loadNative()
    opened ??= open(path, 'r+')
    const response = await native.nsm((await opened).fd, request)
    if (typeof response === 'number') throw systemError(response, 'ioctl')
    return response
  }
  // The driver takes one request at a time and blocks the rest, each of which would hold a thread of the small pool.
  return (request) => {
    const answer = last.then(() => ask(request))
    last = answer.catch(() => {})
    return answer
  }
}

/** Mixes randomness into what keys are drawn from, the kernel's generator and this process's, before it returns. */
export async function addEntropy(bytes: Uint8Array, path = '/dev/random'): Promise<void> {
  await using random = await open(path, 'r+')
  const result = loadNative().addEntropy(random.fd, bytes)
  if (result < 0) throw systemError(result, 'ioctl')
}
