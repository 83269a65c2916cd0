// The build for servers with Functions: all files in one text for FUNCTION LOAD.

const SHEBANG = '#!lua name=rapidfire'
const REGISTER = `local REMEMBERS = true; local function register(name, callback, flags, text)
  redis.register_function{ function_name = 'rapidfire_' .. name, callback = callback, flags = flags, description = text } end`

/** The line that both builds have second. */
export const versionLine = (version) => `local VERSION = '${version}'`

/** Returns the text, and where each file begins in it: [first line, path], in order. */
export function buildLibrary(version, pieces) {
  const lines = []
  let library = `${SHEBANG}\n${versionLine(version)}\n${REGISTER}\n`
  for (const { path, text } of pieces) {
    if (path) lines.push([library.split('\n').length, path])
    library += text
  }
  return { library, lines }
}
