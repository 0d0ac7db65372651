import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const RULES = fileURLToPath(new URL('../../rules', import.meta.url))
/** All that is known of one service: an enclave that starts with these is up a second sooner. */
const FILES = [
  'catalog/aws/ecr.yaml',
  'schema/aws/ecr.json',
  'writers/aws.yaml',
  'falco/ecr.yaml',
  'policies/reference.yaml',
]

/** A folder like `rules/`, about Amazon ECR alone. */
export function ecrRules(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'))
  for (const file of FILES) cpSync(join(RULES, file), join(folder, file), { recursive: true, force: true })
  process.once('exit', () => rmSync(folder, { recursive: true }))
  return folder
}
