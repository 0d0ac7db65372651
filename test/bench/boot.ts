import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { placeRules } from '../../deploy/images/rules.ts'
import type { Told } from '../../local/enclave.ts'
import { startStack } from '../../local/stack.ts'
import { figure, timed, type Figure, type Section } from './measure.ts'

const STACKS = 3
const BOOTS_OF_A_STACK = 5
const READY_GOAL_MS = 1500
/** The line that `enclave/boot.ts` writes at the end of each phase. */
const PHASE = /^boot\.(\w+)$/

/** Starts the local stack some times, and in each the enclave alone some times more, as after a crash; with the rules as an image has them. */
async function measureBoots() {
  const whole: number[] = []
  const ready: number[] = []
  const phases = new Map<string, number[]>()
  let restarting = false
  const onTold = (told: Told) => {
    if (!restarting || told.kind !== 'log') return
    const [, phase] = PHASE.exec(told.code) ?? []
    if (phase !== undefined) phases.getOrInsertComputed(phase, () => []).push(Number(told.fields['ms']))
  }
  for (let count = 0; count < STACKS; count++) {
    restarting = false
    await using ends = new AsyncDisposableStack()
    const dir = await mkdtemp(join(tmpdir(), 'ds-'))
    ends.defer(() => rm(dir, { recursive: true, force: true }))
    const rules = join(dir, 'rules')
    placeRules(join(import.meta.dirname, '../../rules'), rules)
    const began = performance.now()
    const stack = await startStack({ dir, onTold, rules })
    whole.push(performance.now() - began)
    ends.defer(() => stack.stop())
    restarting = true
    for (let boots = 0; boots < BOOTS_OF_A_STACK; boots++) {
      await stack.enclave.stop()
      ready.push(await timed(() => stack.startEnclave()))
    }
  }
  return { whole, ready, phases }
}

export const boot: Section = {
  title: 'Boot, in the local stack: security module, AWS, parent-proxy and enclave on this machine',
  async run(): Promise<readonly Figure[]> {
    const { whole, ready, phases } = await measureBoots()
    const rest = ready.map((ms, at) => phases.values().reduce((left, took) => left - (took[at] ?? 0), ms))
    return [
      figure('enclave: process to ready', 'ms', ready, { below: READY_GOAL_MS }),
      figure('  of that, Node and modules', 'ms', rest),
      ...Array.from(phases, ([phase, took]) => figure(`  of that, ${phase}`, 'ms', took)),
      figure('start of everything', 'ms', whole),
    ]
  },
}
