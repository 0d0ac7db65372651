import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openSqs, QueueError } from '../../../enclave/adapters/sqs.ts'
import type { Message } from '../../../enclave/ports.ts'
import { hostBytes } from '../../fakes/blobs.ts'
import { bodyOf, refuses, says, scriptedAws, type Answer } from './scripted_aws.ts'

const QueueUrl = 'https://sqs.us-east-1.amazonaws.com/111122223333/events'
const { signal } = new AbortController()

async function queueThat(answer: (body: unknown) => Answer) {
  const { access, asked } = await scriptedAws((one) => answer(bodyOf(one)))
  const queue = openSqs(access, QueueUrl, 60)
  return { queue, asked, bodies: () => asked.map(bodyOf) }
}
const messages = (count: number): Message[] =>
  Array.from({ length: count }, (_, index) => ({ id: `m${index}`, receipt: `r${index}`, body: hostBytes('') }))

describe('a queue', () => {
  it('gives its messages, and waits long for them', async () => {
    const Body = '{"naïve":true}'
    const MD5OfBody = createHash('md5').update(Body).digest('hex')
    const { queue, bodies } = await queueThat(() =>
      says({ Messages: [{ MessageId: 'm', ReceiptHandle: 'r', Body, MD5OfBody }] }),
    )
    expect(await queue.receive(signal)).toEqual([{ id: 'm', receipt: 'r', body: Buffer.from(Body) }])
    expect(bodies()).toEqual([{ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20, VisibilityTimeout: 60 }])
  })

  it.each([{}, { Messages: [] }])('that is empty gives none: %j', async (answer) => {
    const { queue } = await queueThat(() => says(answer))
    expect(await queue.receive(signal)).toEqual([])
  })

  it('stops waiting when all is over', async () => {
    const over = new AbortController()
    const { queue } = await queueThat(() => {
      over.abort()
      return says({})
    })
    await expect(queue.receive(over.signal)).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('hides a message for so long', async () => {
    const { queue, asked, bodies } = await queueThat(() => says({}))
    await queue.hide({ id: 'm', receipt: 'r', body: hostBytes('') }, 1860)
    expect(asked[0]?.operation).toBe('ChangeMessageVisibility')
    expect(bodies()).toEqual([{ QueueUrl, ReceiptHandle: 'r', VisibilityTimeout: 1860 }])
  })
})

describe('removing', () => {
  const entries = (body: unknown) => (body as { Entries: { Id: string; ReceiptHandle: string }[] }).Entries

  it.each([
    [0, []],
    [1, [1]],
    [10, [10]],
    [11, [10, 1]],
    [35, [10, 10, 10, 5]],
  ])('%i messages takes batches of %j, as many as SQS takes at once', async (count, batches) => {
    const { queue, bodies } = await queueThat(() => says({ Successful: [], Failed: [] }))
    await queue.remove(messages(count))
    expect(bodies().map((body) => entries(body).length)).toEqual(batches)
    expect(bodies().flatMap((body) => entries(body).map(({ ReceiptHandle }) => ReceiptHandle))).toEqual(
      messages(count).map(({ receipt }) => receipt),
    )
    for (const body of bodies()) expect(new Set(entries(body).map(({ Id }) => Id)).size).toBe(entries(body).length)
  })

  it('says how many messages stayed, and removes the others all the same', async () => {
    const { queue, asked } = await queueThat((body) =>
      says({
        Failed: entries(body)
          .filter(({ ReceiptHandle }) => ['r3', 'r12'].includes(ReceiptHandle))
          .map(({ Id }) => ({ Id, Code: 'ReceiptHandleIsInvalid', SenderFault: true })),
      }),
    )
    await expect(queue.remove(messages(15))).rejects.toThrow(new QueueError('2 messages could not be removed'))
    expect(asked).toHaveLength(2)
  })

  it('that is refused throws', async () => {
    const { queue } = await queueThat(() => refuses('AccessDeniedException'))
    await expect(queue.remove(messages(1))).rejects.toMatchObject({ name: 'AccessDeniedException' })
  })
})
