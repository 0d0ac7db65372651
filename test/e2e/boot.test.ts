import { describe, expect, it } from 'vitest'
import { StartError } from '../../local/processes.ts'
import type { StackOptions } from '../../local/stack.ts'
import { awsHere, startChain } from './harness.ts'

const refusals: readonly [what: string, options: Omit<StackOptions, 'dir'>, line: RegExp][] = [
  [
    'a PCR0 that the key policy does not list',
    { startAws: awsHere({ settings: { allowedPcr0: ['ab'.repeat(48)] } }) },
    /^driftseal: keys: KMS refused the attested Decrypt: AccessDeniedException \(is this image’s PCR0/,
  ],
  [
    'an answer of KMS that was changed on its way',
    { startAws: awsHere({ hostile: { tamperRecipient: (ber) => ber.with(ber.length - 40, (ber.at(-40) ?? 0) ^ 1) } }) },
    /^driftseal: keys: /,
  ],
  [
    'an answer of KMS for another recipient',
    { startAws: awsHere({ hostile: { tamperRecipient: (ber) => ber.with(60, (ber[60] ?? 0) ^ 1) } }) },
    /^driftseal: keys: /,
  ],
  [
    'a data key swapped for a key of another purpose',
    // What stands there was made by the same KMS key, but for webhooks.
    { config: { dek_secret: 'driftseal/webhook' } },
    /^driftseal: keys: KMS refused the attested Decrypt: InvalidCiphertextException/,
  ],
  [
    'a data key that is noise',
    {
      startAws: awsHere({ started: (aws) => aws.secrets.replace('driftseal/dek', 'AWSCURRENT', Buffer.alloc(200, 7)) }),
    },
    /^driftseal: keys: KMS refused the attested Decrypt: (InvalidCiphertext|NotFound)Exception/,
  ],
  [
    'an environment that the keys were not made for',
    { config: { environment: 'production' } },
    /^driftseal: keys: KMS refused the attested Decrypt: InvalidCiphertextException/,
  ],
  [
    'a secret that is not there',
    { config: { dek_secret: 'driftseal/nothing' } },
    /^driftseal: keys: Secrets Manager gave no AWSCURRENT of driftseal\/nothing: is the key provisioned/,
  ],
  [
    'a configuration with a key that nobody knows',
    { config: { debug: true } },
    /^driftseal: keys: configuration refused:\n {2}debug: /,
  ],
]

describe('the enclave does not start on', () => {
  it.each(refusals)('%s: one clear line, and a code', async (_what, options, line) => {
    const failure = await startChain(options).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(StartError)
    expect(failure).toMatchObject({ exit: 1, lastWords: expect.stringMatching(line) as string })
  })
})
