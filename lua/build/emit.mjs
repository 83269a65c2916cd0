// The TypeScript that has the two builds in it. Lua stands in it line by line, so that a change of it can be read.

const NOTE = '// Generated from lua/ by lua/build. Do not edit: run `npm run build`.\n'

/** What is generated: file name in src/redis/generated/, and its text. */
export function emit({ version, library, scripts, lines, codes, functions }) {
  return {
    'library.ts': `${NOTE}
/** Text for FUNCTION LOAD. */
export const LIBRARY: string = ${literal(library)}
`,
    'scripts.ts': `${NOTE}import type { Scripts } from '../source.ts'

/** Lines that a script does not need stand empty, so that every line has the number that it has in the library. */
const blank = (lines: number) => '\\n'.repeat(lines)

export const SCRIPTS: Scripts = {
${Object.entries(scripts)
  .map(([name, { sha1, text }]) => `  ${name}: {\n    sha1: '${sha1}',\n    text: ${shortened(literal(text))},\n  },`)
  .join('\n')}
}
`,
    'facts.ts': `${NOTE}
export const VERSION = '${version}'

/** Codes of the refusals that the Lua functions return. */
export type LuaErrorCode =${union(codes)}

export type FunctionName =${union(functions.map((each) => each.name))}

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
${lines.map(([first, path]) => `  [${first}, '${path}'],`).join('\n')}
]
`,
  }
}

const literal = (text) => `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``

/** Says how many blank lines there are where there are many. */
const shortened = (code) => code.replace(/\n{5,}/g, (run) => `\n\${blank(${run.length - 2})}\n`)

const union = (names) => names.map((name) => `\n  | '${name}'`).join('')
