import { readdirSync, readFileSync } from 'node:fs'
import { parseService } from '../../../enclave/core/catalog_file.ts'
import { createCatalog, type Catalog, type Service } from '../../../enclave/core/catalog.ts'

const folder = new URL('../../../rules/', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8')

/** Each file of the catalog, or what is wrong with it: that fails one test, and no other service's. */
export const files: readonly { readonly file: string; readonly service: Service | Error }[] = readdirSync(
  new URL('catalog/aws/', folder),
)
  .toSorted()
  .map((file) => {
    try {
      const schema = read(`schema/aws/${file.replace('.yaml', '.json')}`)
      return { file, service: parseService(read(`catalog/aws/${file}`), file, schema) }
    } catch (error) {
      return { file, service: error as Error }
    }
  })
export const services = files.flatMap(({ service }) => (service instanceof Error ? [] : [service]))
export const catalog: Catalog = createCatalog(services)
