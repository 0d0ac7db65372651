import { spawn } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { createInterface } from 'node:readline'
import { attestEndpoint, type Expected } from '../endpoint.ts'
import { GateError } from './error.ts'
import type { Cluster } from './rollout.ts'

/** Where the enclave's TLS ends up inside its pod (deploy/base/service.yaml). */
const INGRESS_PORT = 8443
const FORWARDING = /^Forwarding from 127\.0\.0\.1:(\d+) /

/**
 * The cluster behind kubectl's present context. Pods are asked through a forwarded port, which needs no way into the
 * network; that an API server could answer in their place is why the answer is an attestation document.
 */
export function openCluster(
  namespace: string,
  expected: Expected,
  say: (line: string) => void,
  program: readonly [string, ...string[]] = ['kubectl'],
): Cluster {
  const [command, ...first] = program
  const start = (args: readonly string[]) => spawn(command, [...first, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })

  return {
    say,
    async kubectl(args, input = '') {
      const child = start(args)
      const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
      child.stdin.on('error', () => {}) // it may end without reading
      child.stdin.end(input)
      const [output, status] = await Promise.all([buffer(child.stdout), ended]).catch((error: unknown) => {
        throw new GateError('ERR_GATE_COMMAND', `${command} cannot be started`, error)
      })
      if (status !== 0)
        throw new GateError('ERR_GATE_COMMAND', `kubectl ${args[0] ?? ''} failed with ${String(status)}`)
      return output.toString()
    },
    async attest(pod) {
      const child = start(['port-forward', `pod/${pod}`, `:${INGRESS_PORT}`, '--namespace', namespace])
      try {
        child.on('error', () => {}) // its output then ends, which is told below
        for await (const line of createInterface({ input: child.stdout })) {
          const [, port] = FORWARDING.exec(line) ?? []
          if (port === undefined) continue
          const { document } = await attestEndpoint(new URL(`https://127.0.0.1:${port}`), expected)
          return document.pcrs.get(0)?.toHex() ?? '' // verified, so it is there
        }
      } finally {
        child.kill()
      }
      throw new GateError('ERR_GATE_COMMAND', `kubectl port-forward to ${pod} ended`)
    },
  }
}
