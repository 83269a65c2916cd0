import { readFileSync } from 'node:fs'
import { assemble } from '../../lua/build/assemble.mjs'
import type { LibrarySource } from '../../src/redis/source.ts'
import { instrument } from '../tools/cover/instrument.ts'

const CLOCK = readFileSync(new URL('./clock.lua', import.meta.url), 'utf8')

/** The Lua files of a folder with the clock of the tests; the shipped ones without one. */
export const testSource = (root?: string): Required<LibrarySource> => assemble({ clock: CLOCK, ...(root ? { root } : {}) })

export const TEST_SOURCE = testSource()
// `make coverage` wants to know which statements have run.
if (process.env.LUA_COVERAGE) TEST_SOURCE.library = instrument(TEST_SOURCE).library
