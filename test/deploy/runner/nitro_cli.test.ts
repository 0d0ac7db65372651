import { readFile, rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { openNitroCli } from '../../../deploy/runner/nitro_cli.ts'
import { fakeNitroCli, ID, type Saying } from './fake_nitro_cli.ts'

const settings = {
  environment: 'test',
  eif: '/app/driftseal.eif',
  cid: 16,
  cpu_count: 2,
  memory_mib: 2048,
  debug: false,
  port: 0,
}

describe('nitro-cli', () => {
  it('starts an enclave, sees it run and end, and ends it', async () => {
    const { program, calls, running } = await fakeNitroCli()
    const cli = openNitroCli(program)
    expect(await cli.run(settings)).toBe(ID)
    expect(await cli.isRunning(ID)).toBe(true)
    expect(await cli.isRunning('another')).toBe(false)
    await cli.terminate(ID)
    await rm(running, { force: true })
    expect(await cli.isRunning(ID)).toBe(false)
    expect((await readFile(calls, 'utf8')).split('\n').slice(0, 4)).toEqual([
      'run-enclave --eif-path /app/driftseal.eif --cpu-count 2 --memory 2048 --enclave-cid 16',
      'describe-enclaves',
      'describe-enclaves',
      `terminate-enclave --enclave-id ${ID}`,
    ])
  })

  it('asks for debug mode only where settings do', async () => {
    const { program, calls } = await fakeNitroCli()
    await openNitroCli(program).run({ ...settings, debug: true })
    expect(await readFile(calls, 'utf8')).toMatch(/ --debug-mode$/m)
  })

  it.each([
    ['E22', 'Insufficient CPUs available in the pool.', /lower cpu_count/],
    ['E26', 'Insufficient memory requested.', /four times the size/],
    ['E27', 'Insufficient memory available.', /hugepages-2Mi/],
    ['E36', 'Enclave boot failure.', /no sign of life/],
    ['E99', 'Something new.', /E99 \] Something new\.$/],
  ])('says what to do about %s', async (code, text, remedy) => {
    const err = `[ ${code} ] ${text}\n\nFor more details, please visit a page\n`
    const { program } = await fakeNitroCli({ 'run-enclave': { err, exit: 39 } })
    const refused = openNitroCli(program).run(settings)
    await expect(refused).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining(code) as string })
    await expect(refused).rejects.toThrow(remedy)
  })

  it('says that the program is missing', async () => {
    await expect(openNitroCli('/nowhere/nitro-cli').run(settings)).rejects.toMatchObject({ code: 'missing' })
  })

  it.each<[string, Saying]>([
    ['nothing', { out: '' }],
    ['text', { out: 'started\n' }],
    ['half of an answer', { out: '{"EnclaveID": "i-' }],
    ['another shape', { out: '{"EnclaveId": "i-0"}' }],
    ['no id', { out: '{"EnclaveID": "", "EnclaveCID": 16}' }],
    ['a list', { out: '[]' }],
    ['null', { out: 'null' }],
  ])('refuses %s as an answer', async (_, saying) => {
    const { program } = await fakeNitroCli({ 'run-enclave': saying })
    await expect(openNitroCli(program).run(settings)).rejects.toMatchObject({ code: 'unreadable' })
  })

  it('does not take it for ended that was not said to be', async () => {
    const { program } = await fakeNitroCli({
      'terminate-enclave': { out: `{"EnclaveID": "${ID}", "Terminated": false}` },
    })
    await expect(openNitroCli(program).terminate(ID)).rejects.toMatchObject({ code: 'unreadable' })
  })
})
