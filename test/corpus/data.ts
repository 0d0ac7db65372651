import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Real inputs that the project does not carry: beside its root, or where DRIFTSEAL_CORPUS says. */
const corpus = process.env['DRIFTSEAL_CORPUS'] ?? join(import.meta.dirname, '../../../shared/data')

/** The path of a file or folder of the corpus. One that is missing is a failure: a skipped suite proves nothing. */
export function corpusPath(name: string): string {
  const path = join(corpus, name)
  if (existsSync(path)) return path
  throw new Error(`The corpus has no ${name}: put it at ${path}, or set DRIFTSEAL_CORPUS to the folder that holds it.`)
}

export const corpusFile = (name: string): Buffer => readFileSync(corpusPath(name))

export const readJson = (name: string): unknown => JSON.parse(corpusFile(name).toString('utf8'))
