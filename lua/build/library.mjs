// The build for servers with Functions: all files in one text for FUNCTION LOAD.

const SHEBANG = '#!lua name=rapidfire'
const REGISTER = `local function register(name, callback, flags, text)
  redis.register_function{ function_name = 'rapidfire_' .. name, callback = callback, flags = flags, description = text } end`

/** The line that both builds have second. */
export const versionLine = (version) => `local VERSION = '${version}'`

/** A function file in its block: its locals are its own. */
export const wrap = (file) => `do -- ${file.path}\n${file.text}end\n`

/** Returns the text, and where each file begins in it: [first line, path], in order. */
export function buildLibrary(version, libs, functions) {
  const lines = []
  let length = 5
  const place = (file, before) => {
    lines.push([length + before, file.path])
    length += before + file.text.split('\n').length - 1 + (before ? 1 : 0)
  }
  for (const lib of libs) place(lib, 0)
  for (const each of functions) place(each, 1)
  const texts = [...libs.map((lib) => lib.text), ...functions.map(wrap)]
  return { library: `${SHEBANG}\n${versionLine(version)}\n${REGISTER}\n${texts.join('')}`, lines }
}
