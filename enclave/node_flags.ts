/** What Node is told when the enclave starts, by the image's command line and by nothing else. */
export const NODE_FLAGS: readonly string[] = [
  // SIGUSR1 would open the inspector, and the inspector every secret.
  '--disable-sigusr1',
  // Megabytes. Node's own is four times as much, which loading large states would take and never give back.
  '--max-semi-space-size=8',
]
