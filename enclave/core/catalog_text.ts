import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import { isJsonFile, jsonValue } from './image_form.ts'
import { yamlValue } from './yaml_value.ts'

/** What a catalog file says, and on which of its lines the value at a path stands. */
export interface CatalogText {
  readonly value: unknown
  readonly lineOf: (path: readonly unknown[]) => number
}

type Fail = (message: string) => never

/** Reads YAML as people write it, or JSON as an image has it. */
export const readCatalogText = (text: string, name: string, fail: Fail): CatalogText =>
  isJsonFile(name) ? { value: jsonValue(text, fail), lineOf: () => 1 } : readYaml(text, fail)

/** Lines are sought in a document of their own: what is compiled keeps its way to tell of mistakes, and would keep the document. */
function readYaml(text: string, fail: Fail): CatalogText {
  return { value: yamlValue(parseDocument(text), fail), lineOf: (path) => lineIn(text, path) }
}

function lineIn(text: string, path: readonly unknown[]): number {
  const lines = new LineCounter()
  const start = nodeNear(parseDocument(text, { lineCounter: lines }), path)
  return start === undefined ? 1 : lines.linePos(start).line
}

/** Where the node at a path begins, or the last one on the way to it. */
function nodeNear(document: Document, path: readonly unknown[]): number | undefined {
  for (let end = path.length; end > 0; end -= 1) {
    const node = document.getIn(path.slice(0, end), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return undefined
}
