import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { imageForm } from '../../enclave/core/image_form.ts'

const FILES = '**/*.{json,yaml}'
const REWRITTEN = '{catalog,policies}/**/*.yaml'

/** Puts the rules that are under one folder into another, in the form that an image has. */
export function placeRules(from: string, to: string): void {
  const place = (path: string): string => {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    return join(to, path)
  }
  for (const file of globSync(FILES, { cwd: from, exclude: [REWRITTEN] })) copyFileSync(join(from, file), place(file))
  for (const file of globSync(REWRITTEN, { cwd: from })) {
    const json = imageForm(readFileSync(join(from, file), 'utf8'), (message) => {
      throw new Error(`${file}: ${message}`)
    })
    writeFileSync(place(file.replace(/yaml$/, 'json')), json)
  }
}
