import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { CLI, run } from '../support/shell.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

const TYPED = `import { type Batch, joinText } from 'rapidfire'
import { hello } from './hello.js'

export default async function handle(batch: Batch<{ text: string }>): Promise<string> {
  return hello + joinText(batch)
}
`
const HELLO = `export const hello: string = 'Hi '`

/** Each way in which a file may be written, in a folder made by `npm init`, which says commonjs, and in one that says module. */
const FILES = {
  commonjs: {
    'handler.ts': TYPED,
    'handler.mts': TYPED.replace('hello.js', 'hello.mjs'),
    'handler.cts': TYPED.replace('hello.js', 'hello.cjs'),
    'equals.ts': 'export = async (batch: unknown): Promise<string> => "Hi ann"',
    'equals.cts': 'module.exports = async (batch: unknown): Promise<string> => "Hi ann"',
    'equals.js': 'module.exports = async () => "Hi ann"',
    'compiled.js': 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = async () => "Hi ann"',
    'named.js': 'exports.default = async () => "Hi ann"',
    'module.mjs': 'export default async () => "Hi ann"',
  },
  module: {
    'handler.ts': TYPED,
    'handler.cts': TYPED.replace('hello.js', 'hello.cjs'),
    'awaits.ts': 'const name: string = await Promise.resolve("ann"); export default async () => "Hi " + name',
    'module.js': 'export default async () => "Hi ann"',
    'equals.cjs': 'module.exports = async () => "Hi ann"',
  },
}

async function write(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return file
}

it.each(Object.keys(FILES) as (keyof typeof FILES)[])('handlers of every kind are loaded in a package of the type %s', async (type) => {
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-handler-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await write(join(folder, 'package.json'), JSON.stringify({ type }))
  await mkdir(join(folder, 'node_modules'))
  await symlink(REPOSITORY, join(folder, 'node_modules', 'rapidfire'))
  for (const ending of ['ts', 'mts', 'cts']) await write(join(folder, `hello.${ending}`), HELLO)
  const names = Object.keys(FILES[type])
  for (const [name, text] of Object.entries(FILES[type])) await write(join(folder, name), text)
  const script = `
    const { loadHandler } = await import(${JSON.stringify(join(dirname(CLI), 'commands/handler.js'))})
    for (const name of ${JSON.stringify(names)}) {
      const said = async () => (await loadHandler(name))({ messages: [{ data: { text: 'ann' } }] })
      console.log(name, await said().catch((error) => error.message))
    }`
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {}, folder)
  expect({ lines: stdout.trim().split('\n'), stderr }).toEqual({ lines: names.map((name) => `${name} Hi ann`), stderr: '' })
})
