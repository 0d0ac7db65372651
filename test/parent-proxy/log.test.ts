import { expect, it } from 'vitest'
import { sparing } from '../../parent-proxy/log.ts'

it('leaves out what one code says too often, and counts it', () => {
  let time = 0
  const lines: [code: string, unsaid: unknown][] = []
  const log = sparing(
    (_level, code, fields) => lines.push([code, fields?.['unsaid']]),
    () => time,
  )
  for (let count = 0; count < 50; count += 1) log('warn', 'ingress-full')
  expect(lines).toHaveLength(20)
  log('error', 'uncaught')
  expect(lines.at(-1)).toEqual(['uncaught', undefined])

  time = 1000
  log('warn', 'ingress-full')
  expect(lines.at(-1)).toEqual(['ingress-full', 30])
  time = 3000
  log('warn', 'ingress-full')
  expect(lines.at(-1)).toEqual(['ingress-full', undefined])
})
