import { createHash, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { nitroRoot } from '../../../enclave/attestation/root.ts'

test("is AWS's G1", () => {
  expect(createHash('sha256').update(nitroRoot).digest('hex')).toBe(
    '641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b',
  )
  const root = new X509Certificate(nitroRoot)
  expect(root.subject).toBe('C=US\nO=Amazon\nOU=AWS\nCN=aws.nitro-enclaves')
  expect(root.verify(root.publicKey)).toBe(true)
})
