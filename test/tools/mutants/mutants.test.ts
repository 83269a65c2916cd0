import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { assemble } from '../../../lua/build/assemble.mjs'
import { lacksServer } from '../../client/clients.ts'
import { useRedis } from '../../support/redis.ts'
import { TEST_SOURCE } from '../../support/source.ts'
import { instrument, RAN } from '../cover/instrument.ts'
import { BY_HAND } from './hand.ts'
import { Judge, TREE } from './judge.ts'
import { byHand, diffOf, type Edit, edited, type LuaFiles, madeBy, mutantsOf, readLua, shuffled, statementOf, textOf } from './mutants.ts'
import { mutate, mutationsOf } from './operators.ts'

const files = readLua(join(TREE, 'lua'))

/** What an operator makes of a function with this line, by name. */
function made(operator: string, line: string): string[] {
  const before = 'local function f(a, b, c)\n  '
  const file = `${before}${line}\nend\n`
  const found = mutationsOf(file).filter(({ name }) => name.split(':')[1] === operator)
  expect(found.map(({ name }) => name)).toEqual(found.map((_, n) => `f:${operator}:${n + 1}`))
  return found.map((mutation) => mutate(file, mutation).slice(before.length, -'\nend\n'.length).trim())
}

it.each([
  ['bound', 'if a < b then c() end', ['if a <= b then c() end']],
  ['bound', 'return (a) >= (b)', ['return (a) > (b)']],
  ['opposite', 'local x = a == b and not c', ['local x = a ~= b and not c', 'local x = a == b and c']],
  ['opposite', 'if a == b then c() end', []],
  ['always', 'if a then b() elseif c then b() end', ['if true then b() elseif c then b() end', 'if a then b() elseif true then b() end']],
  ['never', 'while a do b() end', ['while false do b() end']],
  ['operand', 'return a and (b or c)', ['return  (b or c)', 'return a', 'return a and ( c)', 'return a and (b )']],
  ['arithmetic', 'return a + 2 * b', ['return a - 2 * b', 'return a + 2 / b']],
  ['number', 'return a[0] + 2', ['return a[1] + 2', 'return a[0] + 3', 'return a[0] + 1']],
  ['number', 'for n = 1, #a do b() end', ['for n = 2, #a do b() end']],
  ['number', 'return string.sub(a, 1, 1)', ['return string.sub(a, 2, 1)', 'return string.sub(a, 1, 2)', 'return string.sub(a, 1, 0)']],
  ['number', "return string.find(a, 'b', 1, true)", ["return string.find(a, 'b', 2, true)"]],
  ['operand', 'return a and tonumber(a) or b', ['return  b', 'return a  or b', 'return a and tonumber(a)']],
  ['operand', 'return a and bounded(a, 1, c) or b', ['return  b', 'return a  or b', 'return a and bounded(a, 1, c)']],
  ['operand', 'return a and tonumber(a)', ['return  tonumber(a)', 'return a']],
  ['operand', 'return a and tonumber(c) or b', ['return  b', 'return  tonumber(c) or b', 'return a  or b', 'return a and tonumber(c)']],
  ['minmax', 'return math.min(a, b)', ['return math.max(a, b)']],
  ['option', "redis.call('ZADD', a, 'XX', 'CH', b, c)", ["redis.call('ZADD', a, 'CH', b, c)", "redis.call('ZADD', a, 'XX', b, c)"]],
  ['pcall', "return redis.pcall('GET', a), redis.call('GET', b)", ["return redis.call('GET', a), redis.call('GET', b)"]],
  ['removed', 'a(); b = c', ['; b = c', 'a();']],
  ['swap', 'a() b() local x = c', ['b() a() local x = c']],
  ['result', 'return a, b', ['return nil, b', 'return a']],
  ['result', 'return nil', ['return true']],
  ['result', 'return nil, a', ['return nil']],
])('the operator `%s` makes of `%s` exactly what it should', (operator, line, expected) => {
  expect(made(operator, line)).toEqual(expected)
})

it('operators change no comment, and nothing but what they name', () => {
  const text = '-- a < b\nlocal A = { 1 }\nlocal function f(a)\n  return a -- <\n    < A[1]\nend\n'
  expect(mutationsOf(text).map(({ name, range }) => [name, text.slice(...range)])).toEqual([
    ['A:number:1', '1'],
    ['A:number:2', '1'],
    ['f:result:1', 'a -- <\n    < A[1]'],
    ['f:bound:1', '<'],
    ['f:opposite:1', '<'],
    ['f:number:1', '1'],
    ['f:number:2', '1'],
  ])
})

it('a mutant has a name, the statement that it changes, and a diff', () => {
  const text = 'local function f(a)\n  if a then\n    return 1\n  elseif not a then\n    a()\n  end\nend\n'
  const few: LuaFiles = new Map([['lib/few.lua', text]])
  const [always, never] = mutantsOf(few)
    .filter(({ name }) => /always:2|never:1/.test(name))
    .reverse()
  expect(always?.name).toBe('lib/few:f:always:2')
  // The statement is the `if`: that in front of `elseif` has ended.
  expect(statementOf(always as never, few)).toBe('lua/lib/few.lua:2')
  expect(diffOf(always as never, few)).toBe('lib/few.lua:4\n-   elseif not a then\n+   elseif true then')
  expect(never?.name).toBe('lib/few:f:never:1')
})

it('what is changed is found among what tests have run, also in a function of one line', () => {
  const noted = new Set(instrument(TEST_SOURCE).statements.map(({ path, line }) => `${path}:${line}`))
  // Where it is noted what runs, the clock is another one.
  const noteable = mutantsOf(files).filter(({ name }) => !name.startsWith('lib/clock:'))
  const some = noteable.filter(({ name }, n) => n % 100 === 0 || name.includes(':pop_back:'))
  const changed = some.map((mutant) => statementOf(mutant, files)).filter((statement) => statement !== undefined)
  expect(changed.length).toBeGreaterThan(30)
  expect(changed.filter((statement) => !noted.has(statement))).toEqual([])
})

it('the library that notes what runs takes as many locals as the library', async () => {
  const { redis } = await useRedis()
  const text = (count: number) => {
    const names = Array.from({ length: count }, (_, n) => `v${n}`)
    const register = `redis.register_function('f', function() return v${count - 1} end)\n`
    return `#!lua name=full\nlocal ${names.join(', ')}\nv${count - 1} = 7\n${register}`
  }
  await redis.function('LOAD', instrument({ ...TEST_SOURCE, library: text(200) }).library)
  expect(await redis.fcall('f', 0)).toBe(7)
  expect(await redis.fcall_ro(RAN, 0)).toEqual([0])
})

it('names are unique, and a seed chooses the same mutants again', () => {
  const mutants = mutantsOf(files)
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
  const chosen = shuffled(mutants, '1').slice(0, 50)
  expect(shuffled([...mutants].reverse(), '1').slice(0, 50)).toEqual(chosen)
  expect(shuffled(mutants, '2').slice(0, 50)).not.toEqual(chosen)
  // What is gone takes no other one's place.
  expect(shuffled(mutants.slice(100), '1').filter((each) => chosen.includes(each))).toEqual(
    chosen.filter((each) => mutants.indexOf(each) >= 100),
  )
})

it('every fault by hand changes the library, and assembles', () => {
  const root = mkdtempSync(join(tmpdir(), 'rapidfire-hand-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  for (const [file, text] of files) write(file, text)
  const { library } = assemble({ root })
  expect(BY_HAND.length).toBeLessThanOrEqual(25)
  for (const mutant of byHand(BY_HAND, files)) {
    write(mutant.file, textOf(mutant, files))
    expect(assemble({ root }).library).not.toBe(library)
    write(mutant.file, files.get(mutant.file) as string)
  }
})

it('an edit finds the mutant that says the same, and none when what it names is gone', () => {
  const few: LuaFiles = new Map([['lib/few.lua', 'local function f(a, b)\n  return a  < b\nend\n']])
  const mutants = mutantsOf(few)
  expect(madeBy({ within: 'f', find: '  < b', put: ' <= b' }, mutants, few).map(({ name }) => name)).toEqual(['lib/few:f:bound:1'])
  expect(madeBy({ within: 'f', find: 'a > b', put: 'a >= b' }, mutants, few)).toEqual([])
})

it('a function that is named, or a text that stands there, more than once is refused', () => {
  const few: LuaFiles = new Map([['lib/few.lua', 'local function f() return 1 + 1 end\n']])
  expect(() => edited({ within: 'f', find: '1', put: '2' }, few)).toThrow('in f this stands 2 times, not once: 1')
  expect(() => edited({ within: 'g', find: '1', put: '2' }, few)).toThrow('in g this stands 0 times')
})

it.skipIf(lacksServer('a judge'))('a judge notices a fault, and none in a change that does nothing', { timeout: 300_000 }, async () => {
  const judge = new Judge({}, 3)
  onTestFinished(() => judge.close())
  const put = ({ within, find, put }: Edit) => {
    const { file, ...change } = edited({ within, find, put }, files)
    writeFileSync(join(judge.lua, file), mutate(files.get(file) as string, change))
    return () => writeFileSync(join(judge.lua, file), files.get(file) as string)
  }
  const test = 'test/lua/drop.test.ts'
  const fault = BY_HAND.find(({ what }) => what === 'a dropped batch counts as one message') as Edit
  const sound = put(fault)
  expect(await judge.failureOf(test)).toContain('drop, functions > ')
  sound()
  const same = put({ ...fault, put: `${fault.find} ` })
  expect(await judge.failureOf(test)).toBe(undefined)
  same()
  // A server that never comes to an end is ended.
  put({ within: 'version', find: 'return', put: 'while true do end return' })
  expect(await judge.failureOf('test/lua/version.test.ts')).toContain('version, functions > ')
})

// `false` is a server that ends at once, and what cannot be required ends a process of Node at its start.
it.each([
  [{ REDIS_BINARY: '/bin/false' }, /^test\/lua\/drop\.test\.ts could not be run: \/bin\/false did not start/],
  [{ NODE_OPTIONS: '--require=./is-not-there.cjs' }, /^the process of a judge has ended, by exit code 1$/],
])('what does not run at all, with %j, is no fault that is noticed: the judge throws', { timeout: 60_000 }, async (env, error) => {
  const judge = new Judge(env as Record<string, string>)
  onTestFinished(() => judge.close())
  await expect(judge.failureOf('test/lua/drop.test.ts')).rejects.toThrow(error)
})

it.skipIf(lacksServer('a judge'))('a judge whose process ends in the middle throws', { timeout: 60_000 }, async () => {
  const judge = new Judge()
  onTestFinished(() => judge.close())
  expect(await judge.failureOf('test/lua/version.test.ts')).toBe(undefined)
  const ended = expect(judge.failureOf('test/lua/drop.test.ts')).rejects.toThrow('the process of a judge has ended, by SIGKILL')
  judge.close()
  await ended
})
