import * as v from 'valibot'

export type RotationErrorCode =
  'ERR_ROTATION_REQUEST' | 'ERR_ROTATION_SETTINGS' | 'ERR_ROTATION_VERSION' | 'ERR_ROTATION_KEY' | 'ERR_ROTATION_SHAPE'

/** Why a rotation stopped; the version that was current stays so. */
export class RotationError extends Error {
  readonly code: RotationErrorCode

  constructor(code: RotationErrorCode, message: string) {
    super(message)
    this.name = 'RotationError'
    this.code = code
  }
}

/** What Secrets Manager asks of the function. */
export interface Rotation {
  readonly step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret'
  /** The secret's ARN. */
  readonly secret: string
  /** The id of the new version. */
  readonly token: string
}

const request = v.object({
  Step: v.picklist(['createSecret', 'setSecret', 'testSecret', 'finishSecret']),
  SecretId: v.pipe(v.string(), v.startsWith('arn:')),
  ClientRequestToken: v.pipe(v.string(), v.minLength(32), v.maxLength(64)),
})

export function parseRotation(event: unknown): Rotation {
  const parsed = v.safeParse(request, event)
  if (!parsed.success)
    throw new RotationError('ERR_ROTATION_REQUEST', 'not a rotation request: start it with rotate-secret')
  const { Step: step, SecretId: secret, ClientRequestToken: token } = parsed.output
  return { step, secret, token }
}
