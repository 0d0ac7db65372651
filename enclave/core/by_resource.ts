/** Something that is remembered of each resource, by its state and its address there. */
export interface ByResource<T> {
  get(state: string, address: string): T | undefined
  /** Makes the resource the youngest. Beyond the most that are kept the oldest goes. */
  set(state: string, address: string, value: T): void
  delete(state: string, address: string): void
  values(): Iterable<T>
}

interface Entry<T> {
  readonly state: string
  readonly address: string
  readonly value: T
}

/** Two maps, one in the other: a key made of state and address would be a new text, to be hashed, for each look-up. */
export function createByResource<T>(most: number): ByResource<T> {
  const states = new Map<string, Map<string, Entry<T>>>()
  /** The oldest first. */
  const order = new Set<Entry<T>>()

  function remove(state: string, address: string): void {
    const ofState = states.get(state)
    const entry = ofState?.get(address)
    if (ofState === undefined || entry === undefined) return
    order.delete(entry)
    ofState.delete(address)
    if (ofState.size === 0) states.delete(state)
  }

  return {
    get: (state, address) => states.get(state)?.get(address)?.value,
    set(state, address, value) {
      remove(state, address)
      const entry = { state, address, value }
      states.getOrInsertComputed(state, () => new Map()).set(address, entry)
      order.add(entry)
      const [oldest] = order
      if (order.size > most && oldest !== undefined) remove(oldest.state, oldest.address)
    },
    delete: remove,
    values: () => Iterator.from(order).map(({ value }) => value),
  }
}
