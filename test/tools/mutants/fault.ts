import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * By file below lua/: text that stands there once, what stands there instead, and what goes wrong then. `equivalent` tells why nothing does,
 * and no test can notice it.
 */
export type Faults = Record<string, [find: string, replace: string, what: string, equivalent?: string][]>

export interface Fault {
  file: string
  find: string
  replace: string
  what: string
  equivalent: string | undefined
}

export const listed = (...all: Faults[]): Fault[] =>
  all.flatMap((faults) =>
    Object.entries(faults).flatMap(([file, rows]) =>
      rows.map(([find, replace, what, equivalent]) => ({ file, find, replace, what, equivalent })),
    ),
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
