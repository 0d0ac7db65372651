import { beforeEach, describe, expect, it } from 'vitest'
import { DeviceError, MAX_CLOCK_SKEW_MS, openDevice } from '../../enclave/device.ts'
import type { Kernel } from '../../enclave/ports.ts'
import { createSoftwareNsm } from '../../local/nsm/device.ts'
import { cbor } from '../../local/nsm/documents.ts'

const NOW = Date.UTC(2026, 10, 21)
const PCR0 = 'ab'.repeat(48)
const clock = { now: () => NOW }

let asked: string[]
const kernel = (over: Partial<Kernel> = {}): Kernel => ({
  addEntropy: async (random) => void asked.push(`entropy of ${random.length} bytes`),
  verifyClockSource: async () => void asked.push('clock source'),
  ...over,
})
beforeEach(() => {
  asked = []
})

const software = async (settings: { pcr0?: string; at?: number } = {}) =>
  (await createSoftwareNsm({ pcr0: settings.pcr0 ?? PCR0, now: () => settings.at ?? NOW })).request

describe('openDevice', () => {
  it('takes entropy, and looks at the clock, before it hands the device over', async () => {
    const nsm = await openDevice({ device: await software(), kernel: kernel(), clock })
    expect(asked).toEqual(['entropy of 256 bytes', 'clock source'])
    expect((await nsm.pcr(0)).toHex()).toBe(PCR0)
  })

  it.each([-MAX_CLOCK_SKEW_MS, MAX_CLOCK_SKEW_MS])('bears a clock that is off by %d ms', async (skew) => {
    await expect(
      openDevice({ device: await software({ at: NOW + skew }), kernel: kernel(), clock }),
    ).resolves.toBeDefined()
  })

  it.each([
    ['debug-enclave', 'a PCR0 of zeros', () => software({ pcr0: '0'.repeat(96) })],
    ['clock-differs', 'a clock that is behind', () => software({ at: NOW + MAX_CLOCK_SKEW_MS + 1 })],
    ['clock-differs', 'a clock that is ahead', () => software({ at: NOW - MAX_CLOCK_SKEW_MS - 1 })],
    [
      'unlocked',
      'a PCR0 that can still be extended',
      async () => {
        const device = await software()
        const description = { module_id: 'i-0', digest: 'SHA384', max_pcrs: 32, locked_pcrs: [1, 2] }
        const version = { version_major: 1, version_minor: 0, version_patch: 0 }
        const describeNsm = cbor.encode('DescribeNSM')
        return async (request: Uint8Array) =>
          describeNsm.equals(request) ? cbor.encode({ DescribeNSM: { ...version, ...description } }) : device(request)
      },
    ],
  ] as const)('%s: %s', async (code, _what, device) => {
    const opened = openDevice({ device: await device(), kernel: kernel(), clock })
    await expect(opened).rejects.toBeInstanceOf(DeviceError)
    await expect(opened).rejects.toMatchObject({ code })
  })

  it.each<keyof Kernel>(['addEntropy', 'verifyClockSource'])('does not go on when %s fails', async (verb) => {
    const failing = kernel({ [verb]: () => Promise.reject(new Error('no')) })
    await expect(openDevice({ device: await software(), kernel: failing, clock })).rejects.toThrow('no')
  })
})
