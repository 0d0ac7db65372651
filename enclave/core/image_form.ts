import { parseDocument } from 'yaml'
import { withoutExamples } from './example_file.ts'
import { yamlValue } from './yaml_value.ts'

// Of a start's time with rules in YAML, two thirds would go to the way they are written. So an image has the catalog and
// the policies as JSON of one line, without their examples; the build has checked and tried what people wrote.

export const isJsonFile = (name: string): boolean => name.endsWith('.json')

/** The form of a file that an image has. */
export function imageForm(text: string, fail: (message: string) => never): string {
  return JSON.stringify(yamlValue(parseDocument(withoutExamples(text)), fail))
}

/** What a file in that form says; undefined where it is not, which `fail` is told. */
export function jsonValue(text: string, fail: (message: string) => void): unknown {
  try {
    return JSON.parse(text)
  } catch {
    fail('not JSON')
    return undefined
  }
}
