import type { Terminal } from './replay_command.ts'

const COLOURS = { VALID: 32, MEASURED: 32, APPROVED: 32, REJECTED: 31, 'NOT VERIFIED': 33 } as const

/** The first line of an answer: how it turned out, and for what. */
export function verdict(word: keyof typeof COLOURS, about: string, { colour }: Pick<Terminal, 'colour'>): string {
  return `${colour ? `\u001B[${COLOURS[word]}m${word}\u001B[0m` : word}  ${about}`
}
