import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'

const project = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rapidfire-lua-'))
  cpSync(join(project, 'lua'), join(folder, 'lua'), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Changes a file of the copy. Fails when there is nothing to change. */
function edit(path: string, change: (text: string) => string): void {
  const file = join(folder, path)
  const text = readFileSync(file, 'utf8')
  const changed = change(text)
  expect(changed).not.toBe(text)
  writeFileSync(file, changed)
}

const assembled = () => assemble({ root: join(folder, 'lua') })
const EXTEND = 'lua/functions/batch/extend.lua'

it('takes the files as they are', () => {
  expect(assembled().library).toBe(assemble().library)
})

it.each<[string, string, (text: string) => string, RegExp]>([
  ['a return at the top level', EXTEND, (text) => `${text}return extend\n`, /returns at the top level/],
  ['a return at the top level of a lib file', 'lua/lib/reply.lua', (text) => `${text}return fail\n`, /returns at the top level/],
  ['a block that is not closed', EXTEND, (text) => text.replace('\nend\n', '\n'), /expected/],
  ['a block that is closed twice', EXTEND, (text) => text.replace('\nend\n', '\nend end\n'), /expected/],
  ['a carriage return', EXTEND, (text) => text.replace('\n', '\r\n'), /has a carriage return/],
  ['a global that is written', EXTEND, (text) => text.replace('  local leases =', '  leases ='), /writes the global leases/],
  [
    'a global function',
    'lua/lib/keys.lua',
    (text) => text.replace('local function bad_key', 'function bad_key'),
    /writes the global bad_key/,
  ],
  ['a statement in a lib file', 'lua/lib/keys.lua', (text) => `${text}print('loaded')\n`, /nothing but local functions and constants/],
  [
    'a command that is made by the code',
    EXTEND,
    (text) => text.replace("redis.pcall('ZCARD'", "redis.pcall('Z' .. 'CARD'"),
    /the command of a call must be written out/,
  ],
  [
    'redis.call that is handed on',
    EXTEND,
    (text) => text.replace("redis.pcall('ZCARD', ", '({ redis.pcall })[1]('),
    /redis.call and redis.pcall may only be called/,
  ],
  [
    'a lib file that uses one which uses it',
    'lua/lib/reply.lua',
    (text) => `${text}local function circle() return bad_key() end\n`,
    /uses lua\/lib\/(keys|reply).lua, which uses it/,
  ],
  [
    'more locals than Lua takes at one place',
    EXTEND,
    (text) =>
      text.replace('local function extend', `local ${Array.from({ length: 150 }, (_, n) => `x${n}`).join(', ')}\nlocal function extend`),
    /locals, and Lua takes 200 at one place/,
  ],
  ['a header without RETURNS', EXTEND, (text) => text.replace('-- RETURNS', '-- REPLIES'), /header without RETURNS/],
  ['a header without an example', EXTEND, (text) => text.replaceAll('--   FCALL', '--   call'), /header without an FCALL line/],
  ['no header', EXTEND, (text) => text.replace('--- ', '-- '), /must begin with '--- ' and a sentence/],
  [
    'a code that the header lacks',
    EXTEND,
    (text) => text.replace('--   BAD_LEASE ', '--             '),
    /the header lacks the code BAD_LEASE/,
  ],
  [
    'a code that nothing replies',
    EXTEND,
    (text) => text.replaceAll("'BAD_LEASE'", "'BAD_ARGUMENT'"),
    /names BAD_LEASE, which nothing replies/,
  ],
  [
    'a name unlike that of the file',
    EXTEND,
    (text) => text.replace("register('extend'", "register('prolong'"),
    /must end with register\('extend'/,
  ],
  ['no registration', EXTEND, (text) => text.replace(/register\(.*/, ''), /must end with register\('extend'/],
  [
    'a description unlike the first sentence',
    EXTEND,
    (text) => text.replace('--- Lengthen', '--- Prolong'),
    /the first sentence of the header/,
  ],
])('refuses %s', (_, path, change, complaint) => {
  edit(path, change)
  expect(assembled).toThrow(complaint)
  expect(assembled).toThrow(path)
})

it('finds out that the committed library is stale, and says so in one line', () => {
  for (const path of ['src/redis/generated', 'package.json']) cpSync(join(project, path), join(folder, path), { recursive: true })
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'))
  const check = () => spawnSync(process.execPath, [join(folder, 'lua/build/main.mjs'), '--check'], { encoding: 'utf8' })
  expect(check()).toMatchObject({ status: 0, stderr: '' })
  edit(EXTEND, (text) => text.replace('WHY', 'BECAUSE'))
  expect(check()).toMatchObject({ status: 1, stderr: 'src/redis/generated/library.ts is stale: run `npm run build`\n' })
})

it('leaves out of a script what its function does not ask for in a table of limits', () => {
  const { scripts } = assemble()
  expect(scripts.peek.text).toMatch(/^ {2}shown = \{/m)
  expect(scripts.peek.text).not.toMatch(/^ {2}lease = \{/m)
  expect(scripts.claim_ready.text).toMatch(/^ {2}lease = \{/m)
})

it('gives a function a script of its own, with nothing that it does not need, and the lines of the library', () => {
  const { library, scripts, lines } = assemble()
  const libraryLines = library.split('\n')
  const before = (lines[0]?.[0] ?? 0) - 1
  for (const [name, { text }] of Object.entries(scripts)) {
    expect(text.split('\n')[0], name).toBe('--!df flags=allow-undeclared-keys')
    // The lines before the first file differ, and so does the last one: it calls the function.
    const scriptLines = text.split('\n').slice(before, -2)
    expect(scriptLines.filter((line) => line.startsWith('register(')).length, name).toBe(1)
    // In the library a block may stand around a file, and what others use of it is declared in front of that.
    const isOf = (line: string, other: string | undefined) => line === other || line === `local ${other}`
    expect(scriptLines.filter((line, n) => line !== '' && !isOf(line, libraryLines[before + n]))).toEqual([])
  }
  expect(scripts.version.text).not.toContain('LRANGE')
  for (const [first, path] of lines) {
    const source = readFileSync(join(project, path), 'utf8').split('\n')
    expect(libraryLines.slice(first - 1, first + 2), path).toEqual(source.slice(0, 3))
  }
})
