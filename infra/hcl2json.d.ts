/** Stands for the package's own declarations, which bring the browser's types into a program that has none. */
export function parse(filename: string, contents: string): Promise<Record<string, unknown>>
