import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openKernel } from '../../../enclave/adapters/kernel.ts'
import { directory } from '../../parent-proxy/sockets.ts'

it.each([
  ['kvm-clock\n', 'trusted'],
  ['tsc\n', 'clock-source'],
  ['kvm-clock tsc\n', 'clock-source'],
  ['', 'clock-source'],
])('a clock source of %j: %s', async (text, outcome) => {
  const path = join(await directory(), 'current_clocksource')
  await writeFile(path, text)
  const verified = openKernel(path)
    .verifyClockSource()
    .then(
      () => 'trusted',
      (error: NodeJS.ErrnoException) => error.code,
    )
  expect(await verified).toBe(outcome)
})
