import type { LookupAddress } from 'node:dns'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { sharedLookup } from '../../parent-proxy/lookup.ts'

it('asks once for a name however many wait for it, and anew when it is answered', async () => {
  const asked: string[] = []
  const answers: PromiseWithResolvers<LookupAddress[]>[] = []
  const lookup = sharedLookup((host) => {
    asked.push(host)
    const answer = Promise.withResolvers<LookupAddress[]>()
    answers.push(answer)
    return answer.promise
  })
  const ask = (host: string) => promisify(lookup)(host, { all: true })

  const waiting = [ask('slow.example.com'), ask('slow.example.com'), ask('other.example.com')]
  expect(asked).toEqual(['slow.example.com', 'other.example.com'])
  answers[1]?.resolve([{ address: '192.0.2.2', family: 4 }])
  expect(await waiting[2]).toEqual([{ address: '192.0.2.2', family: 4 }])

  answers[0]?.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
  const results = await Promise.allSettled(waiting.slice(0, 2))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])

  const again = ask('slow.example.com')
  answers[2]?.resolve([{ address: '192.0.2.1', family: 4 }])
  expect(await again).toEqual([{ address: '192.0.2.1', family: 4 }])
  expect(asked).toHaveLength(3)
})
