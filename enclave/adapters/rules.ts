import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseService } from '../core/catalog_file.ts'
import { createCatalog, type Catalog } from '../core/catalog.ts'
import { parseRules } from '../core/falco/rules.ts'
import type { Rule } from '../core/rule.ts'

/** What `rules/` says. It is measured with the image, so a mistake in it ends the start. */
export interface Measured {
  readonly catalog: Catalog
  readonly rules: readonly Rule[]
  readonly warnings: readonly string[]
}

/** Reads `catalog/<cloud>/<service>.yaml` and `falco/*.yaml` under a folder. */
export async function loadRules(folder: string): Promise<Measured> {
  const services = await yamlFiles(join(folder, 'catalog'))
  const falco = (await yamlFiles(join(folder, 'falco'))).map(({ name, text }) => parseRules(name, text))
  return {
    catalog: createCatalog(services.map(({ name, text }) => parseService(text, name))),
    rules: falco.flatMap(({ rules }) => rules),
    warnings: falco.flatMap(({ warnings }) => warnings),
  }
}

async function yamlFiles(folder: string): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml')).sort()
  return Promise.all(
    names.map(async (name) => ({ name: join(folder, name), text: await readFile(join(folder, name), 'utf8') })),
  )
}
