import { readdir, readFile } from 'node:fs/promises'
import { isMap, parseDocument } from 'yaml'

const CATALOG = new URL('../../rules/catalog/aws/', import.meta.url)
export const SCHEMAS = new URL('../../rules/schema/aws/', import.meta.url)
export const MODELS = new URL('../../test/models/aws/', import.meta.url)

/** The catalog's files, or those of the named services. */
export async function catalogFiles(
  services: readonly string[],
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const all = (await readdir(CATALOG))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
  const unknown = services.find((name) => !all.includes(name))
  if (unknown !== undefined) throw new TypeError(`rules/catalog/aws has no ${unknown}.yaml`)
  const names = services.length === 0 ? all.toSorted() : services
  return Promise.all(
    names.map(async (name) => ({ name, text: await readFile(new URL(`${name}.yaml`, CATALOG), 'utf8') })),
  )
}

/** The keys under one key at the top of a catalog file, which need not hold otherwise. */
function keysUnder(yaml: string, key: string): readonly string[] {
  const node = parseDocument(yaml).get(key)
  return isMap(node) ? node.items.map((item) => String(item.key)).toSorted() : []
}

export const typesIn = (yaml: string): readonly string[] => keysUnder(yaml, 'types')
