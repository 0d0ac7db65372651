import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { openLines } from '../../../enclave/adapters/lines.ts'
import { findingOf } from '../findings.ts'

const { signal } = new AbortController()

it('writes a line for each finding', async () => {
  const stream = new PassThrough()
  const sink = openLines('console', stream, ({ eventId }) => eventId)
  expect(await sink.deliver(findingOf('one'), signal)).toBe('taken')
  expect(await sink.deliver(findingOf('two'), signal)).toBe('taken')
  stream.end()
  expect(await text(stream)).toBe('one\ntwo\n')
})

it('waits for a reader who is slow, and keeps no more than one finding for him', async () => {
  const stream = new PassThrough({ highWaterMark: 4 })
  const sink = openLines('console', stream, () => 'a longer line')
  let taken = false
  const delivery = sink.deliver(findingOf('one'), signal).then(() => (taken = true))
  await once(stream, 'readable')
  expect(taken).toBe(false)
  stream.resume()
  expect(await delivery).toBe(true)
})

it('stops waiting when all is over', async () => {
  const over = new AbortController()
  const sink = openLines('console', new PassThrough({ highWaterMark: 1 }), () => 'a line')
  const delivery = sink.deliver(findingOf('one'), over.signal)
  over.abort()
  await expect(delivery).rejects.toMatchObject({ name: 'AbortError' })
})
