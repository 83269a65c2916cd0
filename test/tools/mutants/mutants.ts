import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Change, localsOf, mutate, mutationsOf, statementAt } from './operators.ts'

/** The Lua files below a folder: their text by their path there. */
export type LuaFiles = Map<string, string>

/** One fault in one file. */
export interface Mutant extends Change {
  /** `<file>:<function>:<operator>:<n>`, the file without its ending; `<file>:<function>:hand:<what goes wrong>` for what was thought of by hand. */
  name: string
  file: string
}

/** A fault in words that outlive a rearranged file: in the function `within`, wherever it stands, `find` stands once and becomes `put`. */
export interface Edit {
  within: string
  find: string
  put: string
}

export function readLua(root: string): LuaFiles {
  const paths = (readdirSync(root, { recursive: true }) as string[]).filter((path) => path.endsWith('.lua')).sort()
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

/** All that the operators make of the files. */
export const mutantsOf = (files: LuaFiles): Mutant[] =>
  [...files].flatMap(([file, text]) => mutationsOf(text).map((mutation) => named(file, mutation.name, mutation)))

/** The fault of an edit. Throws when it does not say of one place what stands there. */
export function edited({ within, find, put }: Edit, files: LuaFiles): { file: string; range: [number, number]; text: string } {
  const places = [...files].flatMap(([file, text]) =>
    localsOf(text)
      .filter(({ name }) => name === within)
      .flatMap(({ range: [from, to] }) => occurrences(text.slice(from, to), find).map((at) => ({ file, at: from + at }))),
  )
  const [place] = places
  if (!place || places.length > 1) throw new Error(`in ${within} this stands ${places.length} times, not once: ${find}`)
  return { file: place.file, range: [place.at, place.at + find.length], text: put }
}

/** The mutants of edits, named by what goes wrong. */
export const byHand = (edits: (Edit & { what: string })[], files: LuaFiles): Mutant[] =>
  edits.map((edit) => {
    const { file, ...change } = edited(edit, files)
    return named(file, `${edit.within}:hand:${edit.what}`, change)
  })

/** The file with the fault in it. */
export const textOf = (mutant: Mutant, files: LuaFiles): string => mutate(files.get(mutant.file) as string, mutant)

/** The mutants among these that such an edit makes as well, blanks aside; none when it does not apply any more. */
export function madeBy(edit: Edit, mutants: Mutant[], files: LuaFiles): Mutant[] {
  const plain = (text: string) => text.replace(/\s+/g, ' ')
  try {
    const { file, ...change } = edited(edit, files)
    const text = plain(mutate(files.get(file) as string, change))
    return mutants.filter((mutant) => mutant.file === file && plain(textOf(mutant, files)) === text)
  } catch {
    return []
  }
}

/** In an order by chance that a seed decides. What is first of a hundred is also first when others are added. */
export function shuffled(mutants: Mutant[], seed: string): Mutant[] {
  const rank = (name: string) => createHash('sha1').update(`${seed}:${name}`).digest('hex')
  const ranks = new Map(mutants.map(({ name }) => [name, rank(name)]))
  return [...mutants].sort((a, b) => ((ranks.get(a.name) as string) < (ranks.get(b.name) as string) ? -1 : 1))
}

/** The line on which the statement begins that is changed: `<path>:<line>`; undefined outside of functions, where all runs when the library is loaded. */
export function statementOf({ file, range }: Mutant, files: LuaFiles): string | undefined {
  const text = files.get(file) as string
  const begin = statementAt(text, range[0])
  return begin === undefined ? undefined : `lua/${file}:${text.slice(0, begin).split('\n').length}`
}

/** The lines that differ, as a diff shows them. */
export function diffOf(mutant: Mutant, files: LuaFiles): string {
  const [was, is] = [(files.get(mutant.file) as string).split('\n'), textOf(mutant, files).split('\n')]
  let [from, back] = [0, 0]
  while (was[from] === is[from] && from < was.length) from += 1
  while (was.at(-1 - back) === is.at(-1 - back) && from + back < Math.min(was.length, is.length)) back += 1
  const marked = (mark: string, lines: string[]) => lines.slice(from, lines.length - back).map((line) => `${mark} ${line}`)
  return [`${mutant.file}:${from + 1}`, ...marked('-', was), ...marked('+', is)].join('\n')
}

const named = (file: string, name: string, { range, text }: Change): Mutant => ({
  name: `${file.replace(/\.lua$/, '')}:${name}`,
  file,
  range,
  text,
})

function occurrences(text: string, find: string): number[] {
  const found: number[] = []
  for (let at = text.indexOf(find); at >= 0; at = text.indexOf(find, at + 1)) found.push(at)
  return found
}
