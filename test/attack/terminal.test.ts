import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { createProgram } from '../../cli/program.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { command } from '../cli/command.ts'
import { eventually, start } from '../cli/processes.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

/** What people, handlers and other users of Redis name and write must not steer the terminal of whoever looks. */
const EVIL = '\u001b]0;owned\u0007\u009b2J\u007f\u202e'
const RAW = /[^\P{Cc}\n]|[\u202a-\u202e]/gu

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})

it('no command passes on control characters', async () => {
  const queue = `q${EVIL}`
  await using client = new RapidFire({ redis: server.url, queue, policy: { events: 100, archive: 60_000 } })
  await client.addMessage(`key${EVIL}`, `text${EVIL}`, { id: `id${EVIL}`, flush: true })
  const fail = () => Promise.reject(new Error(`it failed\n${EVIL}`))
  await client.processPendingBatches(fail, { attempts: 1 })
  const [batch] = await client.dead()
  await client.addMessage(`key${EVIL}`, `text${EVIL}`, { flush: true })
  await client.processPendingBatches(() => `result${EVIL}`)
  await server.redis.rpush(`rapid-fire:{${queue}}:messages:lost${EVIL}`, 'x')
  await server.redis.set(`rapid-fire:{${queue}}:other${EVIL}`, 'x')
  const id = String(batch?.id)
  const at = ['--redis', server.url]
  const here = ['--queue', queue, ...at]
  const commands: [number, string[]][] = [
    [0, ['stats', ...here]],
    [0, ['stats', ...here, '--json']],
    [0, ['tail', ...here, '--from', '0', '--no-follow']],
    [0, ['tail', ...here, '--from', '0', '--no-follow', '--json']],
    [0, ['trace', `id${EVIL}`, ...here]],
    [0, ['trace', `id${EVIL}`, ...here, '--json']],
    [0, ['trace', '--key', `key${EVIL}`, ...here]],
    [1, ['trace', EVIL, ...here]],
    [0, ['search', ...here]],
    [0, ['search', ...here, '--json']],
    [0, ['metrics', ...here]],
    [1, ['check', ...here]],
    [1, ['check', ...here, '--json']],
    [0, ['dead', 'list', ...here]],
    [0, ['dead', 'list', ...here, '--json']],
    [0, ['dead', 'show', id, ...here]],
    [0, ['dead', 'show', id, ...here, '--json']],
    [1, ['dead', 'show', EVIL, ...here]],
    [1, ['dead', 'drop', EVIL, ...here]],
    [1, ['policy', '--queue', 'nope', ...at]],
    [2, ['policy', `wait=${EVIL}`, ...here]],
    [1, ['erase', 'ann', '--queue', 'nope', ...at]],
    [2, ['init', 'pm2', '--queue', `{${EVIL}`]],
    [2, ['demo', '--lang', EVIL]],
    [2, ['serve', '--source', EVIL, ...here]],
    [2, ['work', EVIL, ...here]],
    [2, ['forward', 'batches', '--keep', EVIL]],
    [2, ['doctor', '--role', EVIL]],
    [2, ['load', `--${EVIL}`]],
  ]
  for (const [code, args] of commands) {
    const ended = await command(args)
    const written = ended.stdout + ended.stderr
    expect([args, ended.code, written.match(RAW)]).toEqual([args, code, null])
    expect(written).toMatch(/owned/)
    if (args.includes('--json')) expect(JSON.stringify(JSON.parse(ended.stdout.split('\n')[0] as string))).toContain('\u202e')
  }
  const tried = new Set(commands.map(([, [name]]) => name))
  expect([...tried].sort()).toEqual(
    createProgram()
      .commands.map((each) => each.name())
      .sort(),
  )
  // A second queue, for the table of all.
  await new RapidFire({ redis: server.redis, queue: 'other' }).addMessage('ann', 'Hi')
  const { stdout } = await command(['stats', ...at])
  expect([stdout.match(/owned/g)?.length, stdout.match(RAW)]).toEqual([1, null])
})

it('no line of a log passes on control characters', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-terminal-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'handler.mjs')
  await writeFile(file, `export default () => { throw new Error(${JSON.stringify(EVIL)}) }`)
  const queue = `log${EVIL}`
  const env = { REDIS_URL: server.url, RAPIDFIRE_QUEUE: queue }
  const worker = await start(['work', file, '--attempts', '1', '--log-content'], env).ready()
  await new RapidFire({ redis: server.redis, queue }).addMessage(`key${EVIL}`, `text${EVIL}`, { flush: true })
  const line = await eventually(() => worker.lines.find(({ msg }) => msg === 'dead'))
  expect(line).toMatchObject({ queue, key: `key${EVIL}`, content: [`text${EVIL}`], error: EVIL })
  expect(await worker.stop()).toBe(0)
  expect(`${worker.stdout}${worker.stderr}`.match(RAW)).toBeNull()
})
