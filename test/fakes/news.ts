/** Lets a test wait until what it has been told amounts to something, without looking at the clock. */
export interface News {
  /** Something new was told. */
  readonly told: () => void
  /** Resolves once the condition holds; it is tried whenever something new was told. */
  readonly until: (condition: () => boolean) => Promise<void>
}

export function createNews(): News {
  const waiting = new Set<() => void>()
  return {
    told: () => waiting.forEach((look) => look()),
    until(condition) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (!condition()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
      return promise
    },
  }
}
