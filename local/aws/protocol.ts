import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import * as v from 'valibot'

/** A refusal as the AWS JSON protocol carries it: `code` is what the SDK gives its error as a name. */
export class AwsError extends Error {
  readonly code: string
  readonly status: number
  constructor(code: string, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** Fits KMS's largest request: an attestation document of 256 KiB in base64, and its ciphertext. */
const MAX_BODY = 512 << 10
const CONTENT_TYPE = 'application/x-amz-json-1.1'
/** CloudWatch's clients speak the version before, which differs in its name alone. */
const CONTENT_TYPES = new Set(['application/x-amz-json-1.0', CONTENT_TYPE])

/** One call of a service: takes what the client sent, gives the members of the answer. */
export type Operation = (input: unknown) => Promise<object>

/** An operation whose input has been checked against its schema. Members that it does not know are ignored, as AWS does. */
export const operation =
  <S extends v.GenericSchema>(schema: S, run: (input: v.InferOutput<S>) => object | Promise<object>): Operation =>
  async (input) => {
    const result = v.safeParse(schema, input)
    if (result.success) return run(result.output)
    const members = result.issues.map((issue) => v.getDotPath(issue) ?? 'the request')
    throw new AwsError('ValidationException', `these members are missing or not valid: ${members.join(', ')}`)
  }

/** A blob member: base64 in JSON. */
export const blob = (most: number) =>
  v.pipe(
    v.string(),
    v.base64(),
    v.transform((text): Uint8Array => Buffer.from(text, 'base64')),
    v.minLength(1),
    v.maxLength(most),
  )

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** A service that speaks AWS JSON 1.1: `X-Amz-Target` names the operation, the body is its input. */
export const jsonService =
  (target: string, operations: ReadonlyMap<string, Operation>): RequestListener =>
  (request, response) => {
    call(request, target, operations).then(
      (output) => answer(response, 200, output),
      (error: unknown) => refuse(response, error),
    )
  }

/** Answers with the error; what is not an AwsError is a fault of ours, told on stderr and not to the client. */
export function refuse(response: ServerResponse, error: unknown): void {
  if (error instanceof AwsError) {
    answer(response, error.status, { __type: error.code, message: error.message })
  } else {
    process.stderr.write(`local AWS: ${error instanceof Error ? (error.stack ?? error.message) : 'unknown error'}\n`)
    answer(response, 500, { __type: 'InternalFailure', message: 'the local AWS failed; see its stderr' })
  }
}

/** The same for S3, whose errors are XML. */
export function refuseS3(response: ServerResponse, error: AwsError): void {
  response.writeHead(error.status, { 'content-type': 'application/xml' })
  response.end(`<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`)
}

async function call(
  request: IncomingMessage,
  target: string,
  operations: ReadonlyMap<string, Operation>,
): Promise<object> {
  const named = String(request.headers['x-amz-target'])
  const run = named.startsWith(`${target}.`) ? operations.get(named.slice(target.length + 1)) : undefined
  if (request.method !== 'POST' || !CONTENT_TYPES.has(request.headers['content-type'] ?? '') || run === undefined) {
    const known = [...operations.keys()].join(', ')
    throw new AwsError('UnknownOperationException', `expected a POST of ${CONTENT_TYPE} to one of ${target}: ${known}`)
  }
  const body = await readBody(request)
  // Clients compress what CloudWatch takes.
  return run(parseJson(request.headers['content-encoding'] === 'gzip' ? unzip(body) : body))
}

function unzip(body: Uint8Array): Uint8Array {
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BODY })
  } catch {
    throw new AwsError('SerializationException', 'the request is not gzip, or unpacks to too much')
  }
}

/** The body of a request, within the limit. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  // Also refuses a body of unknown length: SDK clients always announce it.
  if (!(Number(request.headers['content-length']) <= MAX_BODY)) {
    throw new AwsError('RequestEntityTooLargeException', `the request must announce at most ${MAX_BODY} bytes`, 413)
  }
  return buffer(request).catch(() => {
    throw new AwsError('IncompleteRequestException', 'the connection broke before the request was complete')
  })
}

export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw new AwsError('SerializationException', 'the request is not JSON')
  }
}

/** Answers with the members of an output. */
export function answer(response: ServerResponse, status: number, output: object): void {
  const body = Buffer.from(JSON.stringify(output))
  response.writeHead(status, {
    'content-type': CONTENT_TYPE,
    'content-length': body.length,
    'x-amzn-requestid': randomUUID(),
  })
  response.end(body)
}
