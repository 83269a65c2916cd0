import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { assemble } from '../../lua/build/assemble.mjs'
import { type LibrarySource, SOURCE } from '../../src/redis/source.ts'
import { instrument } from '../tools/cover/instrument.ts'

const CLOCK = readFileSync(new URL('./clock.lua', import.meta.url), 'utf8')

/** The Lua files of a folder with the clock of the tests; the shipped ones without one. */
export const testSource = (root?: string): Required<LibrarySource> => assemble({ clock: CLOCK, ...(root ? { root } : {}) })

/** `make mutants` tries other Lua files than ours. */
const LUA_ROOT = process.env.LUA_ROOT

/** Where the Lua files are. */
export const LUA = LUA_ROOT ?? fileURLToPath(new URL('../../lua', import.meta.url))

export const TEST_SOURCE = testSource(LUA_ROOT)

/** What is shipped, with the real clock. */
export const SHIPPED_SOURCE: Pick<LibrarySource, 'version' | 'library'> = LUA_ROOT ? assemble({ root: LUA_ROOT }) : SOURCE

// `make coverage` wants to know which statements have run.
if (process.env.LUA_COVERAGE) TEST_SOURCE.library = instrument(TEST_SOURCE).library
