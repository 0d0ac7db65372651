import { isMap, isSeq, parseDocument } from 'yaml'
import { GateError } from './error.ts'

/** Images that run on a node, as kustomize's overlays name them. That of the enclave is inside the runner's. */
const NODE_IMAGES = ['runner', 'parent-proxy'] as const

/** A repository and what in it, by digest. */
const REFERENCE = /^([^@\s]+)@(sha256:[0-9a-f]{64})$/

/** Images by name, out of lines `<name> <repository>@sha256:<digest>`. */
export function parseImages(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', reference = '', ...rest] = line.split(' ')
      if (rest.length === 0 && REFERENCE.test(reference)) return [name, reference]
      throw new GateError('ERR_GATE_INPUT', 'images.txt has a line that is not "<name> <repository>@sha256:<digest>"')
    }),
  )
}

/** An overlay's kustomization with the images of a build. Everything else stays as it is, byte for byte. */
export function withImages(kustomization: string, images: Readonly<Record<string, string>>): string {
  const entries = parseDocument(kustomization).get('images')
  const items = isSeq(entries) ? entries.items.filter((item) => isMap(item)) : []
  const edits = NODE_IMAGES.flatMap((name) => {
    const [, repository, digest] = REFERENCE.exec(images[name] ?? '') ?? []
    if (repository === undefined || digest === undefined)
      throw new GateError('ERR_GATE_INPUT', `the report names no image "${name}"`)
    const entry = items.find((item) => item.get('name') === name)
    const places = [entry?.get('newName', true), entry?.get('digest', true)].map((node) => node?.range ?? undefined)
    const [atName, atDigest] = places
    if (atName === undefined || atDigest === undefined)
      throw new GateError('ERR_GATE_INPUT', `the overlay has no image "${name}" with newName and digest to replace`)
    return [
      { from: atName[0], to: atName[1], by: repository },
      { from: atDigest[0], to: atDigest[1], by: digest },
    ]
  })
  return edits
    .toSorted((a, b) => b.from - a.from) // from the end, so that the places before stay where they are
    .reduce((text, { from, to, by }) => text.slice(0, from) + by + text.slice(to), kustomization)
}
