import type { LibrarySource, Scripts } from '../../src/redis/source.ts'

export interface Header {
  sentence: string
  examples: string[]
  KEYS: string[]
  ARGV: string[]
  RETURNS: string[]
  ERRORS: string[]
}

export interface Assembled extends LibrarySource {
  scripts: Scripts
  codes: string[]
  /** `options`: by token what the function takes. */
  functions: {
    name: string
    path: string
    text: string
    header: Header
    flags: string[]
    options: Record<string, object>
    commands: string[]
  }[]
  /** By name what is constant in lua/lib. */
  constants: Record<string, any>
}

export function assemble(options?: { root?: string; clock?: string; version?: string }): Assembled
