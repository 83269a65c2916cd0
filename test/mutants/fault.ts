import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** By file below lua/: text that stands there once, what stands there instead, and what goes wrong then. */
export type Faults = Record<string, [find: string, replace: string, what: string][]>

export interface Fault {
  file: string
  find: string
  replace: string
  what: string
}

export const listed = (...all: Faults[]): Fault[] =>
  all.flatMap((faults) =>
    Object.entries(faults).flatMap(([file, rows]) => rows.map(([find, replace, what]) => ({ file, find, replace, what }))),
  )

/** Puts the fault into the Lua files under `root`. Returns what takes it out again. */
export function apply({ file, find, replace, what }: Fault, root: string): () => void {
  const path = join(root, file)
  const text = readFileSync(path, 'utf8')
  const found = text.split(find).length - 1
  if (found !== 1) throw new Error(`${file}, '${what}': the text stands there ${found} times, not once: ${find}`)
  writeFileSync(
    path,
    text.replace(find, () => replace),
  )
  return () => writeFileSync(path, text)
}
