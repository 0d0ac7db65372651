import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseService } from '../core/catalog_file.ts'
import { createCatalog, type Catalog, type Service } from '../core/catalog.ts'
import { withoutExamples } from '../core/example_file.ts'
import { formatWarning } from '../core/falco/source.ts'
import { parseRuleFiles, type RuleText } from '../core/rule_files.ts'
import type { Rule } from '../core/rule.ts'
import { parseWriters, type Writer } from '../core/writers.ts'

const YAML = /\.yaml$/
const YAML_OR_JSON = /\.(?:yaml|json)$/

/** What `rules/` says. It is measured with the image, so a mistake in it ends the start. */
export interface Measured {
  readonly catalog: Catalog
  readonly rules: readonly Rule[]
  /** Who besides Terraform may change what. */
  readonly writers: readonly Writer[]
  readonly warnings: readonly string[]
}

/**
 * Reads `catalog/<cloud>/<service>.yaml` with `schema/<cloud>/<service>.json`, `writers/*.yaml`, `falco/*.yaml` and
 * `policies/*.yaml` under a folder; an image has the catalog and the policies as `.json`.
 */
export async function loadRules(folder: string): Promise<Measured> {
  const { rules, mistakes, warnings } = parseRuleFiles(await readRuleFiles(folder))
  const [mistake] = mistakes
  if (mistake !== undefined) throw mistake
  return {
    catalog: createCatalog(await loadServices(folder, withoutExamples)),
    rules,
    writers: (await filesIn(join(folder, 'writers'), YAML)).flatMap(({ name, text }) => parseWriters(text, name)),
    warnings: warnings.map(formatWarning),
  }
}

/** The rule files under a folder, in the order in which they count. */
export async function readRuleFiles(folder: string): Promise<readonly RuleText[]> {
  return [...(await filesIn(join(folder, 'falco'), YAML)), ...(await filesIn(join(folder, 'policies'), YAML_OR_JSON))]
}

/** The catalog's files, each with its types' part of the provider's schema, which lies at the same place under `schema`. */
export async function loadServices(
  folder: string,
  prepare: (text: string) => string = (text) => text,
): Promise<readonly Service[]> {
  const catalog = join(folder, 'catalog')
  const load = async ({ name, text }: RuleText): Promise<Service> => {
    const schema = join(folder, 'schema', relative(catalog, name).replace(YAML_OR_JSON, '.json'))
    return parseService(prepare(text), name, await readFile(schema, 'utf8'))
  }
  return Promise.all((await filesIn(catalog, YAML_OR_JSON)).map(load))
}

async function filesIn(folder: string, kind: RegExp): Promise<readonly RuleText[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => kind.test(name)).sort()
  return Promise.all(
    names.map(async (name) => ({ name: join(folder, name), text: await readFile(join(folder, name), 'utf8') })),
  )
}
