import { openNsm, type NsmDevice } from './adapters/nsm.ts'
import { parseDocument } from './attestation/document.ts'
import type { Clock, Kernel, Nsm } from './ports.ts'

export class DeviceError extends Error {
  readonly code: 'debug-enclave' | 'unlocked' | 'clock-differs'
  constructor(code: DeviceError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Certificates and signed requests live for minutes; a clock that the host has moved is off by more than this. */
export const MAX_CLOCK_SKEW_MS = 10_000

/** Opens the security module, and takes nothing further before it, the randomness and the clock are fit for keys. */
export async function openDevice(around: {
  readonly device: NsmDevice
  readonly kernel: Kernel
  readonly clock: Clock
}): Promise<Nsm> {
  const nsm = openNsm(around.device)
  const pcr0 = await nsm.pcr(0)
  // A debug enclave measures to zeros, and its console shows everything to the host.
  if (pcr0.every((byte) => byte === 0))
    throw new DeviceError('debug-enclave', 'PCR0 is all zero: this is a debug enclave, which keeps no secret')
  const { lockedPcrs } = await nsm.describe()
  if (!lockedPcrs.includes(0))
    throw new DeviceError('unlocked', 'PCR0 is not locked: whoever can extend it chooses what it says')

  await around.kernel.addEntropy(await nsm.random())
  await around.kernel.verifyClockSource()
  await verifyClock(nsm, around.clock)
  return nsm
}

/** The hypervisor writes its own time into a document. Anything from the host could have been told any time. */
async function verifyClock(nsm: Nsm, clock: Clock): Promise<void> {
  const before = clock.now()
  const { timestamp } = parseDocument(await nsm.attest({}))
  if (timestamp < before - MAX_CLOCK_SKEW_MS || timestamp > clock.now() + MAX_CLOCK_SKEW_MS)
    throw new DeviceError('clock-differs', `the clock is over ${MAX_CLOCK_SKEW_MS} ms from the security module's`)
}
