import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { openCluster } from '../../../deploy/gate/kubectl.ts'
import { appliedManifests, requireAllowed, rollOut, type Cluster } from '../../../deploy/gate/rollout.ts'
import { createIngress } from '../../../enclave/adapters/ingress.ts'
import { openNsm } from '../../../enclave/adapters/nsm.ts'
import { createIdentity, ingressBinding } from '../../../enclave/identity.ts'
import { createSoftwareNsm } from '../../../local/nsm/device.ts'
import type { Expected } from '../../../deploy/endpoint.ts'
import { HAS_KUBECTL, rendered } from '../manifests.ts'
import { folderOf } from '../../operator/folder.ts'
import { LIVE, NEW, OTHER, policyOf } from './reports.ts'

describe('a roll-out', () => {
  /** A cluster of two nodes whose enclaves prove these images. */
  function clusterOf(images: readonly string[], over: Partial<Cluster> = {}) {
    const [calls, said]: [string[][], string[]] = [[], []]
    const items = images.map((_, index) => ({
      metadata: { name: `pod-${index}` },
      spec: { nodeName: `node-${index}` },
    }))
    const cluster: Cluster = {
      kubectl: async (args, input) => {
        calls.push([...args, ...(input === undefined ? [] : [input])])
        return args[0] === 'get' ? JSON.stringify({ items }) : ''
      },
      attest: async (pod) => images[Number(pod.slice(-1))] ?? '',
      say: (line) => said.push(line),
      ...over,
    }
    return { calls, said, roll: () => rollOut(cluster, 'driftseal', 'manifests', NEW) }
  }

  it('applies, waits, and has each node prove what it runs', async () => {
    const { calls, said, roll } = clusterOf([NEW, NEW])
    expect(await roll()).toEqual([
      { node: 'node-0', pod: 'pod-0', pcr0: NEW },
      { node: 'node-1', pod: 'pod-1', pcr0: NEW },
    ])
    expect(calls.map(([verb, noun]) => [verb, noun])).toEqual([
      ['apply', '--server-side'],
      ['rollout', 'status'],
      ['get', 'pods'],
    ])
    expect(calls[0]?.at(-1)).toBe('manifests')
    expect(said).toContain(`node-1: pod-1 proves PCR0 ${NEW}`)
    expect(said.join()).not.toContain('undo')
  })

  const failing = async () => Promise.reject(new Error('no answer'))
  test.each<[string, ReturnType<typeof clusterOf>, string]>([
    ['a node with another image', clusterOf([NEW, LIVE]), 'node-1 runs another image'],
    ['a node whose document does not hold', clusterOf([NEW], { attest: failing }), 'no answer'],
    ['no node', clusterOf([]), 'no node runs an enclave'],
    ['nodes that do not become ready', clusterOf([NEW], { kubectl: failing }), 'no answer'],
  ])('with %s fails, and says how to go back', async (_, { said, roll }, why) => {
    await expect(roll()).rejects.toThrow(why)
    expect(said.at(-1)).toBe('  kubectl rollout undo daemonset/driftseal --namespace driftseal')
  })

  it('of an image that the key’s policy does not let in does not begin', () => {
    expect(() => requireAllowed(policyOf([LIVE, NEW]), NEW)).not.toThrow()
    expect(() => requireAllowed(policyOf([LIVE]), NEW)).toThrow(/apply its pull request first/)
  })

  it.runIf(HAS_KUBECTL)('touches what an image changes, and no right, network or namespace', () => {
    const all = rendered('overlays/production')
      .map((manifest) => JSON.stringify(manifest))
      .join('\n---\n')
    const chosen = parseAllDocuments(appliedManifests(all, 'driftseal')).map(
      (document) => document.toJS() as { kind: string },
    )
    expect(chosen.map(({ kind }) => kind).toSorted()).toEqual(['ConfigMap', 'DaemonSet'])
    expect(() => appliedManifests(all, 'elsewhere')).toThrow(/nothing for the namespace/)
  })
})

describe('kubectl', () => {
  const program = (script: string): readonly [string, ...string[]] => [
    process.execPath,
    join(folderOf({ 'kubectl.js': script }), 'kubectl.js'),
  ]
  const open = (script: string, expected: Expected = { root: new Uint8Array(), pcr0: [NEW] }) =>
    openCluster('driftseal', expected, () => {}, program(script))

  it('is given arguments and input, and its output is taken', async () => {
    const cluster = open("process.stdin.on('data', (d) => console.log(process.argv.slice(2).join(' '), String(d)))")
    expect(await cluster.kubectl(['apply', '-f', '-'], 'kind: x')).toBe('apply -f - kind: x\n')
  })

  it('that fails is told', async () => {
    await expect(open('process.exitCode = 7').kubectl(['apply'])).rejects.toThrow('kubectl apply failed with 7')
    const none = openCluster('driftseal', { root: new Uint8Array(), pcr0: [NEW] }, () => {}, ['/none'])
    await expect(none.kubectl(['apply'])).rejects.toThrow('cannot be started')
    await expect(open('console.log("error: no such pod")').attest('pod-0')).rejects.toThrow(
      'port-forward to pod-0 ended',
    )
  })

  it('forwards to the enclave of a pod, which proves its image', async () => {
    const device = await createSoftwareNsm({ pcr0: NEW, now: Date.now })
    const nsm = openNsm(device.request)
    const identity = await createIdentity(Date.now())
    const userData = ingressBinding(identity, Buffer.from('environment: test'))
    const ingress = createIngress(identity.tls, {
      missing: () => ['trust'],
      attest: (nonce) => nsm.attest({ nonce, userData }),
      authority: undefined,
      metrics: () => '',
    })
    ingress.listen(0, '127.0.0.1')
    await once(ingress, 'listening')
    onTestFinished(() => void ingress.close())
    const { port } = ingress.address() as AddressInfo // it listens on TCP
    const script = `
      if (process.argv.slice(2).join(' ') !== 'port-forward pod/pod-0 :8443 --namespace driftseal') process.exit(1)
      console.log('Forwarding from 127.0.0.1:${port} -> 8443')
      setInterval(() => {}, 1000)`
    const root = device.rootDer
    expect(await open(script, { root, pcr0: [NEW] }).attest('pod-0')).toBe(NEW)
    await expect(open(script, { root, pcr0: [OTHER] }).attest('pod-0')).rejects.toThrow(/PCR0 is not that/)
  })
})
