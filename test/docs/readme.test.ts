import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { START, TEST_SOURCE } from '../support/lua.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { type Ended, environment, findRedisCli, run, useCommands } from '../support/shell.ts'
import { type Block, blocksOf, REPOSITORY, read } from './blocks.ts'
import { createProject, type Project, printedBy } from './project.ts'

const TSC = fileURLToPath(new URL('node_modules/typescript/bin/tsc', REPOSITORY))

const lacksCli = !findRedisCli()
if (lacksCli) console.warn('skipped: the blocks of README.md and lua/README.md: no redis-cli or valkey-cli on PATH')

// A reader goes from top to bottom: the blocks of a document run in order, on one server.
describe.skipIf(lacksCli).each(['README.md', 'lua/README.md'])('%s', (file) => {
  const blocks = blocksOf(read(file))
  const typescript = blocks.filter(({ kind }) => kind === 'ts')
  const [picture] = file === 'README.md' ? blocks : []
  let server: TestRedis
  let commands: Awaited<ReturnType<typeof useCommands>>
  let project: Project

  beforeAll(async () => {
    server = await useRedis()
    await server.redis.flushall()
    commands = await useCommands(server.url)
    project = await createProject(typescript, server.url)
    expect((await run(process.execPath, ['dist/cli/main.js', 'load', '--redis', server.url], {}, fileURLToPath(REPOSITORY))).code).toBe(0)
  })
  afterAll(async () => {
    await project?.remove()
    await commands?.remove()
  })

  if (typescript.length > 0) {
    it('has TypeScript that is of the right types', async () => {
      const { code, stdout } = await run(process.execPath, [TSC, '-p', project.folder])
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    })
  }

  let printed = ''
  it.each(blocks.map((block) => [block.kind, block.line, block] as const))('%s block of line %d', async (kind, _, block) => {
    if (block === picture) await expectPicture(block.text, server)
    else if (kind === 'ts') await expectProgram(project.fileOf(block), block, server)
    else if (kind === 'sh') printed = await runCommands(block.text, commands)
    else if (kind === 'text') expectOutput(block.text, printed)
    else throw new Error(`blocks of the kind '${kind}' cannot be run`)
  })
})

/** The program ends well and prints what its comments say. One that waits for SIGINT gets it once it is at work. */
async function expectProgram(path: string, block: Block, { redis }: TestRedis): Promise<void> {
  const connections = async () => ((await redis.client('LIST')) as string).trim().split('\n').length
  const before = await connections()
  const child = spawn(process.execPath, [path], { env: environment(), timeout: 20_000 })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
  const closed = once(child, 'close')
  if (block.text.includes("'SIGINT'")) {
    await expect.poll(connections, { timeout: 10_000 }).toBeGreaterThan(before)
    child.kill('SIGINT')
  }
  const [code] = await closed
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(printedBy(block).filter((line) => !stdout.split('\n').includes(line))).toEqual([])
}

/** Runs the lines of a block; `make` and `npm install` are compared with what they would do. Returns what was printed. */
async function runCommands(text: string, { PATH, REDIS_URL }: { PATH: string; REDIS_URL: string }): Promise<string> {
  const lines = text.split('\n').filter((line) => line !== '')
  const program: string[] = []
  for (const line of lines) {
    const [make, target] = /^make ([a-z]+)(?: [a-z]+=\d+)?$/.exec(line) ?? []
    const [npm, packages] = /^npm install (.*)$/.exec(line) ?? []
    if (make) expect(read('Makefile')).toMatch(new RegExp(`^${target}:.* ## `, 'm'))
    else if (npm) expect(packages?.split(' ')).toEqual([manifest.name, ...Object.keys(manifest.peerDependencies)])
    else if (/^(redis-cli|npx rapidfire|[a-z]+=\$\(redis-cli) /.test(line)) program.push(line)
    else throw new Error(`'${line}' is no command that can be run`)
  }
  if (program.length === 0) return ''
  const { code, stdout, stderr }: Ended = await run('bash', ['-euo', 'pipefail', '-c', program.join('\n')], { PATH, REDIS_URL })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

/** The lines stand in what was printed, in this order, apart from figures, their units and blanks. */
function expectOutput(text: string, printed: string): void {
  const lines = (output: string) =>
    output
      .split('\n')
      .map((line) =>
        line
          .replace(/\d[\d,.]*( (ms|s|min)\b)?/g, '0')
          .replace(/ +/g, ' ')
          .trim(),
      )
      .filter((line) => line !== '')
  const left = lines(printed)
  const missing = lines(text).filter((line) => {
    const at = left.indexOf(line)
    left.splice(0, at + 1)
    return at < 0
  })
  expect({ missing, printed: missing.length > 0 ? printed : '' }).toEqual({ missing: [], printed: '' })
}

/** The picture at the top is what happens: its messages at its times become the batch of its last line, and not a moment earlier. */
async function expectPicture(text: string, { redis }: TestRedis): Promise<void> {
  const lines = text.trimEnd().split('\n')
  const messages = [...text.matchAll(/^ *(\d+) s +"(.*)"/gm)].map(([, at, said]) => [START + Number(at) * 1000, said as string] as const)
  const [, end] = /^(\d+) s +quiet for 10 s/m.exec(text) as RegExpExecArray
  const [, merged] = /"(.*)"/.exec(lines.at(-1) as string) as RegExpExecArray
  expect(lines).toHaveLength(6)
  expect(messages).toHaveLength(4)
  const call = (name: 'add' | 'claim_ready', ...args: string[]) =>
    redis.eval(TEST_SOURCE.scripts[name].text, 1, 'rapid-fire:{picture}', ...args) as Promise<any>
  for (const [at, said] of messages) {
    await redis.set('test:clock', at)
    await call('add', 'client', said)
  }
  await redis.set('test:clock', START + Number(end) * 1000 - 1)
  expect((await call('claim_ready')).slice(2)).toEqual([])
  await redis.set('test:clock', START + Number(end) * 1000)
  const [, , batch] = await call('claim_ready')
  await redis.del('test:clock')
  expect(batch[4].map((message: string) => message.slice('2000000000000 0 '.length)).join(' ')).toBe(merged)
}
