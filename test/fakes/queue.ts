import { EventEmitter, once } from 'node:events'
import type { Message, Queue } from '../../enclave/ports.ts'
import { hostBytes } from './blobs.ts'

const BATCH = 10

export interface MemoryQueue extends Queue {
  send(...bodies: readonly (string | Uint8Array)[]): void
  /** Everything that was received and not removed comes again: its receiver died, or was too slow. */
  redeliver(): void
  /** Resolves when somebody waits for more: all that he got before is dealt with. */
  drained(): Promise<void>
  /** The bodies of what is still there. */
  kept(): readonly string[]
  readonly hidden: readonly { readonly body: string; readonly seconds: number }[]
  /** Decides whether a call fails. */
  fault: (verb: keyof Queue) => boolean
}

const textOf = ({ body }: Message): string => Buffer.from(body).toString()

/** SQS in memory: a message stays until it is removed. */
export function createMemoryQueue(): MemoryQueue {
  const news = new EventEmitter()
  const messages = new Map<string, Message>()
  const hidden: { body: string; seconds: number }[] = []
  let visible: Message[] = []
  let waiting = false
  let count = 0

  const failOn = (verb: keyof Queue): void => {
    if (queue.fault(verb)) throw new Error(`${verb} failed`)
  }
  const offer = (more: readonly Message[]): void => {
    visible.push(...more)
    waiting = false
    news.emit('sent')
  }

  const queue: MemoryQueue = {
    hidden,
    fault: () => false,
    send(...bodies) {
      const sent = bodies.map((body) => {
        count += 1
        return { id: `m${count}`, receipt: `r${count}`, body: hostBytes(body) }
      })
      for (const message of sent) messages.set(message.id, message)
      offer(sent)
    },
    redeliver: () => offer([...messages.values()]),
    async drained() {
      if (!waiting) await once(news, 'waiting')
    },
    kept: () => Array.from(messages.values(), textOf),
    async receive(signal) {
      failOn('receive')
      while (visible.length === 0) {
        waiting = true
        news.emit('waiting')
        await once(news, 'sent', { signal })
      }
      const batch = visible.slice(0, BATCH)
      visible = visible.slice(BATCH)
      return batch
    },
    async remove(removed) {
      failOn('remove')
      for (const { id } of removed) messages.delete(id)
    },
    async hide(message, seconds) {
      failOn('hide')
      hidden.push({ body: textOf(message), seconds })
    },
  }
  return queue
}
