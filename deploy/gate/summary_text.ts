import type { Summary } from './summary.ts'

/** A diff of thousands of files is read in Git; the JSON has all of them. */
const MAX_SHOWN = 200

/** `build-summary.md`: the same as the JSON, for people. Names and messages of a commit are anyone's words. */
export function summaryText(summary: Summary): string {
  const { source, live, measurement, second, allowList, tests } = summary
  const sections: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ['Find out first', summary.warnings.map(bullet)],
    [
      'Measured, by two builders alike',
      [
        `- PCR0 ${code(measurement.pcr0)}`,
        `- PCR1 ${code(measurement.pcr1)} (kernel and boot ramdisk)`,
        `- PCR2 ${code(measurement.pcr2)} (root file system)`,
        `- PCR8 ${measurement.pcr8 === null ? 'none: the image is not signed' : code(measurement.pcr8)}`,
        `- second builder's PCR0 ${code(second.pcr0)}: match`,
        `- image file: ${measurement.size} bytes, SHA-256 ${code(measurement.sha256)}, SHA-384 ${code(measurement.sha384)}`,
        '- debug: false',
      ],
    ],
    [
      'Source',
      [
        `- ${code(source.repository)} at ${code(source.commit)}`,
        source.tag === null
          ? '- no tag'
          : `- tag ${code(source.tag.name)}, signature ${source.tag.verified ? 'verified' : 'NOT VERIFIED'}`,
        live === null
          ? '- nothing to compare with: no report of a live image'
          : `- live: ${code(live.commit)}, PCR0 ${code(live.pcr0)}`,
      ],
    ],
    ...changeSections(summary),
    [
      'Allow list',
      [
        `- applied: ${listed(allowList.applied)}`,
        `- in the repository: ${listed(allowList.inRepository)}`,
        `- proposed: ${listed(allowList.proposed)}`,
      ],
    ],
    [
      'Key policy',
      summary.policy.kind === 'diff'
        ? ['```diff', ...summary.policy.lines.map(inFence), '```']
        : [`Not shown: ${escaped(summary.policy.reason)}.`],
    ],
    [
      'Made of',
      [
        ...Object.entries(summary.images).map(([name, reference]) => `- image ${code(name)}: ${code(reference)}`),
        ...summary.bases.map((base) => `- base ${code(base)}`),
        `- package-lock.json, SHA-256 ${code(summary.lock.sha256)}`,
        `- SBOM, ${summary.sbom.components} components: sbom.cdx.json, SHA-256 ${code(summary.sbom.sha256)}`,
        ...Object.entries(summary.toolchain).map(([tool, version]) => `- ${code(tool)} ${code(version)}`),
        `- tests: ${tests.total}, passed ${tests.passed}, failed ${tests.failed}`,
      ],
    ],
  ]
  const title = `# ${escaped(summary.environment)}: PCR0 ${measurement.pcr0.slice(0, 16)}… of ${source.commit.slice(0, 12)}`
  const shown = sections.filter(([, lines]) => lines.length > 0)
  return [title, ...shown.map(([heading, lines]) => `## ${heading}\n\n${lines.join('\n')}`), ''].join('\n\n')
}

function changeSections({ changes }: Summary): readonly (readonly [string, readonly string[]])[] {
  if (changes === null) return []
  return [
    ['Rules and catalog, against the live image', none(capped(changes.rules.map(bullet)))],
    ['Configuration, against the live image', none(capped(changes.config.map(bullet)))],
    [
      'Commits since',
      none(capped(changes.commits.map(({ id, subject }) => `- ${code(id.slice(0, 12))} ${code(subject)}`))),
    ],
    ['Files since', none(capped(changes.files.map(({ status, path }) => `- ${code(status)} ${code(path)}`)))],
  ]
}

const none = (lines: readonly string[]): readonly string[] => (lines.length === 0 ? ['None.'] : lines)

const capped = (lines: readonly string[]): readonly string[] =>
  lines.length <= MAX_SHOWN
    ? lines
    : [...lines.slice(0, MAX_SHOWN), `- and ${lines.length - MAX_SHOWN} more, in build-summary.json`]

const listed = (list: readonly string[]): string => (list.length === 0 ? 'empty: closed' : list.map(code).join(', '))
const bullet = (line: string): string => `- ${code(line)}`

/** Nothing in here ends the span: neither a backtick nor a line's end, nor what turns text around. */
const code = (text: string): string => `\`${oneLine(text).replaceAll('`', "'")}\``
const escaped = (text: string): string => oneLine(text).replaceAll(/[\\`*_[\]<>#|]/g, String.raw`\$&`)
const inFence = (line: string): string => oneLine(line).replaceAll('```', "'''")
const oneLine = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')
