import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { describe, expect, it } from 'vitest'
import { ROOT, textOf } from './manifests.ts'

const FILES = ['Dockerfile.enclave', ...globSync('deploy/Dockerfile.*', { cwd: ROOT }).sort()]

interface Instruction {
  readonly name: string
  readonly rest: string
}

/** Instructions without comments, lines that go on joined. */
const instructionsOf = (text: string): readonly Instruction[] =>
  text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => {
      const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
      return name === undefined || rest === undefined ? [] : [{ name, rest }]
    })

/** What an image of ours may not have, in the words of what it should. */
function findings(text: string): readonly string[] {
  const instructions = instructionsOf(text)
  const bases = new Map<string, string>(
    instructions.flatMap(({ name, rest }) => {
      const [, arg, value] = (name === 'ARG' && /^(\w+)=(.*)$/.exec(rest)) || []
      return arg === undefined || value === undefined ? [] : [[`\${${arg}}`, value] as const]
    }),
  )
  const stages = new Set(['scratch', ...Array.from(text.matchAll(/^FROM .* AS (\w+)$/gm), ([, name]) => name)])
  const last = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'))
  const found = instructions.flatMap(({ name, rest }) => {
    const [image = ''] = rest.split(' ')
    const source = bases.get(image) ?? image
    const rules: readonly (readonly [boolean, string])[] = [
      [name === 'FROM' && !stages.has(image) && !/@sha256:[0-9a-f]{64}$/.test(source), 'a base image by digest'],
      [name === 'FROM' && /:latest\b/.test(source), 'no latest'],
      [name === 'ADD', 'COPY, not ADD: ADD fetches and unpacks'],
      [/\b(curl|wget)\b/.test(rest), 'nothing from the network but by the lock file and signed packages'],
      [name === 'ENV', 'no ENV: it would be the image’s word to Node'],
      [
        name === 'ARG' && /token|secret|password|credential|_key\b/i.test(rest),
        'no secret in an ARG: history keeps it',
      ],
      [['CMD', 'ENTRYPOINT'].includes(name) && !rest.startsWith('['), 'no shell around the program'],
      [name === 'ENTRYPOINT', 'CMD, not ENTRYPOINT: nitro-cli reads one of them'],
    ]
    return rules.filter(([broken]) => broken).map(([, rule]) => rule)
  })
  const names = last.map(({ name }) => name)
  if (last[0]?.rest !== 'scratch') found.push('an empty last stage')
  if (names.some((name) => !['FROM', 'COPY', 'USER', 'CMD'].includes(name))) found.push('a last stage that only copies')
  if (!last.some(({ name, rest }) => name === 'USER' && /^\d+:\d+$/.test(rest))) found.push('a USER, by number')
  return found
}

const good = `ARG BASE=example.com/base:1@sha256:${'a'.repeat(64)}
FROM \${BASE} AS build
RUN ["make"]
FROM scratch
COPY --from=build /out/ /
USER 65532:65532
CMD ["/usr/bin/node"]
`

describe('the rules of Dockerfiles', () => {
  it('find nothing in a good one', () => {
    expect(findings(good)).toEqual([])
  })

  it.each([
    ['a base by tag', good.replace(/@sha256:a+/, ''), 'a base image by digest'],
    ['a stage from elsewhere', good.replace('FROM scratch', 'FROM debian:12'), 'an empty last stage'],
    ['latest', good.replace(':1@', ':latest@'), 'no latest'],
    ['ADD of an address', good.replace('RUN ["make"]', 'ADD https://example.com/a /a'), 'COPY, not ADD'],
    ['a download', good.replace('RUN ["make"]', 'RUN curl https://example.com/a'), 'nothing from the network'],
    ['a token', good.replace('FROM', 'ARG NPM_TOKEN\nFROM'), 'no secret in an ARG'],
    ['an environment', good.replace('USER', 'ENV NODE_OPTIONS=--inspect\nUSER'), 'no ENV'],
    ['no user', good.replace(/USER.*\n/, ''), 'a USER, by number'],
    ['a user by name', good.replace('65532:65532', 'nobody'), 'a USER, by number'],
    ['a shell', good.replace('["/usr/bin/node"]', '/usr/bin/node'), 'no shell'],
    ['an entrypoint', good.replace('CMD', 'ENTRYPOINT'), 'CMD, not ENTRYPOINT'],
    ['a RUN at the end', good.replace('USER', 'RUN ["chmod"]\nUSER'), 'a last stage that only copies'],
  ])('find %s', (_, text, finding) => {
    expect(findings(text).join('; ')).toContain(finding)
  })
})

describe.each(FILES)('%s', (file) => {
  const text = textOf(file)

  it('is one that Docker understands', () => {
    expect(validate(text).map(({ message }) => message)).toEqual([])
  })

  it('keeps the rules', () => {
    expect(findings(text)).toEqual([])
  })

  it('copies what is there, and what .dockerignore lets through', () => {
    const passed = textOf('.dockerignore')
    const sources = instructionsOf(text)
      .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from'))
      .flatMap(({ rest }) => rest.replace('${CONFIG}', 'deploy/config.yaml').split(/\s+/).slice(0, -1))
    expect(sources).not.toEqual([])
    for (const source of sources) {
      expect(passed.split('\n')).toContain(`!${source}`)
      expect(source === 'driftseal.eif' || existsSync(join(ROOT, source))).toBe(true) // nitro-cli makes that one
    }
  })

  it('has its root file system from rootfs.ts', () => {
    const image = file.replace(/.*Dockerfile\./, '')
    expect(text).toContain(`"deploy/images/rootfs.ts", "${image}", "/out"`)
  })
})

it('images that are made alike are made from the same base', () => {
  const bases = FILES.map((file) => /^ARG BASE=(.*)$/m.exec(textOf(file))?.[1])
  expect(new Set(bases).size).toBe(1)
})
