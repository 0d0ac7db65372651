import { describe, expect, it } from 'vitest'
import { textOf } from './manifests.ts'

describe('the seccomp profile', () => {
  interface Rule {
    readonly names: string[]
    readonly action: string
    readonly args?: readonly { index: number; value: number; op: string }[]
  }
  const profile = JSON.parse(textOf('deploy/seccomp/driftseal.json')) as { defaultAction: string; syscalls: Rule[] }
  const holds: Record<string, (left: number, right: number) => boolean> = {
    SCMP_CMP_LT: (left, right) => left < right,
    SCMP_CMP_GT: (left, right) => left > right,
  }
  const allowsSocket = (family: number) =>
    profile.syscalls
      .filter(({ names }) => names.includes('socket'))
      .some(
        ({ action, args }) => action === 'SCMP_ACT_ALLOW' && args?.every(({ op, value }) => holds[op]?.(family, value)),
      )

  it.each([
    ['AF_UNIX', 1, true],
    ['AF_INET', 2, true],
    ['AF_INET6', 10, true],
    ['AF_NETLINK', 16, true],
    ['AF_VSOCK', 40, true],
    ['AF_ALG', 38, false],
  ])('%s', (_, family, allowed) => {
    expect(allowsSocket(family)).toBe(allowed)
  })

  it.each(['mount', 'unshare', 'setns', 'bpf', 'ptrace', 'init_module', 'keyctl', 'io_uring_setup', 'perf_event_open'])(
    'refuses %s',
    (name) => {
      expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO')
      expect(profile.syscalls.flatMap(({ names }) => names)).not.toContain(name)
    },
  )

  it('fits into the user data of an instance beside the rest', () => {
    expect(JSON.stringify(profile).length).toBeLessThan(8 << 10)
  })
})
