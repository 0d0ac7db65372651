import type { Document } from 'yaml'

/** What a document says; `fail` is told what is no YAML, an alias that leads nowhere, and too many of them. */
export function yamlValue(document: Document, fail: (message: string) => never): unknown {
  const [mistake] = document.errors
  if (mistake !== undefined) return fail(mistake.message)
  try {
    return document.toJS()
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    return fail(error.message)
  }
}
