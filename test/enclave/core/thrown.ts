/** Whether a call ends well or with this error, and with no other. */
export function isClean(call: () => unknown, own: new (...args: never[]) => Error): boolean {
  try {
    call()
    return true
  } catch (error) {
    return error instanceof own
  }
}
