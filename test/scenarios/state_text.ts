import type { Json, JsonObject } from '../../enclave/core/json.ts'

const ADDRESS = /^((?:module\.[\w-]+(?:\[[^\]]+\])?\.)*)([a-z]\w*)\.([\w-]+)(?:\[(.+)\])?$/
const PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'
/** A member of a resource's attributes that is none: the paths of those that are sensitive. */
const SENSITIVE = '#sensitive'

/** A state as Terraform writes it, from full addresses (modules, count and for_each) and attributes. */
export function stateText(
  resources: Readonly<Record<string, JsonObject>>,
  { serial, lineage }: { readonly serial: number; readonly lineage: string },
): string {
  const written = Object.entries(resources).map(([address, { [SENSITIVE]: sensitive, ...attributes }]) => {
    const [, modules = '', type = '', name = '', index] = ADDRESS.exec(address) ?? []
    if (type === '') throw new Error(`${address} is no address`)
    return {
      module: modules === '' ? undefined : modules.slice(0, -1),
      mode: 'managed',
      type,
      name,
      provider: PROVIDER,
      instances: [
        {
          index_key: index === undefined ? undefined : (JSON.parse(index) as Json),
          schema_version: 0,
          attributes,
          sensitive_attributes: pathsOf(sensitive),
        },
      ],
    }
  })
  return JSON.stringify({
    version: 4,
    terraform_version: '1.9.8',
    serial,
    lineage,
    outputs: {},
    resources: written,
    check_results: null,
  })
}

const pathsOf = (sensitive: Json | undefined): readonly Json[] =>
  Array.isArray(sensitive) ? sensitive.map((value: Json) => [{ type: 'get_attr', value }]) : []
