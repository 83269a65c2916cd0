/** Prints which statements of the Lua functions no test has run, after tests that ran with LUA_COVERAGE. */
import { readFileSync } from 'node:fs'
import { assemble } from '../../../lua/build/assemble.mjs'
import { instrument, ranIn } from './instrument.ts'

const ran = new Set(ranIn(process.env.LUA_COVERAGE as string).flatMap(({ tests }) => Object.keys(tests).map(Number)))

const statements = instrument(
  assemble({ clock: readFileSync(new URL('../../support/clock.lua', import.meta.url), 'utf8') }),
).statements.map((statement, n) => ({ ...statement, ran: ran.has(n) }))
// The tests move the clock: theirs stood in its place.
const counted = statements.filter(({ path }) => /^lua\/.*\.lua$/.test(path) && path !== 'lua/lib/clock.lua')
for (const path of new Set(counted.map((statement) => statement.path))) {
  const all = counted.filter((statement) => statement.path === path)
  console.log(`${path.padEnd(34)} ${all.filter((statement) => statement.ran).length} of ${all.length} statements`)
}
const missed = counted.filter((statement) => !statement.ran)
console.log(
  `Lua: ${counted.length - missed.length} of ${counted.length} statements were run by a test; the clock, which tests replace, is left out`,
)
for (const { path, line, text } of missed) console.log(`  ${path}:${line}  ${text}`)
