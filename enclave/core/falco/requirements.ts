import { optionalText, requiredText, sequenceIn } from './members.ts'
import type { Mapping, Member } from './rule_file.ts'
import { fail, type Mark } from './source.ts'

type Version = readonly [major: number, minor: number, patch: number]

/** The engine whose language this is, and the plugins whose fields are known here. */
const ENGINE: Version = [0, 63, 0]
const PLUGINS: ReadonlyMap<string, Version> = new Map([
  ['cloudtrail', [0, 17, 1]],
  ['gcpaudit', [0, 8, 1]],
  ['k8saudit', [0, 18, 0]],
  ['json', [0, 7, 4]],
])

const VERSION = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/

/** Refuses a file that was written for a later engine. A bare number N stands for 0.N.0. */
export function checkEngine(item: Mapping): void {
  const text = requiredText(item, 'required_engine_version').value
  const wanted = versionOf(/^\d{1,9}$/.test(text) ? `0.${text}.0` : text)
  if (wanted === undefined)
    return fail('ERR_RULE_FILE', `Unable to parse engine version '${text}'; expected a number or x.y.z`, item.at)
  if (!isEnough(ENGINE, wanted))
    fail('ERR_RULE_FILE', `Rules require engine version ${text}, but engine version is ${ENGINE.join('.')}`, item.at)
}

/** Refuses rules that need later fields than are known here, and says of which plugin nothing is known. */
export function checkPlugins({ key, at, value }: Member, warn: (problem: string, at: Mark) => void): void {
  for (const node of sequenceIn(value, at, key)) {
    if (node.kind !== 'mapping') return fail('ERR_RULE_FILE', 'Plugin version must be a mapping', node.at)
    const others = node.members.get('alternatives')
    const alternatives = others === undefined ? [] : sequenceIn(others.value, others.at, 'alternatives')
    const names = new Set<string>()
    const fulfilled = new Set(
      [node, ...alternatives].map((each) => {
        if (each.kind !== 'mapping')
          return fail('ERR_RULE_FILE', 'Plugin version alternative must be a mapping', each.at)
        const name = requiredText(each, 'name').value
        const text = requiredText(each, 'version').value
        const wanted =
          versionOf(text) ?? fail('ERR_RULE_FILE', `Invalid required version '${text}' for plugin '${name}'`, each.at)
        if (names.has(name))
          fail('ERR_RULE_FILE', `Defined multiple alternative version requirements for plugin '${name}'`, each.at)
        names.add(name)
        const known = PLUGINS.get(name)
        return known === undefined ? undefined : isEnough(known, wanted)
      }),
    )
    const all = [...names].join(', ')
    if (fulfilled.has(true)) continue
    if (fulfilled.has(false))
      fail('ERR_RULE_FILE', `The fields known here are those of an older version of ${all}`, node.at)
    warn(`No plugin ${optionalText(node, 'name')?.value} is known; rules of its source are skipped`, node.at)
  }
}

function versionOf(text: string): Version | undefined {
  const [, major, minor, patch] = VERSION.exec(text) ?? []
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)]
}

function isEnough([major, minor, patch]: Version, wanted: Version): boolean {
  if (major !== wanted[0]) return false
  return minor > wanted[1] || (minor === wanted[1] && patch >= wanted[2])
}
