import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openKernel } from '../../../enclave/adapters/kernel.ts'
import { openNsm } from '../../../enclave/adapters/nsm.ts'
import { addEntropy, openNsmDevice } from '../../../vsock/nsm.ts'

// The packaged QEMU has no virtio-nsm, so of the device itself only failures can be seen here.
await test('nsm: a device that is not there', async () => {
  await assert.rejects(openNsm(openNsmDevice()).random(), { code: 'device' })
})

await test('nsm: a file that is no security module, and the next request', async () => {
  const device = openNsmDevice('/dev/null')
  await assert.rejects(device(Buffer.alloc(1)), { code: 'ENOTTY', syscall: 'ioctl' })
  await assert.rejects(device(Buffer.alloc(0x1001)), { code: 'EMSGSIZE' })
  await assert.rejects(Promise.all([device(Buffer.alloc(1)), device(Buffer.alloc(1))]), { code: 'ENOTTY' })
})

await test('kernel: takes entropy, and uses it at once', async () => {
  await addEntropy(Buffer.alloc(256, 7))
  await assert.rejects(addEntropy(Buffer.alloc(256), '/dev/null'), { code: 'ENOTTY' })
  await assert.rejects(addEntropy(Buffer.alloc(513)), { code: 'EINVAL' })
})

await test("kernel: a clock that is not the hypervisor's is refused", async () => {
  await assert.rejects(openKernel().verifyClockSource(), { code: 'clock-source' })
})
