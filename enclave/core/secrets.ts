import { canonicalJson, isObject, type Json } from './json.ts'
import { isInside, splitPath } from './path.ts'

/** Turns a value that must not be shown into something that can still be told apart: `sha256:…`. */
export type Digest = (value: string) => string

/** Whether the value at a path as a whole must not be shown: it is secret, or lies in what is. */
export const isSecret = (path: string, secrets: readonly string[]): boolean =>
  secrets.some((secret) => isInside(path, secret))

/** A value as it may be shown: digests stand for what is secret in it, so that equal secrets are still equal. */
export function hideSecrets(value: Json, path: string, secrets: readonly string[], digest: Digest): Json {
  if (secrets.length === 0) return value // as of most resources
  if (isSecret(path, secrets)) return hidden(value, digest)
  return secrets
    .filter((secret) => isInside(secret, path))
    .reduce((left, secret) => hideAt(left, splitPath(secret).slice(splitPath(path).length), digest), value)
}

function hideAt(value: Json, [name, ...rest]: readonly string[], digest: Digest): Json {
  if (name === undefined) return hidden(value, digest)
  if (Array.isArray(value)) return (value as readonly Json[]).map((block) => hideAt(block, [name, ...rest], digest))
  // Text in the place of blocks may hold the secret anywhere.
  if (!isObject(value)) return hidden(value, digest)
  return Object.hasOwn(value, name) ? { ...value, [name]: hideAt(value[name] ?? null, rest, digest) } : value
}

function hidden(value: Json, digest: Digest): Json {
  if (value === null) return null
  return digest(typeof value === 'string' ? value : canonicalJson(value))
}
