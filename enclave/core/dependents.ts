/** How many addresses a finding names; the rest are counted. */
const MAX_NAMED = 5
/** `[0]` and `["a"]`: Terraform keeps dependencies without them. */
const INDEX = /\[(?:\d+|"(?:[^"\\]|\\.)*")\]/g

/** What Terraform made from a resource. */
export interface Dependents {
  readonly count: number
  readonly addresses: readonly string[]
}

/** Which resources of one state were made from which. */
export interface DependentsIndex {
  /** Takes note of what a resource was made from. */
  add(address: string, dependencies: readonly string[]): void
  /** Undefined where nothing was made from the resource. */
  of(address: string): Dependents | undefined
}

export function createDependents(): DependentsIndex {
  const known = new Map<string, { count: number; readonly addresses: string[] }>()
  return {
    add(address, dependencies) {
      for (const dependency of dependencies) {
        const dependents = known.get(dependency) ?? { count: 0, addresses: [] }
        dependents.count += 1
        if (dependents.addresses.length < MAX_NAMED) dependents.addresses.push(address)
        known.set(dependency, dependents)
      }
    },
    of: (address) => known.get(address.replace(INDEX, '')),
  }
}
