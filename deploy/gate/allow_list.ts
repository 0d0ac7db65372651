import * as v from 'valibot'
import { GateError } from './error.ts'
import { sha384Hex } from './input.ts'

/** Old and new while rolling out, and one that is being retired: infra/variables.tf takes no more either. */
const MAX_IMAGES = 3
const DEBUG = '0'.repeat(96)

const listSchema = v.pipe(
  v.array(sha384Hex),
  v.maxLength(MAX_IMAGES, `at most ${MAX_IMAGES} images: retire one first`),
  v.check((list) => new Set(list).size === list.length, 'an image is there twice'),
  v.check((list) => !list.includes(DEBUG), 'zero is every debug enclave, whose console its host reads'),
)

/** A list of images as `enclave_pcr0_allow_list` may hold it. */
export function requireList(list: unknown): readonly string[] {
  const result = v.safeParse(listSchema, list)
  if (result.success) return result.output
  throw new GateError('ERR_GATE_LIST', `the allow list is refused: ${result.issues[0].message}`)
}

/** The list with one image more; the same if it is there already. */
export const withImage = (list: readonly string[], pcr0: string): readonly string[] =>
  requireList(list.includes(pcr0) ? list : [...list, pcr0])

/** The list with nothing but the image that was rolled out; refused as long as any node reports another one of it. */
export function withoutOthers(list: readonly string[], pcr0: string, reported: readonly string[]): readonly string[] {
  if (!list.includes(pcr0))
    throw new GateError('ERR_GATE_LIST', 'the image that was rolled out is not in the list: merge its pull request')
  if (reported.length === 0)
    throw new GateError('ERR_GATE_IN_USE', 'no node has reported its image: ask each with "driftseal attest endpoint"')
  const other = reported.find((image) => image !== pcr0)
  if (other !== undefined)
    throw new GateError('ERR_GATE_IN_USE', `a node still reports ${other}: roll it over before its image is retired`)
  return requireList([pcr0])
}
