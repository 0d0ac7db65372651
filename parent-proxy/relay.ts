import type { Duplex } from 'node:stream'

/**
 * Joins two connections until both directions have ended. An end passes on after the bytes before it and leaves the
 * other direction open; a slow reader holds its writer back, so a relay keeps no more than the streams' own buffers.
 * A connection that breaks takes the other with it: what runs through here is TLS, which tells a cut from an end.
 */
export function relay(a: Duplex, b: Duplex, idleTimeoutMs: number): void {
  const timer = setTimeout(() => {
    a.destroy()
    b.destroy()
  }, idleTimeoutMs)
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => {}) // 'close' follows
    from.on('data', () => timer.refresh())
    from.once('close', () => {
      if (!(from.readableEnded && from.writableFinished)) to.destroy()
      if (to.closed) clearTimeout(timer)
    })
    from.pipe(to)
  }
}
