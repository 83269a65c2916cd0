// The TypeScript that has the two builds in it, and what it needs to know of them. Lua stands in it line by line, so that a change of it can
// be read.

const NOTE = '// Generated from lua/ by lua/build. Do not edit: run `npm run build`.\n'

/** What is generated: file name in src/redis/generated/, and its text. */
export function emit({ version, library, scripts, lines, codes, functions, constants }) {
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

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set([${list(functions.filter(({ flags }) => flags.includes('no-writes')).map(({ name }) => name))}])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
${lines.map(([first, path]) => `  [${first}, '${path}'],`).join('\n')}
]
`,
    'limits.ts': `${NOTE}
// Times are in ms, sizes in bytes. lua/lib/limits.lua says what each is for.

/** The policy of a queue. */
export const POLICY = ${ranges(Object.values(constants.POLICY).map((member) => [member.field, member]))}

/** Options of calls: numbers from \`least\` to \`most\`, and texts of at most so many \`bytes\`. */
export const OPTIONS = ${ranges(Object.entries(constants.OPTIONS).filter(([, { flag }]) => !flag))}

/** The most of what is no option. */
export const LIMITS = {
${Object.entries(constants.LIMITS)
  .map(([name, most]) => `  ${name}: ${number(most)},`)
  .join('\n')}
}
`,
    'laws.ts': `${NOTE}
/** Laws of lua/lib/laws.lua: as long as one of them is broken, messages are where they are not counted. */
export const MISPLACING: ReadonlySet<string> = new Set([${list(
      lawsOf(constants)
        .filter(({ misplaced }) => misplaced)
        .map(({ name }) => name),
    )}])

/** Those that compare the counters with what is held. */
export const COUNTED: ReadonlySet<string> = new Set([${list(
      lawsOf(constants)
        .filter(({ counted }) => counted)
        .map(({ name }) => name),
    )}])
`,
    'commands.ts': `${NOTE}
import type { FunctionName } from './facts.ts'

/** The commands that each function calls, as ACL SETUSER names them: a user needs the rights to all of them. */
export const COMMANDS_OF: Record<FunctionName, readonly string[]> = {
${functions.map(({ name, commands }) => `  ${name}: [${list(commands)}],`).join('\n')}
}
`,
  }
}

/** An object that has the range of each option by its name. */
function ranges(options) {
  const lines = options.map(([name, option]) => {
    const members = ['least', 'most', 'default', 'bytes'].filter((member) => member in option)
    return `  ${name}: { ${members.map((member) => `${member}: ${number(option[member])}`).join(', ')} },`
  })
  return `{\n${lines.join('\n')}\n}`
}

/** With its digits in groups of three. */
const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, '_')

/** Every law, once. */
const lawsOf = ({ LAWS }) => [...new Set(Object.values(LAWS).flat())]

const list = (names) => names.map((name) => `'${name}'`).join(', ')

const literal = (text) => `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``

/** Says how many blank lines there are where there are many. */
const shortened = (code) => code.replace(/\n{5,}/g, (run) => `\n\${blank(${run.length - 2})}\n`)

const union = (names) => names.map((name) => `\n  | '${name}'`).join('')
