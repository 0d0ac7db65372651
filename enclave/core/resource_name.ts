/** `${id}` is whatever stands there, `${name}` a single part of a path, and `*` anything that is of no interest. */
const PLACEHOLDER = /\$\{(?:id|name)\}|\*|[^$*]+|\$/g
/** AWS's own limit. It bounds what a pattern may have to try. */
const MAX_ARN = 2048
const ARN = /^arn:[^:]*:([^:]*):[^:]*:[^:]*:(.*)$/s

/** Reads what names a resource of one type; undefined where it names one of another. */
export type NameReader = (name: string) => readonly string[] | undefined

/**
 * Compiles a type's `arn`, such as `repository/${id}`: the part of an ARN behind the account. What the placeholder covers is
 * the id that Terraform uses, and the ARN as a whole is another name of it.
 */
export function compileArn(pattern: string, service: string): NameReader {
  const parts = pattern.match(PLACEHOLDER) ?? []
  const source = parts.map((part) => {
    if (part === '*') return '.*?'
    if (part === '${id}') return '(.+)'
    return part === '${name}' ? '([^/:]+)' : RegExp.escape(part)
  })
  const expression = new RegExp(`^${source.join('')}$`, 's')
  return (name) => {
    const arn = name.length > MAX_ARN ? null : ARN.exec(name)
    if (arn?.[1] !== service) return undefined
    const match = expression.exec(arn[2] ?? '')
    if (match === null) return undefined
    return match[1] === undefined ? [name] : [match[1], name]
  }
}

/** Compiles a type's `prefix`, such as `vol-`. */
export const compilePrefix =
  (prefix: string): NameReader =>
  (name) =>
    name.startsWith(prefix) ? [name] : undefined
