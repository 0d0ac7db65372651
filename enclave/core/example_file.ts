import * as v from 'valibot'
import type { Example } from './catalog.ts'
import { defined, isObject, type Json, type JsonObject } from './json.ts'

const object = v.record(v.string(), v.unknown())
const finding = v.custom<unknown>(
  (value) =>
    typeof value === 'string' ? Object.hasOwn(SHORT, value) : isObject(value as Json) || Array.isArray(value),
  'what is found: nothing, deleted, created, unmanaged, unmapped, a mapping, or a list of them',
)

/** What an example finds, in one word. */
const SHORT: Readonly<Record<string, JsonObject>> = {
  nothing: { outcome: 'ignored' },
  deleted: { outcome: 'drift', kind: 'deleted' },
  created: { outcome: 'unmanaged', kind: 'created' },
  unmanaged: { outcome: 'unmanaged' },
  unmapped: { outcome: 'unmapped' },
}

export const exampleSource = v.strictObject({
  name: v.string(),
  request: v.optional(v.unknown()),
  response: v.optional(v.unknown()),
  error: v.optional(v.string()),
  record: v.optional(object, {}),
  state: v.optional(v.record(v.string(), object)),
  finds: finding,
})

/** What the examples of a file share. */
export const examplesSource = v.strictObject({
  record: v.optional(object, {}),
  state: v.optional(v.record(v.string(), object), {}),
})

/** The call of somebody in the console, for examples to lay their own fields over. */
const RECORD: JsonObject = {
  eventVersion: '1.09',
  userIdentity: {
    type: 'AssumedRole',
    principalId: 'AROAEXAMPLEEXAMPLEEX:admin@example.com',
    arn: 'arn:aws:sts::111122223333:assumed-role/Admin/admin@example.com',
    accountId: '111122223333',
    accessKeyId: 'ASIAEXAMPLEEXAMPLEEX',
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: 'AROAEXAMPLEEXAMPLEEX',
        arn: 'arn:aws:iam::111122223333:role/Admin',
        accountId: '111122223333',
        userName: 'Admin',
      },
      attributes: { creationDate: '2025-12-06T07:00:00Z', mfaAuthenticated: 'true' },
    },
  },
  eventTime: '2025-12-06T07:30:00Z',
  awsRegion: 'eu-west-1',
  sourceIPAddress: '203.0.113.12',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  requestParameters: null,
  responseElements: null,
  requestID: '5d1c9d6e-8f0f-4b9b-9e64-6f0c1b5d0001',
  eventID: '1f0c3c55-6f3c-4f51-b9b5-3a8c5f2e0001',
  readOnly: false,
  eventType: 'AwsApiCall',
  managementEvent: true,
  recipientAccountId: '111122223333',
  eventCategory: 'Management',
  sessionCredentialFromConsole: 'true',
}

interface Source {
  readonly source: string
  readonly events: Readonly<Record<string, { readonly examples: readonly v.InferOutput<typeof exampleSource>[] }>>
  readonly tagging: Source['events']
  readonly examples: v.InferOutput<typeof examplesSource>
}

/** Each example's record is the common one with the file's and its own fields over it. */
export function examplesOf({ source, events, tagging, examples }: Source, file: string): readonly Example[] {
  return Object.entries({ ...events, ...tagging }).flatMap(([event, { examples: own }]) =>
    own.map(({ name, request, response, error, record, state, finds }): Example => {
      const fields = { requestParameters: request, responseElements: response, errorCode: error }
      // YAML's core schema makes nothing but JSON.
      const given = { ...examples.record, ...defined(fields), ...record } as JsonObject
      return {
        file,
        event,
        name,
        record: { ...RECORD, eventSource: source, eventName: event, ...given },
        state: (state ?? examples.state) as Example['state'],
        finds: listed(finds as Json).map(findingOf),
      }
    }),
  )
}

const listed = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : [value])

function findingOf(source: Json): JsonObject {
  if (typeof source === 'string') return SHORT[source] ?? {}
  if (!isObject(source)) return {}
  const { address, ...rest } = source
  const usual =
    source['outcome'] === undefined && source['changes'] !== undefined ? { outcome: 'drift', kind: 'changed' } : {}
  return { ...usual, ...rest, ...(address === undefined ? {} : { resource: { address } }) }
}

/** A key of that name with all that is deeper than it, in the block form that the catalog's files have. */
const EXAMPLES = /^( *)examples:.*\n(?:(?:\1 .*)?\n)*/gm

/**
 * A catalog file without its examples, its lines at their places. They are half of the text, and a start would wait for
 * them: nothing that runs looks at them.
 */
export const withoutExamples = (text: string): string =>
  text.replace(EXAMPLES, (found) => '\n'.repeat(found.split('\n').length - 1))
