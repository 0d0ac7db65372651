import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogFiles, SCHEMAS, typesIn } from '../../local/catalog/files.ts'
import { readResources, trimmedSchema } from '../../local/catalog/provider.ts'
import { corpusPath } from './data.ts'

const resources = await readResources(corpusPath('aws-provider-5.100.0-schema.json.gz'))

test.each(await catalogFiles([]))("rules/schema/aws/$name.json is the provider's", ({ name, text }) => {
  expect(readFileSync(new URL(`${name}.json`, SCHEMAS), 'utf8')).toBe(trimmedSchema(resources, typesIn(text)))
})
