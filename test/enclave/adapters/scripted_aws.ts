import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { AwsAccess } from '../../../enclave/adapters/aws.ts'
import { createCa } from '../../../local/aws/ca.ts'
import { agentTo } from '../../../local/aws/front.ts'
import { hostsOf } from '../../../local/aws/hosts.ts'

export const REGION = 'us-east-1'

export const credentials: AwsAccess['credentials'] = async () => ({
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'a-secret-access-key-of-forty-characters!',
  sessionToken: 'a-token',
  expiration: new Date(Date.now() + 3_600_000),
})

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

interface Asked {
  readonly operation: string
  readonly path: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
}

const ca = await createCa(new Date())
const certificate = await ca.issue(hostsOf(REGION))

/** An AWS that answers whatever it is told to, until the test ends. */
export async function scriptedAws(answer: (asked: Asked) => Answer): Promise<{ access: AwsAccess; asked: Asked[] }> {
  const asked: Asked[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const operation = String(request.headers['x-amz-target'] ?? request.method).replace(/^.*\./, '')
    const { url: path = '', headers } = request
    const one = { operation, path, headers, body: await buffer(request) }
    asked.push(one)
    const said = answer(one)
    response.writeHead(said.status ?? 200, said.headers ?? {}).end(said.body ?? '')
  }
  const server = createServer(certificate, (request, response) => void respond(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = agentTo({ port: (server.address() as AddressInfo).port, ca: ca.pem }) // it listens on TCP
  onTestFinished(() => {
    agent.destroy()
    server.close()
    server.closeAllConnections()
  })
  return { access: { region: REGION, agent, credentials }, asked }
}

/** What the services that speak JSON say, and how they refuse. */
export const says = (body: object): Answer => ({
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body),
})
export const refuses = (name: string): Answer => ({ ...says({ __type: name, message: 'no' }), status: 400 })
export const bodyOf = ({ body }: Asked): unknown => JSON.parse(body.toString())
