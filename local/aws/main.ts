import { readFile } from 'node:fs/promises'
import { startLocalAws } from './aws.ts'
import { parseSettings } from './settings.ts'

// node local/aws/main.ts <settings>: JSON, or the path of a file with it. One line of JSON on stdout says it is ready.
try {
  const argument = process.argv[2] ?? '{}'
  const aws = await startLocalAws(parseSettings(argument.startsWith('{') ? argument : await readFile(argument, 'utf8')))
  const end = () => void aws.close().then(() => process.exit(0))
  process.once('SIGTERM', end).once('SIGINT', end).once('disconnect', end)
  process.stdout.write(`${JSON.stringify(aws.ready)}\n`)
} catch (error) {
  process.stderr.write(`local AWS: ${error instanceof Error ? error.message : 'unknown error'}\n`)
  process.exitCode = 1
}
