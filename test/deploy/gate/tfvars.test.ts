import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { withImage, withoutOthers } from '../../../deploy/gate/allow_list.ts'
import { GateError } from '../../../deploy/gate/error.ts'
import { readAllowList, writeAllowList } from '../../../deploy/gate/tfvars.ts'
import { hex, LIVE, NEW, OTHER } from './reports.ts'

const [HCL, JSON_FILE] = ['a.tfvars', 'a.auto.tfvars.json']
const ZERO = '0'.repeat(96)

const refusalOf = (act: () => unknown): unknown => {
  try {
    return void act()
  } catch (error) {
    return error
  }
}

describe('a variables file', () => {
  test.each<[string, string, string, readonly string[], string]>([
    [
      'one more, on a line',
      HCL,
      `name = "x"\nenclave_pcr0_allow_list = ["${LIVE}"] # live\nother = []\n`,
      [LIVE, NEW],
      `name = "x"\nenclave_pcr0_allow_list = ["${LIVE}", "${NEW}"] # live\nother = []\n`,
    ],
    [
      'the first',
      HCL,
      'enclave_pcr0_allow_list = [] # closed\n',
      [NEW],
      `enclave_pcr0_allow_list = ["${NEW}"] # closed\n`,
    ],
    [
      'one more, on lines with remarks',
      HCL,
      `enclave_pcr0_allow_list = [\n  # images\n  "${LIVE}", # of May\n]\n`,
      [LIVE, NEW],
      `enclave_pcr0_allow_list = [\n  # images\n  "${LIVE}", # of May\n  "${NEW}",\n]\n`,
    ],
    [
      'one more, on lines without a last comma',
      HCL,
      `enclave_pcr0_allow_list = [\n  "${LIVE}" // of May\n]\n`,
      [LIVE, NEW],
      `enclave_pcr0_allow_list = [\n  "${LIVE}", // of May\n  "${NEW}"\n]\n`,
    ],
    [
      'one less, with its remark',
      HCL,
      `enclave_pcr0_allow_list = [\n  "${LIVE}", # of May\n  "${NEW}", # of June\n]\n`,
      [NEW],
      `enclave_pcr0_allow_list = [\n  "${NEW}", # of June\n]\n`,
    ],
    [
      'the first on a line less',
      HCL,
      `enclave_pcr0_allow_list = ["${LIVE}", "${NEW}"]\n`,
      [NEW],
      `enclave_pcr0_allow_list = ["${NEW}"]\n`,
    ],
    [
      'the last on a line less',
      HCL,
      `enclave_pcr0_allow_list = ["${NEW}", "${LIVE}"]\n`,
      [NEW],
      `enclave_pcr0_allow_list = ["${NEW}"]\n`,
    ],
    ['all', HCL, `enclave_pcr0_allow_list = ["${NEW}"]\n`, [], 'enclave_pcr0_allow_list = []\n'],
    [
      'JSON',
      JSON_FILE,
      `{\n  "enclave_pcr0_allow_list": ["${LIVE}"],\n  "a": 1\n}\n`,
      [LIVE, NEW],
      `{\n  "enclave_pcr0_allow_list": ["${LIVE}", "${NEW}"],\n  "a": 1\n}\n`,
    ],
    [
      'JSON on lines',
      JSON_FILE,
      `{\n  "enclave_pcr0_allow_list": [\n    "${LIVE}"\n  ]\n}\n`,
      [LIVE, NEW],
      `{\n  "enclave_pcr0_allow_list": [\n    "${LIVE}",\n    "${NEW}"\n  ]\n}\n`,
    ],
    [
      'JSON, the last on lines less',
      JSON_FILE,
      `{\n  "enclave_pcr0_allow_list": [\n    "${NEW}",\n    "${LIVE}"\n  ]\n}\n`,
      [NEW],
      `{\n  "enclave_pcr0_allow_list": [\n    "${NEW}"\n  ]\n}\n`,
    ],
  ])('%s', (_, file, before, list, after) => {
    expect(writeAllowList(before, file, list)).toBe(after)
    expect(readAllowList(after, file)).toEqual(list)
  })

  test.each<[string, string]>([
    ['no list', 'other = []\n'],
    ['two lists', 'enclave_pcr0_allow_list = []\nenclave_pcr0_allow_list = []\n'],
    ['a list that is only a remark', '# enclave_pcr0_allow_list = []\n'],
    ['an expression', `enclave_pcr0_allow_list = concat(["${LIVE}"], [])\n`],
    ['a reference in the list', `enclave_pcr0_allow_list = [local.live]\n`],
    ['no end', `enclave_pcr0_allow_list = ["${LIVE}"\n`],
    ['no comma', `enclave_pcr0_allow_list = ["${LIVE}" "${NEW}"]\n`],
    ['zero', `enclave_pcr0_allow_list = ["${ZERO}"]\n`],
    ['twice the same', `enclave_pcr0_allow_list = ["${LIVE}", "${LIVE}"]\n`],
    ['upper case', `enclave_pcr0_allow_list = ["${LIVE.toUpperCase()}"]\n`],
    ['four', `enclave_pcr0_allow_list = ["${LIVE}", "${NEW}", "${OTHER}", "${hex('fourth')}"]\n`],
  ])('with %s is refused', (_, text) => {
    expect(() => writeAllowList(text, HCL, [NEW])).toThrow(GateError)
  })

  it('keeps everything else, however the list is written', () => {
    const remark = fc.constantFrom('', ' # a, "b" ]', ' // c', ' /* [d] */')
    const layout = fc.record({
      images: fc.subarray([LIVE, OTHER, hex('third')]),
      remark,
      inline: fc.boolean(),
      last: fc.boolean(),
    })
    fc.assert(
      fc.property(layout, fc.subarray([LIVE, OTHER, NEW]), ({ images, remark: said, inline, last }, list) => {
        const rest = ['name = "x" # [', 'after = ["y"]\n']
        const items = images.map((image, index) => `"${image}"${index < images.length - 1 || last ? ',' : ''}`)
        const body = inline ? items.join(' ') : items.map((item) => `\n  ${item}${said}`).join('') + '\n'
        const text = `${rest[0]}\nenclave_pcr0_allow_list = [${body}]${said}\n${rest[1]}`
        const edited = writeAllowList(text, HCL, list)
        expect(new Set(readAllowList(edited, HCL))).toEqual(new Set(list))
        expect(edited.startsWith(`${rest[0]}\nenclave_pcr0_allow_list = [`)).toBe(true)
        expect(edited.endsWith(`]${said}\n${rest[1]}`)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.string(), (tail) => {
        const refusal = refusalOf(() => writeAllowList(`enclave_pcr0_allow_list = [${tail}`, HCL, [NEW]))
        expect(refusal === undefined || refusal instanceof GateError).toBe(true)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the list', () => {
  it('takes an image more, once, and at most three', () => {
    expect(withImage([LIVE], NEW)).toEqual([LIVE, NEW])
    expect(withImage([LIVE, NEW], NEW)).toEqual([LIVE, NEW])
    expect(() => withImage([LIVE, OTHER, hex('third')], NEW)).toThrow(/retire one first/)
    expect(() => withImage([], ZERO)).toThrow(/debug/)
  })

  it('is left by an image that no node reports', () => {
    expect(withoutOthers([LIVE, NEW], NEW, [NEW, NEW])).toEqual([NEW])
    expect(() => withoutOthers([LIVE, NEW], NEW, [NEW, LIVE])).toThrow(`a node still reports ${LIVE}`)
    expect(() => withoutOthers([LIVE, NEW], NEW, [])).toThrow(/no node has reported/)
    expect(() => withoutOthers([LIVE], NEW, [NEW])).toThrow(/not in the list/)
  })
})
