import { play } from './play.ts'
import { readScenarios } from './scenario.ts'
import { score } from './score.ts'

interface Sum {
  scenarios: number
  exact: number
  right: number
  wrong: number
  missed: number
}

const none = (): Sum => ({ scenarios: 0, exact: 0, right: 0, wrong: 0, missed: 0 })
const share = (part: number, rest: number): string => (part + rest === 0 ? '-' : (part / (part + rest)).toFixed(4))
const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** `npm run test:fidelity`: every scenario, and how often the detector was right, by service. */
const sums = new Map<string, Sum>()
const all = none()
for (const scenario of readScenarios()) {
  const { right, wrong, missed } = score(scenario, await play(scenario))
  const sum = sums.get(scenario.service) ?? none()
  sums.set(scenario.service, sum)
  for (const each of [sum, all]) {
    each.scenarios += 1
    each.exact += wrong.length + missed.length === 0 ? 1 : 0
    each.right += right
    each.wrong += wrong.length
    each.missed += missed.length
  }
  if (wrong.length + missed.length > 0) {
    say(`${scenario.file}: ${scenario.name}`)
    for (const claim of wrong) say(`  made up  ${claim}`)
    for (const claim of missed) say(`  missed   ${claim}`)
  }
}

const columns = [22, 10, 7, 7, 9, 8, 11, 8]
const row = (...cells: readonly (string | number)[]): string =>
  cells
    .map((cell, at) => (at === 0 ? String(cell).padEnd(columns[at] ?? 0) : String(cell).padStart(columns[at] ?? 0)))
    .join('')
const line = (name: string, { scenarios, exact, right, wrong, missed }: Sum): string =>
  row(name, scenarios, exact, right, wrong, missed, share(right, wrong), share(right, missed))

say(row('service', 'scenarios', 'exact', 'right', 'made up', 'missed', 'precision', 'recall'))
for (const [service, sum] of [...sums].toSorted(([a], [b]) => a.localeCompare(b))) say(line(service, sum))
say(line('all', all))
process.exitCode = all.exact === all.scenarios ? 0 : 1
