import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import luaparse from 'luaparse'
import type { LibrarySource } from '../../../src/redis/source.ts'

/** A statement inside of a function: its place in the Lua files, and its first line. */
export interface Statement {
  path: string
  line: number
  text: string
}

/** The function of an instrumented library that replies the numbers of the statements that have run since it was called last. */
export const RAN = 'rapidfire_test_ran'

/** What the tests of one file have run: by the number of a statement, how many of them. */
export interface Ran {
  file: string
  tests: Record<number, number>
}

/** What tests have left in the folder LUA_COVERAGE. */
export const ranIn = (folder: string): Ran[] => readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))

/** The library in which each statement notes that it runs, on the lines of the original; and its statements by their number. */
export function instrument({ library, lines }: LibrarySource): { library: string; statements: Statement[] } {
  const [shebang, ...rest] = library.split('\n')
  const text = rest.join('\n')
  const starts: number[] = []
  visit(luaparse.parse(text, { luaVersion: '5.1', ranges: true, comments: false }), false, starts)
  starts.sort((a, b) => a - b)

  let noted = ''
  const statements = starts.map((start, n) => {
    noted += `${text.slice(starts[n - 1] ?? 0, start)}ran[${n}] = true; `
    const line = text.slice(0, start).split('\n').length + 1
    const [first, path] = lines.findLast(([begin]) => begin <= line) ?? [1, 'lua/build']
    return { path, line: line - first + 1, text: text.slice(start).split('\n', 1)[0] as string }
  })
  noted += text.slice(starts.at(-1))
  const reply = 'function() local numbers = {} for n in pairs(ran) do numbers[#numbers + 1] = n end ran = {} return numbers end'
  const register = `redis.register_function{ function_name = '${RAN}', callback = ${reply}, flags = { 'no-writes' } }\n`
  // In a function of its own, since Lua takes no more locals at one place than the library may have.
  return { library: `${shebang}\nlocal ran = {}; (function() ${noted}${register}end)()\n`, statements }
}

/** Finds where the statements of all functions begin. What stands outside of them runs when the library is loaded. */
function visit(node: unknown, inFunction: boolean, starts: number[]): void {
  if (typeof node !== 'object' || node === null) return
  const { type, body } = node as { type?: string; body?: { range: [number, number] }[] }
  const inside = inFunction || type === 'FunctionDeclaration'
  if (inside && body) for (const statement of body) starts.push(statement.range[0])
  for (const child of Object.values(node)) visit(child, inside, starts)
}
