import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DaemonSet } from 'kubernetes-models/apps/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { Role, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1'
import { ConfigMap, Namespace, Service, ServiceAccount } from 'kubernetes-models/v1'
import { parse, parseAllDocuments } from 'yaml'

export const ROOT = join(import.meta.dirname, '../..')
export const DEPLOY = join(ROOT, 'deploy')

type Fields = Record<string, unknown>
export type Manifest = Fields & { readonly kind: string; readonly metadata: { name: string; namespace?: string } }

const MODELS = { ConfigMap, DaemonSet, Namespace, NetworkPolicy, Role, RoleBinding, Service, ServiceAccount }

export const HAS_KUBECTL = (process.env['PATH'] ?? '').split(':').some((path) => existsSync(join(path, 'kubectl')))

export const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
export const yamlOf = (file: string): unknown => parse(textOf(file))

/** The manifests of a folder as they are written, without what an overlay does to them. */
export function written(folder: string): readonly Manifest[] {
  const files = readdirSync(join(DEPLOY, folder)).filter(
    (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml',
  )
  return files.flatMap((file) => documents(textOf(`deploy/${folder}/${file}`)))
}

/** The manifests of an overlay as the cluster gets them. */
export const rendered = (overlay: string): readonly Manifest[] =>
  documents(execFileSync('kubectl', ['kustomize', join(DEPLOY, overlay)], { encoding: 'utf8' }))

const documents = (text: string): readonly Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJSON() as Manifest)

/** What the API server would not take, or would silently drop. */
export function problemsOf(manifest: Manifest): readonly string[] {
  const Model = MODELS[manifest.kind as keyof typeof MODELS]
  if (Model === undefined) return [`kind ${manifest.kind} has no model`]
  const unread = new Set<string>()
  const model = new Model()
  for (const [key, value] of Object.entries(manifest)) Object.assign(model, { [key]: observed(value, key, unread) })
  try {
    model.validate()
  } catch (error) {
    return [(error as Error).message]
  }
  return [...unread].map((path) => `unknown field ${path}`)
}

/** A copy that notes which fields nobody asked for: the models read all that they know, and pass over the rest. */
function observed(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const copy: Fields = Array.isArray(value) ? ([] as unknown as Fields) : {}
  for (const [key, child] of Object.entries(value)) {
    unread.add(`${path}.${key}`)
    copy[key] = observed(child, `${path}.${key}`, unread)
  }
  return new Proxy(copy, {
    get(target, key) {
      if (typeof key === 'string') unread.delete(`${path}.${key}`)
      return Reflect.get(target, key) as unknown
    },
  })
}

export interface Container {
  readonly name: string
  readonly image: string
  readonly ports?: readonly { name: string; containerPort: number }[]
  readonly securityContext: Fields & { readonly capabilities?: { drop?: string[]; add?: string[] } }
  readonly resources: { readonly requests: Record<string, string>; readonly limits: Record<string, string> }
  readonly volumeMounts: readonly { name: string; mountPath: string; readOnly?: boolean }[]
}
export interface PodSpec extends Fields {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes: readonly { name: string; configMap?: { name: string }; hostPath?: { path: string } }[]
  readonly securityContext: { readonly seccompProfile: { type: string; localhostProfile?: string } }
}

export const podOf = (manifest: Manifest): PodSpec =>
  (manifest['spec'] as { template: { spec: PodSpec } }).template.spec
export const containersOf = (pod: PodSpec): readonly Container[] => [...(pod.initContainers ?? []), ...pod.containers]
