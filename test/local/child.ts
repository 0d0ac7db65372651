// Started by processes.test.ts, to behave as its argument says.
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const [, , behaviour = '', ...rest] = process.argv

switch (behaviour) {
  case 'serves':
    say(`ready ${rest.join(' ')}`)
    say('a second line')
    process.send?.({ environment: Object.keys(process.env) })
    setInterval(() => {}, 60_000)
    break
  case 'ends in order':
    process.once('SIGTERM', () => process.exit(7))
    setInterval(() => {}, 60_000)
    say('ready')
    break
  case 'ends by itself':
    say('ready')
    process.once('message', () => process.exit(3))
    break
  case 'fails':
    process.stderr.write(`${'x'.repeat(5000)} the reason\n`)
    process.exitCode = 4
    break
  case 'says nothing':
    process.exitCode = 5
    break
}
