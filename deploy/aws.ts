/** What AWS refused, or nobody answered, and what to do about it. */
export class AwsError extends Error {
  readonly code = 'ERR_AWS'
}

/** What a person can do about a refusal of AWS, by the name that the SDK gives it, or the code that the system does. */
const ADVICE = new Map(
  Object.entries({
    AccessDeniedException: 'your role may not do this',
    AccessDenied: 'your role may not do this',
    ResourceNotFoundException: 'there is no such thing: check its name, the region and the account',
    NotFoundException: 'there is no such key: check its name, the region and the account',
    PipelineNotFoundException: 'there is no such pipeline: check its name, the region and the account',
    NoSuchKey: 'there is no such object',
    'Region is missing': 'no region: set AWS_REGION',
    CredentialsProviderError: 'no credentials: sign in, or set AWS_PROFILE',
    ExpiredTokenException: 'your credentials have expired: sign in again',
    ExpiredToken: 'your credentials have expired: sign in again',
    InvalidApprovalTokenException: 'somebody else has just decided, or another execution waits: show it again',
    ApprovalAlreadyCompletedException: 'somebody else has just decided',
    InvalidRequestException:
      'the secret is not in a state for this: is it being deleted, or without rotation function?',
    ECONNREFUSED: 'AWS is out of reach: nothing answers at its address',
    ENOTFOUND: 'AWS is out of reach: its host has no address here',
    ETIMEDOUT: 'AWS is out of reach: no answer came',
    TimeoutError: 'AWS is out of reach: no answer came',
  }),
)

/** Asks AWS; a refusal becomes one line that says what was tried and what to do. */
export async function asking<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    for (const name of error instanceof Error ? namesOf(error) : []) {
      const advice = ADVICE.get(name)
      if (advice !== undefined) throw new AwsError(`cannot ${what}: ${advice} (${name})`, { cause: error })
    }
    throw error
  }
}

/** Some of the SDK's errors are known by nothing but their message. */
const namesOf = (error: Error): readonly string[] => [
  ...('code' in error ? [String(error.code)] : []),
  error.name,
  error.message,
]
