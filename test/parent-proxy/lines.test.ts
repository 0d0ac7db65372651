import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLines } from '../../parent-proxy/lines.ts'
import { Refusal } from '../../parent-proxy/refusal.ts'
import { unless } from './sockets.ts'

const parse = (text: string) => parseLines(Buffer.from(text))

describe('parseLines', () => {
  it.each([
    ['{}', '{}\n'],
    ['{"code":"up"}\n', '{"code":"up"}\n'],
    ['{"a":1}\n{"a":2}\n', '{"a":1}\n{"a":2}\n'],
    ['{"text":"line\\nbreak"}\n', '{"text":"line\\nbreak"}\n'],
    ['{"name":"Zoë ☂"}\n', '{"name":"Zoë ☂"}\n'],
    [`{"x":"${'y'.repeat(16_384 - 8)}"}\n`, `{"x":"${'y'.repeat(16_384 - 8)}"}\n`],
  ])('%.40j passes as it is', (body, lines) => expect(parse(body)).toBe(lines))

  it.each([
    '',
    '\n',
    '{}\n\n{}',
    '{}\n\n',
    'text',
    '[]',
    'null',
    '1',
    '"{}"',
    '{}{}',
    '{"a":1',
    '{"a":1}\nnot json',
    '\ufeff{}',
    '{"a":"\u0007"}',
    `{"x":"${'y'.repeat(16_384 - 7)}"}`,
    '['.repeat(16_000),
  ])('refuses %.40j', (body) => expect(() => parse(body)).toThrow(expect.objectContaining({ code: 'bad-line' })))

  it('refuses what is not UTF-8', () => {
    expect(() => parseLines(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow(Refusal)
  })

  it('lets through nothing but whole JSON objects, and throws nothing but a refusal', () => {
    const body = fc.oneof(
      fc.uint8Array(),
      fc.array(fc.oneof(fc.json(), fc.string())).map((lines) => Buffer.from(lines.join('\n'))),
    )
    fc.assert(
      fc.property(body, (bytes) => {
        const lines =
          unless(Refusal, () => parseLines(bytes))
            ?.trimEnd()
            .split('\n') ?? []
        for (const line of lines) expect(JSON.parse(line)).toBeTypeOf('object')
      }),
    )
  })
})
