import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { textOf, yamlOf } from './manifests.ts'

const HAS_PROMTOOL = (process.env['PATH'] ?? '').split(':').some((path) => existsSync(join(path, 'promtool')))

const rules = yamlOf('deploy/monitoring/rules.yaml') as {
  spec: { groups: { rules: { alert: string; expr: string; annotations: object }[] }[] }
}
const alerts = rules.spec.groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(textOf('deploy/monitoring/dashboard.json')) as {
  panels: { id: number; title: string; targets: { expr: string }[] }[]
}
const expressions = [
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
]

describe('monitoring', () => {
  it.each(expressions)('%s asks for metrics that somebody has', (_, expr) => {
    const served = globSync('*.ts', { cwd: 'deploy/runner' })
      .map((name) => textOf(`deploy/runner/${name}`))
      .join('')
    const names = expr.match(/\b(driftseal|kube|container)_\w+/g) ?? []
    expect(names).not.toEqual([])
    for (const name of names.filter((one) => one.startsWith('driftseal_'))) expect(served).toContain(`'${name}'`)
  })

  it('every alert says what is wrong and where to look', () => {
    for (const { annotations } of alerts) expect(Object.keys(annotations)).toEqual(['summary', 'description'])
  })

  it('the monitor scrapes the port that the runner names', () => {
    const monitor = v.strictObject({
      apiVersion: v.literal('monitoring.coreos.com/v1'),
      kind: v.literal('PodMonitor'),
      metadata: v.strictObject({ name: v.literal('driftseal') }),
      spec: v.strictObject({
        selector: v.strictObject({
          matchLabels: v.strictObject({ 'app.kubernetes.io/name': v.literal('driftseal') }),
        }),
        podMetricsEndpoints: v.tuple([
          v.strictObject({ port: v.literal('metrics'), path: v.literal('/metrics'), interval: v.literal('15s') }),
        ]),
      }),
    })
    expect(v.is(monitor, yamlOf('deploy/monitoring/pod-monitor.yaml'))).toBe(true)
    expect(textOf('deploy/base/daemonset.yaml')).toContain('- name: metrics\n')
  })

  it('no two panels of the dashboard are one', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  })

  it.skipIf(!HAS_PROMTOOL)('the rules fire when they should, and not before (promtool)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'driftseal-rules-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'rules.groups.yaml'), stringify(rules.spec))
    writeFileSync(join(folder, 'rules.test.yaml'), textOf('deploy/monitoring/rules.test.yaml'))
    const run = () => execFileSync('promtool', ['test', 'rules', 'rules.test.yaml'], { cwd: folder, stdio: 'pipe' })
    expect(run().toString()).toContain('SUCCESS')
  })
})
