const ARN = /^arn:aws[\w-]*:[\w-]+:([\w-]*):(\d*):/

/** The account and the region in an ARN; global services leave the region out, and some both. */
export function placeInArn(text: string): {
  readonly account: string | undefined
  readonly region: string | undefined
} {
  const match = ARN.exec(text)
  return { account: match?.[2] || undefined, region: match?.[1] || undefined }
}
