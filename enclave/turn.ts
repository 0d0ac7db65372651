/** Has tasks take turns: each begins when the one before has ended, in the order of asking. */
export function createTurn(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const mine = last.then(task)
    last = mine.catch(() => {}) // whoever asked hears of the failure; the next one starts all the same
    return mine
  }
}
