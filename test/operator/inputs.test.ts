import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { gzipSync } from 'node:zlib'
import { EventError } from '../../enclave/core/cloudtrail.ts'
import type { Json } from '../../enclave/core/json.ts'
import { UnreadRecord, wholeOf } from '../../enclave/core/log_file.ts'
import { StateError } from '../../enclave/core/state.ts'
import { InputError, readRecords, readStates } from '../../operator/inputs.ts'
import { stateText } from '../enclave/core/world.ts'
import { folderOf } from './folder.ts'

const one = { eventName: 'a', eventTime: '2025-01-01T00:00:01Z' }
const two = { eventName: 'b', eventTime: '2025-01-01T00:00:02Z' }
const log = JSON.stringify({ Records: [two, one] })
const lines = `${JSON.stringify(one)}\n\n${JSON.stringify(two)}`
const bridge = JSON.stringify({ 'detail-type': 'AWS API Call via CloudTrail', detail: one })

async function records(files: Readonly<Record<string, string | Uint8Array>>): Promise<readonly (Json | EventError)[]> {
  const read = await Array.fromAsync(readRecords([folderOf(files)]), (batch) =>
    batch.map((record) => (record instanceof EventError ? record : wholeOf(record))),
  )
  return read.flat()
}

describe('records', () => {
  test.each<[string, Readonly<Record<string, string | Uint8Array>>, readonly Json[]]>([
    ['a log file, in the order of time', { 'a.json': log }, [one, two]],
    ['a packed log file', { 'a.json.gz': gzipSync(log) }, [one, two]],
    ['one record', { 'a.json': JSON.stringify(one) }, [one]],
    ['an EventBridge envelope', { 'a.json': bridge }, [one]],
    ['lines', { 'a.ndjson': lines }, [one, two]],
    ['lines that are called a document', { 'a.json': lines }, [one, two]],
    ['a log file with a byte order mark', { 'a.json': `\ufeff${log}` }, [one, two]],
    ['packed lines of envelopes', { 'a.jsonl.gz': gzipSync(`${bridge}\n${bridge}\n`) }, [one, one]],
    [
      'folders in folders, in the order of names',
      { 'b/x.json': log, 'a/y.ndjson': lines, 'c.txt': '' },
      [one, two, one, two],
    ],
    ['a log file without records', { 'a.json': '{"Records":[]}' }, []],
  ])('%s', async (_, files, expected) => {
    expect(await records(files)).toEqual(expected)
  })

  test('a broken line is told in its place', async () => {
    const [first, second, third] = await records({
      'a.ndjson': `${JSON.stringify(one)}\n{"x":\n${JSON.stringify(two)}`,
    })
    expect([first, third]).toEqual([one, two])
    expect(second).toBeInstanceOf(EventError)
  })

  test('what a file holds is let go of when more is asked for', async () => {
    const [[record] = []] = await Array.fromAsync(readRecords([folderOf({ 'a.json': log })]))
    expect(() => record instanceof UnreadRecord && record.read()).toThrow('was let go of')
  })

  test('a character that two reads share stays whole', async () => {
    const record = { eventName: 'ü€😀'.repeat(40_000) }
    expect(await records({ 'a.ndjson': JSON.stringify(record) })).toEqual([record])
  })

  test.each<[string, Readonly<Record<string, string | Uint8Array>>, RegExp]>([
    ['an empty folder', { 'readme.txt': '' }, /^no \.json, \.ndjson or \.jsonl file/],
    ['a document that is no JSON', { 'a.json': '{"Records":' }, /a\.json: not JSON$/],
    ['a document of several lines that is no JSON', { 'a.json': '{\n"Records":' }, /a\.json: not JSON$/],
    ['a pack that is none', { 'a.json.gz': 'plain' }, /a\.json\.gz: cannot be read \(Z_DATA_ERROR\)$/],
    ['half a pack', { 'a.ndjson.gz': gzipSync(log).subarray(0, 30) }, /a\.ndjson\.gz: cannot be read \(Z_BUF_ERROR\)$/],
  ])('%s is an error', async (_, files, message) => {
    await expect(records(files)).rejects.toThrow(InputError)
    await expect(records(files)).rejects.toThrow(message)
  })

  test('a path that leads nowhere is an error', async () => {
    await expect(Array.fromAsync(readRecords(['/nowhere']))).rejects.toThrow('/nowhere: no such file or folder')
  })
})

describe('states', () => {
  test('the newest of a lineage counts, and that is said', async () => {
    const folder = folderOf({
      'a/terraform.tfstate': stateText({}, { serial: 1 }),
      'b/terraform.tfstate': stateText({}, { serial: 3 }),
      'c/terraform.tfstate': stateText({}, { serial: 2 }),
      'd/terraform.tfstate': stateText({}, { serial: 1, lineage: 'other' }),
      'd/.terraform/terraform.tfstate': '{"version":3,"backend":{}}',
      'd/terraform.tfstate.backup': stateText({}, { serial: 0, lineage: 'other' }),
    })
    const said: string[] = []
    const states = await readStates([folder], (line) => said.push(line))
    expect(states.map(({ name, serial }) => [name, serial])).toEqual([
      [join(folder, 'b/terraform.tfstate'), 3],
      [join(folder, 'd/terraform.tfstate'), 1],
    ])
    expect(said).toHaveLength(2)
    expect(said[0]).toContain('serial 1 is left out')
  })

  test.each<[string, Readonly<Record<string, string>>, typeof InputError | typeof StateError]>([
    ['a folder without one', { 'main.tf': '' }, InputError],
    ['one that is none', { 'x.tfstate': '{}' }, StateError],
  ])('%s is an error', async (_, files, kind) => {
    await expect(readStates([folderOf(files)], () => {})).rejects.toThrow(kind)
  })
})
