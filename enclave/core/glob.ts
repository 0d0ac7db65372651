/** Whether a text matches a pattern in which `*` stands for anything. Takes time in proportion to their lengths. */
export function matchesGlob(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return text === pattern
  const head = pattern.slice(0, star)
  if (!text.startsWith(head)) return false // as most do not
  const parts = pattern.slice(star + 1).split('*')
  const tail = parts.pop() ?? ''
  if (!text.endsWith(tail) || text.length < head.length + tail.length) return false
  const end = text.length - tail.length
  let at = head.length
  for (const part of parts) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** Whether a text matches one of several patterns. Plain texts, as most of them are, are not tried one by one. */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const [open, plain] = [patterns.filter(isOpen), new Set(patterns.filter((pattern) => !isOpen(pattern)))]
  return (text) => plain.has(text) || open.some((pattern) => matchesGlob(pattern, text))
}

const isOpen = (pattern: string): boolean => pattern.includes('*')
