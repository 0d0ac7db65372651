import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadRules } from '../../enclave/adapters/rules.ts'
import { parseRules } from '../enclave/core/falco/parse_rules.ts'
import { parseState } from '../../enclave/core/state.ts'
import { stateOf } from '../../local/story.ts'
import { replay, replayWorld } from '../../operator/replay.ts'
import { dissect } from '../enclave/sealing/fixture.ts'
import { drifting, recordsOf, repositoryNames } from './records.ts'
import { ruleFile } from './rules.ts'
import { sidesOf } from './sealing.ts'

// What stands side by side in the report did the same work on the same bytes.

describe('sealing', () => {
  it.each([1024, 1024 * 1024])('%d bytes: the bare cipher makes and opens what the envelope holds', (bytes) => {
    const { seal, encrypt, open, decrypt } = sidesOf(bytes)
    const { ciphertext, tag } = encrypt()
    const [chunk = new Uint8Array(), ...more] = dissect(seal()).chunks
    expect(more).toEqual([])
    expect(Buffer.compare(chunk, Buffer.concat([ciphertext, tag]))).toBe(0)
    expect(open().length).toBe(bytes)
    expect(Buffer.compare(open(), decrypt())).toBe(0)
  })
})

describe('records', () => {
  const REPOSITORIES = 50
  const outcomesOf = async (records: ReturnType<typeof recordsOf>) => {
    const rules = await loadRules(fileURLToPath(new URL('../../rules', import.meta.url)))
    const world = replayWorld(rules, [parseState(stateOf(repositoryNames(REPOSITORIES)), 'bench')], [])
    async function* each() {
      yield records
    }
    const { records: count, outcomes } = await replay(each(), world, () => {})
    return { count, outcomes: Object.fromEntries(outcomes) }
  }

  it('are the same each time, and no two have the same id', () => {
    const records = recordsOf(200, REPOSITORIES)
    expect(recordsOf(200, REPOSITORIES)).toEqual(records)
    expect(new Set(records.map((record) => record['eventID'])).size).toBe(200)
  })

  it('of a trail: mostly reads, and some of everything that follows', async () => {
    const { count, outcomes } = await outcomesOf(recordsOf(1000, REPOSITORIES))
    expect(count).toBe(1000)
    expect(outcomes['ignored']).toBeGreaterThan(500)
    for (const outcome of ['drift', 'resolved', 'expected']) expect(outcomes[outcome]).toBeGreaterThan(0)
    expect(outcomes['rejected']).toBeUndefined()
  })

  it('that drift: every one, and each on a resource of its own', async () => {
    expect(await outcomesOf(drifting(REPOSITORIES, REPOSITORIES))).toEqual({
      count: REPOSITORIES,
      outcomes: { drift: REPOSITORIES },
    })
  })
})

it('as many rules are loaded as the figure says', () => {
  expect(parseRules('bench.yaml', ruleFile(100))).toMatchObject({ rules: { length: 100 }, warnings: [] })
})
