import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gitIn } from '../../../deploy/gate/git.ts'
import { parseSummary, type Summary } from '../../../deploy/gate/summary.ts'
import { summarise, type Run } from '../../../deploy/gate/summarise.ts'
import { hex, LIVE, NEW, OTHER, policyOf } from './reports.ts'
import { manifest, scene, tests } from './scene.ts'

async function summaryIn({ run, repository }: ReturnType<typeof scene>, over: Partial<Run> = {}): Promise<Summary> {
  const report = await summarise({ ...run, ...over }, gitIn(repository.folder), repository.folder)
  return parseSummary(Buffer.from(report['build-summary.json']).toString(), 'the report')
}

describe('the report of a run', () => {
  it('holds everything that a reviewer decides by, and warns of what he should find out first', async () => {
    const one = scene()
    const summary = await summaryIn(one)
    expect(summary).toMatchObject({
      source: { commit: one.commit, tag: null },
      live: { pcr0: LIVE, commit: one.live },
      changes: {
        commits: [{ id: one.commit, subject: 'Soften a rule' }],
        files: [
          { status: 'M', path: 'deploy/config.yaml' },
          { status: 'M', path: 'rules/falco/r.yaml' },
        ],
        rules: ['rules/falco/r.yaml: rule "r": priority error -> notice'],
        config: ['region: "eu-west-1" -> "eu-west-2"'],
      },
      measurement: { pcr0: NEW },
      second: { pcr0: NEW },
      bases: [`example.com/node@sha256:${hex('base', 'sha256')}`, `example.com/al@sha256:${hex('al', 'sha256')}`],
      toolchain: { node: 'v26.10.0', 'nitro-cli': 'aws-nitro-enclaves-cli 1.5.0' },
      sbom: { components: 2 },
      tests: { total: 4, passed: 3, failed: 0 },
      allowList: { applied: [LIVE], inRepository: [LIVE], proposed: [LIVE, NEW] },
      policy: { kind: 'diff' },
      warnings: [],
    })

    one.repository.git('tag', 'v1')
    const warnings: readonly (readonly [Partial<Run>, RegExp])[] = [
      [{}, /^The tag is not signed/],
      [{ live: undefined }, /No report of the live image/],
      [{ applied: [OTHER] }, /not the one that is applied/],
      [{ policy: policyOf([LIVE, OTHER]) }, /changed it by hand/],
      [{ applied: [NEW] }, /allowed already/],
    ]
    for (const [over, warning] of warnings) expect((await summaryIn(one, over)).warnings.join('\n')).toMatch(warning)
    expect((await summaryIn(one, { policy: undefined })).policy.kind).toBe('absent')
  })

  it('is not written of builds that differ, or without tests that passed', async () => {
    const one = scene()
    const refused: readonly (readonly [string, string, string])[] = [
      ['first/tests.json', JSON.stringify({ ...tests, numFailedTests: 1 }), 'ERR_GATE_INPUT'],
      ['first/tests.json', JSON.stringify({ ...tests, numPassedTests: 0 }), 'ERR_GATE_INPUT'],
      ['second/manifest.txt', manifest.replace(hex('libc', 'sha256'), hex('x', 'sha256')), 'ERR_GATE_MISMATCH'],
    ]
    for (const [file, text, code] of refused) {
      writeFileSync(join(one.root, file), text)
      await expect(summaryIn(one)).rejects.toMatchObject({ code })
    }
  })
})
