import { createServer, type Server } from 'node:http'

/** What the runner knows of its enclave. */
export interface Status {
  /** When the enclave was last seen running; undefined before it started and after it ended. */
  seenAt: number | undefined
  startedAt: number | undefined
  failedChecks: number
}

/** Serves liveness to the kubelet and metrics to Prometheus. An enclave not seen for `staleMs` is taken for dead. */
export function createHealth(status: Status, staleMs: number, now: () => number = Date.now): Server {
  const isAlive = () => status.seenAt !== undefined && now() - status.seenAt <= staleMs
  return createServer((request, response) => {
    if (request.url === '/healthz') {
      response.writeHead(isAlive() ? 200 : 503).end(isAlive() ? 'running\n' : 'no running enclave\n')
    } else if (request.url === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metrics(status, isAlive()))
    } else {
      response.writeHead(404).end()
    }
  })
}

function metrics({ startedAt, failedChecks }: Status, alive: boolean): string {
  const samples = [
    ['driftseal_enclave_running', 'gauge', 'Whether nitro-cli sees the enclave running.', alive ? 1 : 0],
    ['driftseal_enclave_start_time_seconds', 'gauge', 'When the enclave was started.', (startedAt ?? 0) / 1000],
    ['driftseal_enclave_failed_checks_total', 'counter', 'Checks that nitro-cli did not answer.', failedChecks],
  ] as const
  return samples
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('')
}
