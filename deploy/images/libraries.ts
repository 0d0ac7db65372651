import { execFileSync } from 'node:child_process'

/** `name => /path (0x…)` of what is found, `/path (0x…)` of the loader. */
const FOUND = /^\s+(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm
const NOT_FOUND = /^\s+(\S+) => not found$/m

/** The shared libraries that the loader would give these programs here, by the paths it finds them under. */
export function librariesOf(programs: readonly string[]): readonly string[] {
  const found = programs.flatMap((program) => {
    const listing = execFileSync('ldd', [program], {
      encoding: 'utf8',
      env: { LC_ALL: 'C', PATH: process.env['PATH'] },
    })
    const missing = NOT_FOUND.exec(listing)?.[1]
    if (missing !== undefined) throw new Error(`${program} needs ${missing}: install it in the build's base image`)
    return Array.from(listing.matchAll(FOUND), ([, path]) => path as string) // the group always takes part
  })
  return [...new Set(found)].sort()
}
