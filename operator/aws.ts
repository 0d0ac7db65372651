import { InputError } from './inputs.ts'

/** What a person can do about a refusal of AWS, by the name that the SDK gives it. */
const ADVICE: Readonly<Record<string, string>> = {
  AccessDeniedException: 'your role may not do this',
  AccessDenied: 'your role may not do this',
  ResourceNotFoundException: 'there is no such thing: check its name, the region and the account',
  PipelineNotFoundException: 'there is no such pipeline: check its name, the region and the account',
  NoSuchKey: 'there is no such object',
  CredentialsProviderError: 'no credentials: sign in, or set AWS_PROFILE',
  ExpiredTokenException: 'your credentials have expired: sign in again',
  ExpiredToken: 'your credentials have expired: sign in again',
  InvalidApprovalTokenException: 'somebody else has just decided, or another execution waits: show it again',
  ApprovalAlreadyCompletedException: 'somebody else has just decided',
  InvalidRequestException: 'the secret is not in a state for this: is it being deleted, or without rotation function?',
}

/** Asks AWS; a refusal becomes one line that says what was tried and what to do. */
export async function asking<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const advice = error instanceof Error ? ADVICE[error.name] : undefined
    if (advice === undefined || !(error instanceof Error)) throw error
    throw new InputError(`cannot ${what}: ${advice} (${error.name})`, { cause: error })
  }
}
