import { createHash, type KeyObject } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import { type Envelope, open, seal, type Sign } from './dsse.ts'
import { GateError, type GateErrorCode } from './error.ts'
import { parseInput, sha256Hex, sha384Hex } from './input.ts'
import { parseSummary, type Summary } from './summary.ts'

/** The files of a report, by their names in it. */
export type Report = Readonly<Record<(typeof REPORT_FILES)[number], Uint8Array>>

/** Who must have built what, of what: the reviewer's own knowledge, never the report's. */
export interface Expected {
  readonly builder: string
  readonly execution: string
  readonly repository: string
  readonly commit: string
}

export const REPORT_FILES = ['build-summary.json', 'build-summary.md', 'sbom.cdx.json'] as const
export const ENVELOPE_FILE = 'provenance.dsse.json'

const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1'
const BUILD_TYPE = 'urn:driftseal:enclave-image:v1'
/** What a build may be told besides its commit; deploy/buildspec.yml tells it this. */
const PARAMETERS = { dockerfile: 'Dockerfile.enclave', config: 'deploy/config.yaml', sourceDateEpoch: 0, debug: false }

/** As the connection names it: which host that is on, the connection says. */
const sourceUri = (repository: string): string => `git:${repository}`

const statementSchema = v.strictObject({
  _type: v.literal(STATEMENT_TYPE),
  subject: v.strictTuple([
    v.strictObject({
      name: v.literal('driftseal.eif'),
      digest: v.strictObject({ sha256: sha256Hex, sha384: sha384Hex }),
    }),
    v.strictObject({ name: v.literal('PCR0'), digest: v.strictObject({ sha384: sha384Hex }) }),
  ]),
  predicateType: v.literal(PREDICATE_TYPE),
  predicate: v.strictObject({
    buildDefinition: v.strictObject({
      buildType: v.literal(BUILD_TYPE),
      externalParameters: v.unknown(),
      resolvedDependencies: v.pipe(
        v.array(v.strictObject({ uri: v.string(), digest: v.record(v.string(), v.string()) })),
        v.minLength(1),
      ),
    }),
    runDetails: v.strictObject({
      builder: v.strictObject({ id: v.string() }),
      metadata: v.strictObject({ invocationId: v.string() }),
      byproducts: v.array(
        v.strictObject({ name: v.picklist(REPORT_FILES), digest: v.strictObject({ sha256: sha256Hex }) }),
      ),
    }),
  }),
})
type Statement = v.InferOutput<typeof statementSchema>

/** SLSA provenance of the image, with the digests of the report that speaks of it, signed. */
export async function signReport(report: Report, sign: Sign): Promise<Envelope> {
  const summary = summaryOf(report)
  return seal(PAYLOAD_TYPE, Buffer.from(JSON.stringify(statementOf(summary, report))), sign)
}

/**
 * Proves a report: a signature says who signed, and only what is checked after it says that this is our image. The order
 * is that of trust: signature, builder, source, parameters, subject, and last the report's own files.
 */
export function verifyReport(report: Report, envelope: string, key: KeyObject, expected: Expected): Summary {
  const payload = Buffer.from(open(envelope, PAYLOAD_TYPE, key)).toString('utf8')
  const { subject, predicate } = parseInput(statementSchema, payload, 'the statement')
  const { buildDefinition, runDetails } = predicate

  if (runDetails.builder.id !== expected.builder || runDetails.metadata.invocationId !== expected.execution)
    refuse('ERR_GATE_BUILDER', 'the report was made by another builder, or in another execution')
  const [source] = buildDefinition.resolvedDependencies
  if (source?.uri !== sourceUri(expected.repository) || source.digest['gitCommit'] !== expected.commit)
    refuse('ERR_GATE_SOURCE', 'the report is of another repository or commit')
  if (!isDeepStrictEqual(buildDefinition.externalParameters, PARAMETERS))
    refuse('ERR_GATE_PARAMETERS', 'the image was built with other parameters than deploy/buildspec.yml has')

  for (const name of REPORT_FILES) {
    const digests = runDetails.byproducts.filter((file) => file.name === name).map(({ digest }) => digest.sha256)
    if (digests.length !== 1 || digests[0] !== sha256(report[name]))
      refuse('ERR_GATE_SUBJECT', `${name} is not the file that was signed for`)
  }
  const summary = summaryOf(report)
  if (!isDeepStrictEqual(subject, subjectOf(summary)) || !isDeepStrictEqual(expected, expectedOf(summary)))
    refuse('ERR_GATE_SUBJECT', 'the summary speaks of another image than the statement')
  return summary
}

function statementOf(summary: Summary, report: Report): Statement {
  const { builder, source, bases, lock } = summary
  return {
    _type: STATEMENT_TYPE,
    subject: subjectOf(summary),
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: PARAMETERS,
        resolvedDependencies: [
          { uri: sourceUri(source.repository), digest: { gitCommit: source.commit } },
          { uri: 'package-lock.json', digest: { sha256: lock.sha256 } },
          ...bases.map((base) => {
            const [name = '', digest = ''] = base.split('@sha256:')
            return { uri: `docker://${name}`, digest: { sha256: digest } }
          }),
        ],
      },
      runDetails: {
        builder: { id: builder.id },
        metadata: { invocationId: builder.execution },
        byproducts: REPORT_FILES.map((name) => ({ name, digest: { sha256: sha256(report[name]) } })),
      },
    },
  }
}

const subjectOf = ({ measurement: { sha256: file, sha384, pcr0 } }: Summary): Statement['subject'] => [
  { name: 'driftseal.eif', digest: { sha256: file, sha384 } },
  { name: 'PCR0', digest: { sha384: pcr0 } },
]

const expectedOf = ({ builder, source }: Summary): Expected => ({
  builder: builder.id,
  execution: builder.execution,
  repository: source.repository,
  commit: source.commit,
})

const summaryOf = (report: Report): Summary =>
  parseSummary(Buffer.from(report['build-summary.json']).toString('utf8'), 'build-summary.json')

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function refuse(code: GateErrorCode, why: string): never {
  throw new GateError(code, why)
}
