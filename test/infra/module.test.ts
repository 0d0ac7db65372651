import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRendering, render } from './rendering.ts'
import { openWorkspace, ROOT, sayLeftOut, TERRAFORM, type Workspace } from './terraform.ts'

const LEAST_ASSERTIONS = 60
/** Far above what any of it takes. */
const HANG_MS = 10 * 60_000

const MODULES = ['infra', 'infra/modules/forward', 'infra/examples/minimal', 'infra/examples/complete']
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const runsIn = (file: string): number => textOf(file).match(/^run /gm)?.length ?? 0
/** The longest first: they run side by side, and none should be waited for at the end. */
const TESTS = globSync('infra/tests/*.tftest.hcl', { cwd: ROOT }).sort((one, other) => runsIn(other) - runsIn(one))

it(`the module’s own tests hold at least ${LEAST_ASSERTIONS} assertions`, () => {
  const assertions = TESTS.map((file) => textOf(file).match(/^ {4}condition +=/gm)?.length ?? 0)
  expect(assertions.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(LEAST_ASSERTIONS)
})

describe.skipIf(TERRAFORM === undefined)('with Terraform', () => {
  let workspace: Workspace
  beforeAll(async () => {
    workspace = openWorkspace()
    for (const module of MODULES) {
      const { code, output } = await workspace.terraform(module, 'init', '-backend=false', '-no-color')
      if (code !== 0) throw new Error(output)
    }
  }, HANG_MS)
  afterAll(() => workspace[Symbol.dispose]())

  /** What Terraform says where it does not succeed. */
  async function complaint(module: string, ...args: readonly string[]): Promise<string> {
    const { code, output } = await workspace.terraform(module, ...args)
    return code === 0 ? '' : output
  }

  it('is formatted', async () => {
    expect(await complaint('infra', 'fmt', '-check', '-recursive', '-diff', '-no-color')).toBe('')
  })

  it.each(MODULES)('%s is valid', { timeout: HANG_MS }, async (module) => {
    expect(await complaint(module, 'validate', '-no-color')).toBe('')
  })

  // One process at a time would leave a core idle.
  it.concurrent.each(TESTS)('%s', { timeout: HANG_MS }, async (file) => {
    expect(await complaint('infra', 'test', '-no-color', `-filter=${file.replace('infra/', '')}`)).toBe('')
  })

  it('plans what the committed rendering says (else: node test/infra/rendering.ts)', { timeout: HANG_MS }, async () => {
    using copy = openWorkspace()
    expect(await render(copy)).toEqual(readRendering())
  })
})

it.runIf(TERRAFORM === undefined)('says what it leaves out', () => {
  const said = sayLeftOut('fmt, validate, infra/tests and a fresh plan, since terraform is not on PATH')
  expect(said).toContain('terraform')
})
