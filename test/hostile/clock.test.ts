import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TERRAFORM_ROLE } from '../../local/story.ts'
import { openAccount, STATE, type Account } from './account.ts'
import { codes, makeMutable, openHost, SAFE, tells } from './host.ts'

let account: Account
beforeAll(async () => {
  account = await openAccount()
})
afterAll(() => account[Symbol.asyncDispose]())

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** A clock that the host can move. */
function movable(ahead = 0) {
  const clock = { ahead, now: () => Date.now() + clock.ahead }
  return clock
}

const terraform = {
  type: 'AssumedRole',
  arn: 'arn:aws:sts::111122223333:assumed-role/terraform/deploy',
  accountId: '111122223333',
  sessionContext: {
    sessionIssuer: { type: 'Role', arn: TERRAFORM_ROLE, accountId: '111122223333', userName: 'terraform' },
  },
}
const byTerraform = (repository: string) => makeMutable(repository, terraform, 'HashiCorp Terraform/1.9.8')
const held = { states: [{ name: 'registry', ...STATE, terraform_principals: [TERRAFORM_ROLE] }] }

describe.concurrent('a clock that is', () => {
  it.each([
    ['an hour ahead', HOUR],
    ['an hour behind', -HOUR],
    ['eleven seconds ahead', 11_000],
  ])('%s of the security module: the enclave does not start', async (_what, ahead) => {
    await using host = await openHost(account)
    await expect(host.boot({ clock: movable(ahead) })).rejects.toThrow(/^device: the clock is over/)
    expect(codes(host, 'boot.device.failed')).toMatchObject([{ error: 'clock-differs' }])
    expect(await host.aftermath()).toEqual(SAFE)
  })

  it.each([
    ['forward', 2 * HOUR],
    ['back', -2 * HOUR],
  ])(
    'put %s later: alerts are stored in their order, and told once the receiver believes their time',
    async (_way, ahead) => {
      await using host = await openHost(account)
      const clock = movable()
      const enclave = await host.boot({ clock })
      const ids = [await host.drift('service-1')]
      await tells(host, ids[0] ?? '')
      clock.ahead = ahead
      ids.push(await host.drift('service-2'))
      await host.until(() => codes(host, 'sink.on-call.failed').length > 0)
      expect(host.judged.map(({ eventId }) => eventId)).toEqual(ids)
      expect(await host.aftermath()).toEqual(SAFE)
      clock.ahead = 0
      await tells(host, ids[1] ?? '')

      await enclave.stop()
      await host.boot()
      expect(codes(host, 'ledger.opened').at(-1)).toMatchObject({ findings: 2, anomalies: 0, repaired: 0 })
    },
  )

  it.each([
    ['forward', 45 * MINUTE],
    ['back', -45 * MINUTE],
  ])('put %s over what waits for Terraform’s state: it is judged early, and never kept back', async (_way, ahead) => {
    await using host = await openHost(account)
    const clock = movable()
    await host.boot({ clock }, held)
    const id = await host.send(byTerraform('service-1'))
    await tells(host, await host.drift('service-2'))
    expect(host.judged.filter(({ eventId }) => eventId === id)).toEqual([])
    clock.ahead = ahead
    await host.until(() => host.judged.some(({ eventId, outcome }) => eventId === id && outcome === 'drift'))
    clock.ahead = 0
    await tells(host, id)
    expect(await host.aftermath()).toEqual(SAFE)
  })
})
