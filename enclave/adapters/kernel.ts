import { readFile } from 'node:fs/promises'
import { addEntropy } from '../../vsock/nsm.ts'
import type { Kernel } from '../ports.ts'

export class KernelError extends Error {
  readonly code = 'clock-source'
}

const CLOCK_SOURCE = '/sys/devices/system/clocksource/clocksource0/current_clocksource'
/** The hypervisor's own; with any other, time is what this machine's counters make of it. */
const TRUSTED_CLOCK_SOURCE = 'kvm-clock'

/** The kernel of a Nitro Enclave. */
export const openKernel = (clockSource = CLOCK_SOURCE): Kernel => ({
  addEntropy,
  async verifyClockSource() {
    const current = (await readFile(clockSource, 'utf8')).trim()
    if (current !== TRUSTED_CLOCK_SOURCE)
      throw new KernelError(`the kernel's clock source is "${current}"; boot with clocksource=${TRUSTED_CLOCK_SOURCE}`)
  },
})
