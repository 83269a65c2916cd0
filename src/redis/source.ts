import { type FunctionName, LINES, VERSION } from './generated/facts.ts'
import { LIBRARY } from './generated/library.ts'

/** One script for each function, for servers without Functions. */
export type Scripts = Record<FunctionName, { sha1: string; text: string }>

/** One build of the Lua files, ready to be loaded. */
export interface LibrarySource {
  version: string
  /** Text for FUNCTION LOAD. */
  library: string
  /** Where each Lua file begins in both builds: [first line, path], in order. */
  lines: readonly (readonly [number, string])[]
  /** Those of another build. @default those of generated/scripts.ts, which are read only where they are needed */
  scripts?: Scripts
}

export const SOURCE: LibrarySource = { version: VERSION, library: LIBRARY, lines: LINES }
