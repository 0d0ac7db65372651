import { writeFile } from 'node:fs/promises'
import { attestIngress } from './attest.ts'

/**
 * What a platform engineer does once, after the first start: has the enclave prove what it is, and only then has AWS
 * trust the CA that it showed. Answers false in host mode, where there is none. With the real AWS the second step is a
 * `terraform apply` with the PEM in it.
 */
export async function registerAuthority(
  ingressPort: number,
  expected: Parameters<typeof attestIngress>[1],
  trustAnchorFile: string,
): Promise<boolean> {
  const { authority } = await attestIngress(ingressPort, expected)
  if (authority !== undefined) await writeFile(trustAnchorFile, authority)
  return authority !== undefined
}
