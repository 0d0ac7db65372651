import { CLOUDTRAIL } from '../../../../enclave/core/falco/fields_cloudtrail.ts'
import { EVENT, JSON_FIELDS } from '../../../../enclave/core/falco/fields_common.ts'
import type { Field } from '../../../../enclave/core/falco/fields.ts'
import { K8S_FIELDS } from '../../../../enclave/core/falco/fields_foreign.ts'
import { GCPAUDIT } from '../../../../enclave/core/falco/fields_gcp.ts'
import { changedAttribute, OWN } from '../../../../enclave/core/falco/fields_own.ts'

/** Where a plugin's code does not do what its documentation says, the documentation is followed. */
const DIFFERENCES: readonly (readonly [field: string, upstream: string, here: string])[] = [
  ['every field', 'a JSON `null` is present, as empty text or `null`', 'it is absent'],
  ['every field', 'a number, flag, list or object where text is expected is empty text', 'its JSON text'],
  ['`ct.request.documentname`', 'is never found', 'is found'],
  ['`ct.readonly`', 'is absent where the record has no `readOnly`', "follows from the call's name, as documented"],
  ['`ct.sessioncredentialfromconsole`', '`false` for the text `"true"`, which CloudTrail writes', '`true`'],
  [
    '`ct.user`',
    'is absent for SAML, web identity and Identity Center users',
    'the user name, or the id in `onBehalfOf`',
  ],
  ['`ct.info`', 'the flags of a public access block are always `false`', 'are those of the request'],
  ['`s3.cnt.get`, `s3.cnt.put`, `s3.cnt.other`', 'are absent instead of 0', '0, as documented'],
  [
    '`gcp.request`, `gcp.authorizationInfo`, `gcp.policyDelta`',
    'are empty text, so that rules about public buckets never match',
    'JSON',
  ],
  ['`%field` in an output', 'a misspelt name becomes the longest field that it begins with', 'an error'],
]

const SECTIONS: readonly (readonly [title: string, about: string, fields: readonly Field[]])[] = [
  ['Drift', 'For rules of every source but `k8s_audit`: what the comparison with the state knows.', own()],
  ['Every event', 'For rules of every source.', EVENT],
  ['Any place of the record', 'For rules of every source.', JSON_FIELDS],
  ['CloudTrail', 'For rules with `source: aws_cloudtrail`, and for rules without a source.', CLOUDTRAIL],
  ['Google Cloud audit logs', 'For rules with `source: gcp_auditlog`, and for rules without a source.', GCPAUDIT],
  [
    'Kubernetes audit logs',
    'For rules with `source: k8s_audit`. They are checked; no such events come here.',
    K8S_FIELDS,
  ],
]

/** docs/falco-fields.md, out of the tables that conditions are compiled with. */
export function fieldsPage(): string {
  return [
    '# Fields of Falco rules',
    'Generated from the code: `npx vitest run --project unit test/enclave/core/falco/fields_page.test.ts -u`.',
    'A check of a field that is absent is false, `!=` as well. A list takes `exists`, `in` (all of its values) and `intersects` (one of them). An attribute is text that `<` and `>` compare as a number.',
    'Rules for system calls (`source: syscall`, or no source and a field such as `proc.name`) are checked and then skipped.',
    ...SECTIONS.flatMap(([title, about, fields]) => [
      `## ${title}`,
      about,
      table(['field', 'type', 'value'], fields.map(row)),
    ]),
    '## Where Falco differs',
    table(['field', 'Falco', 'here'], DIFFERENCES),
  ].join('\n\n')
}

function own(): readonly Field[] {
  const [named, whole] = [changedAttribute('drift.changes.<attribute>'), changedAttribute('drift.changes')]
  return [...OWN, ...[named, whole].filter((field) => field !== undefined)]
}

function row({ name, type, list, argument, from }: Field): readonly string[] {
  const bracket = argument === undefined ? '' : `[${argument.required ? argument.kind : `${argument.kind}?`}]`
  return [`\`${name}${bracket}\``, list === true ? `${type}, list` : type, from]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
