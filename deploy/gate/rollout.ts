import * as v from 'valibot'
import { parseAllDocuments } from 'yaml'
import { GateError } from './error.ts'
import { parseInput } from './input.ts'
import { imagesAllowedBy } from './key_policy.ts'

/** The cluster, as far as a roll-out goes. */
export interface Cluster {
  /** kubectl with these arguments and this standard input. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>
  /** The PCR0 that the enclave of a pod proves to run, asked through the cluster. */
  readonly attest: (pod: string) => Promise<string>
  readonly say: (line: string) => void
}

/** A node's report: whose enclave proved to run what. */
export interface Reported {
  readonly node: string
  readonly pod: string
  readonly pcr0: string
}

const WAIT = '30m'
const NAME = 'driftseal'
const SELECTOR = `app.kubernetes.io/name=${NAME}`
/** What an image changes. Rights, networks and the namespace are an administrator's, who applied them first. */
const APPLIED = new Set(['ConfigMap', 'DaemonSet'])

const manifest = v.looseObject({
  kind: v.string(),
  metadata: v.looseObject({ name: v.string(), namespace: v.optional(v.string()) }),
})
const pods = v.object({
  items: v.array(
    v.object({ metadata: v.object({ name: v.string() }), spec: v.object({ nodeName: v.optional(v.string(), '') }) }),
  ),
})

/** Nothing starts that KMS would give no key to: it would take the place of one that works. */
export function requireAllowed(policy: string, pcr0: string): void {
  if (imagesAllowedBy(policy).includes(pcr0)) return
  throw new GateError('ERR_GATE_ROLLOUT', "the key's policy does not let this image in: apply its pull request first")
}

/** Of the rendered manifests those that a roll-out applies. */
export function appliedManifests(rendered: string, namespace: string): string {
  const all = parseAllDocuments(rendered).map((document) => v.parse(manifest, document.toJS()))
  const chosen = all.filter(({ kind, metadata }) => APPLIED.has(kind) && metadata.namespace === namespace)
  const own = chosen.filter(({ metadata }) => metadata.name.startsWith(NAME))
  if (own.length > 0) return own.map((one) => JSON.stringify(one)).join('\n---\n')
  throw new GateError('ERR_GATE_ROLLOUT', `the overlay has nothing for the namespace ${namespace}`)
}

/** Applies the manifests, waits, and has every node's enclave prove that it is the approved image. */
export async function rollOut(
  cluster: Cluster,
  namespace: string,
  manifests: string,
  pcr0: string,
): Promise<readonly Reported[]> {
  const { kubectl, say } = cluster
  const inNamespace = ['--namespace', namespace]
  try {
    await kubectl(['apply', '--server-side', '--force-conflicts', ...inNamespace, '--filename', '-'], manifests)
    say(`applied; waiting for every node, at most ${WAIT}`)
    await kubectl(['rollout', 'status', `daemonset/${NAME}`, `--timeout=${WAIT}`, ...inNamespace])
    const listing = await kubectl(['get', 'pods', '--selector', SELECTOR, '--output', 'json', ...inNamespace])
    const { items } = parseInput(pods, listing, "kubectl's list of pods")
    if (items.length === 0) throw new GateError('ERR_GATE_ROLLOUT', 'no node runs an enclave')
    const reported: Reported[] = []
    for (const { metadata, spec } of items) {
      const one = { node: spec.nodeName, pod: metadata.name, pcr0: await cluster.attest(metadata.name) }
      say(`${one.node}: ${one.pod} proves PCR0 ${one.pcr0}`)
      reported.push(one)
    }
    const other = reported.find((one) => one.pcr0 !== pcr0)
    if (other === undefined) return reported
    throw new GateError('ERR_GATE_ROLLOUT', `${other.node} runs another image than the approved one`)
  } catch (error) {
    say('not rolled out. The image before is still allowed; to go back to it:')
    say(`  kubectl rollout undo daemonset/${NAME} --namespace ${namespace}`)
    throw error
  }
}
