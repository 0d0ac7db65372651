// Writes rules/schema/aws: of the provider's schema, what the catalog's types need.
//   node local/catalog/schema.ts <schema.json[.gz]> [service …]
// The argument is what `terraform providers schema -json` prints.
import { writeFile } from 'node:fs/promises'
import { catalogFiles, SCHEMAS, typesIn } from './files.ts'
import { readResources, trimmedSchema } from './provider.ts'

const [source, ...services] = process.argv.slice(2)
if (source === undefined) throw new TypeError('usage: node local/catalog/schema.ts <schema.json[.gz]> [service …]')
const resources = await readResources(source)
for (const { name, text } of await catalogFiles(services))
  await writeFile(new URL(`${name}.json`, SCHEMAS), trimmedSchema(resources, typesIn(text)))
