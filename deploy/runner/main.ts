import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import { createHealth, type Status } from './health.ts'
import { openNitroCli } from './nitro_cli.ts'
import { parseSettings } from './settings.ts'
import { supervise } from './supervise.ts'

const CHECK_INTERVAL_MS = 5_000
/** Three checks that take as long as nitro-cli may. */
const STALE_MS = 45_000

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())

const logger = pino({
  base: { name: 'runner' },
  timestamp: pino.stdTimeFunctions.isoTime,
  messageKey: 'code',
  formatters: { level: (level) => ({ level }) },
})

async function start(path: string | undefined, program: string | undefined): Promise<void> {
  if (path === undefined) throw new Error('which settings? Usage: node runner/main.js <settings.yaml> [<nitro-cli>]')
  const settings = parseSettings(await readFile(path))
  const status: Status = { seenAt: undefined, startedAt: undefined, failedChecks: 0 }
  const health = createHealth(status, STALE_MS).listen(settings.port)
  await once(health, 'listening')
  await supervise(openNitroCli(program), settings, {
    status,
    intervalMs: CHECK_INTERVAL_MS,
    log: (level, code, fields) => logger[level](fields, code),
    signal: stop.signal,
  })
}

try {
  await start(process.argv[2], process.argv[3])
  process.exit(0)
} catch (error) {
  process.stderr.write(`runner: ${error instanceof Error ? error.message : 'failed'}\n`)
  process.exit(1)
}
