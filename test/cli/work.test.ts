import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'
import { eventually, start } from './processes.ts'

const KEY = '79001234567'
const SECRET = 'Запишите меня'
let server: TestRedis
let folder: string
let env: Record<string, string>
let client: RapidFire<{ text: string }>

/** A handler in a file of its own. */
async function handler(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

beforeAll(async () => {
  server = await useRedis()
  folder = await mkdtemp(join(tmpdir(), 'rapidfire-work-'))
  env = { REDIS_URL: server.url, RAPIDFIRE_QUEUE: 'salon' }
  client = new RapidFire({ redis: server.url, queue: 'salon' })
})
beforeEach(() => server.redis.flushall())
afterAll(async () => {
  await client.close()
  await rm(folder, { recursive: true, force: true })
})

const add = () => client.addMessage(KEY, { text: SECRET }, { flush: true })
const drained = () => eventually(async () => (await client.getStats()).messages === 0)

describe('work', () => {
  it.each([
    ['handler.mjs', 'export default async (batch) => { if (batch.messages.length !== 1) throw new Error() }'],
    [
      'handler.ts',
      'export default async (batch: { messages: unknown[] }): Promise<void> => { if (batch.messages.length !== 1) throw new Error() }',
    ],
  ])('work runs %s, and logs no content and no key', async (name, text) => {
    const worker = await start(['work', await handler(name, text)], env).ready()
    await add()
    await drained()
    expect(await worker.stop()).toBe(0)
    expect(worker.lines.filter(({ msg }) => msg === 'completed')).toMatchObject([
      { level: 30, queue: 'salon', attempt: 1, reason: 'flush', messages: 1 },
    ])
    expect(worker.stdout).not.toContain(SECRET)
    expect(worker.stdout).not.toContain(KEY)
    expect(worker.stderr).toBe('')
  })

  it('work logs keys and content when it is told to', async () => {
    const worker = await start(['work', await handler('content.mjs', 'export default () => {}'), '--log-content'], env).ready()
    await add()
    await drained()
    expect(await worker.stop('SIGINT')).toBe(0)
    expect(worker.lines.find(({ msg }) => msg === 'completed')).toMatchObject({ key: KEY, content: [{ text: SECRET }] })
  })

  it('work logs why a handler failed and that its batch is dead, and no content and no key', async () => {
    const file = await handler('failing.mjs', 'export default () => { throw new Error("the bot is down") }')
    const worker = await start(['work', file, '--attempts', '1'], env).ready()
    await add()
    await eventually(async () => (await client.getStats()).dead === 1)
    await eventually(() => worker.lines.some(({ msg }) => msg === 'dead'))
    expect(await worker.stop()).toBe(0)
    expect(worker.lines.filter(({ level }) => level > 30)).toMatchObject([
      { level: 50, msg: 'dead', error: 'the bot is down', attempt: 1, messages: 1 },
    ])
    expect(worker.stdout).not.toContain(SECRET)
    expect(worker.stdout).not.toContain(KEY)
  })

  it('work waits for a handler that runs when it is stopped', async () => {
    const file = await handler(
      'slow.mjs',
      'export default () => new Promise((resolve) => { console.log("begun"); setTimeout(resolve, 500) })',
    )
    const worker = await start(['work', file, '--close-timeout', '10000'], env).ready()
    await add()
    await eventually(() => worker.stdout.includes('begun'))
    expect(await worker.stop()).toBe(0)
    expect(await client.getStats()).toMatchObject({ messages: 0, active: 0 })
  })

  it('work gives the batch back when the handler takes longer than --close-timeout, and ends by itself', async () => {
    const file = await handler('stuck.mjs', 'export default () => { console.log("begun"); return new Promise(() => {}) }')
    const worker = await start(['work', file, '--close-timeout', '50'], env).ready()
    await add()
    await eventually(() => worker.stdout.includes('begun'))
    expect(await worker.stop()).toBe(0)
    expect((await client.claimReady()).batches).toMatchObject([{ key: KEY, attempt: 1, token: expect.stringMatching(/:2$/) }])
  })

  it('work ends at once at the second signal', async () => {
    const file = await handler('never.mjs', 'export default () => { console.log("begun"); return new Promise(() => {}) }')
    const worker = await start(['work', file, '--close-timeout', '60000'], env).ready()
    await add()
    await eventually(() => worker.stdout.includes('begun'))
    worker.child.kill('SIGTERM')
    await eventually(() => worker.lines.some(({ msg }) => msg === 'stopping'))
    expect(await worker.stop()).toBe(1)
  })

  it('work answers for its health, 503 while Redis does not answer', async () => {
    const own = await useRedis()
    const file = await handler('health.mjs', 'export default () => {}')
    const worker = await start(['work', file, '--health-port', '0'], { ...env, REDIS_URL: own.url }).ready()
    const { port } = (await eventually(() => worker.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
    expect(await Promise.all([status('/healthz'), status('/readyz'), status('/else')])).toEqual([200, 200, 404])
    if (!own.server) return // a server that was given is not ours to stop
    own.server.process.kill('SIGSTOP')
    try {
      await eventually(async () => (await status('/healthz')) === 503 && (await status('/readyz')) === 503)
    } finally {
      own.server.process.kill('SIGCONT')
    }
    await eventually(async () => (await status('/healthz')) === 200)
    expect(await worker.stop()).toBe(0)
  })

  it.each([
    [[], 'give either a module or --to'],
    [['a.mjs', '--to', 'stream:x'], 'give either a module or --to'],
    [['--to', 'kafka:x'], '--to must be https://…, stream:<name> or bullmq:<queue>'],
    [['nowhere.mjs'], 'there is no file nowhere.mjs'],
    [['EXPORT'], 'must be a function that takes a batch, got number'],
    [['SYNTAX'], 'cannot be loaded: '],
    [['x.mjs', '--concurrency', '0'], '--concurrency'],
    [['x.mjs', '--lease', 'long'], '--lease'],
    [['--to', 'stream:x', '--redis', 'nope'], 'the server must be given as a URL'],
    [['x.mjs', '--redis', 'nope'], 'there is no file'],
  ])('%j is refused with exit code 2 and one line', async (args, text) => {
    const files: Record<string, string> = {
      EXPORT: await handler('export.mjs', 'export default 5'),
      SYNTAX: await handler('syntax.mjs', 'export default ('),
    }
    const { code, stdout, stderr } = await rapidfire(['work', ...args.map((each) => files[each] ?? each)], env)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(text)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe('forward', () => {
  it('forward moves batches and logs how many', async () => {
    const forwarder = await start(['forward', 'batches'], env).ready()
    await add()
    await drained()
    await eventually(() => forwarder.lines.some(({ msg, batches }) => msg === 'forwarded' && batches === 1))
    expect(await forwarder.stop()).toBe(0)
    expect(await server.redis.xlen('rapid-fire:{salon}:stream:batches')).toBe(1)
    expect(forwarder.stdout).not.toContain(KEY)
  })
})

describe('dead', () => {
  const dead = (...args: string[]) => rapidfire(['dead', ...args], env)
  async function bury(key: string, text = SECRET): Promise<string> {
    await client.addMessage(key, { text }, { flush: true })
    const [batch] = (await client.claimReady()).batches
    if (!batch) throw new Error('nothing was claimed')
    await client.fail(batch, { attempts: 1, error: 'no barber' })
    return batch.id
  }

  it('dead list shows all of them, or says that there are none', async () => {
    await client.policy({ wait: 1000 })
    expect(await dead('list')).toEqual({ code: 0, stdout: 'No dead batches in salon.\n', stderr: '' })
    const [first, second] = [await bury('1'), await bury('2')]
    const { stdout } = await dead('list', '--json')
    const lines = stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ id: first, key: '1', error: 'no barber' }, { id: second }])
  })

  it('dead show shows one with its messages', async () => {
    const id = await bury('1')
    expect((await dead('show', id)).stdout).toContain(SECRET)
    expect(JSON.parse((await dead('show', id, '--json')).stdout)).toMatchObject({ id, messages: [{ data: { text: SECRET } }] })
    expect((await dead('show', 'x-1')).code).toBe(1)
  })

  it('dead requeue and dead drop take those that are named, or all, and name those that are not dead', async () => {
    const [first, second] = [await bury('1'), await bury('2'), await bury('3')]
    expect(await dead('requeue', first)).toMatchObject({ code: 0, stdout: '1 batch requeued\n' })
    expect(await dead('drop', second, 'x-1')).toMatchObject({
      code: 1,
      stdout: '1 batch dropped\n',
      stderr: 'rapidfire: not dead in salon: x-1\n',
    })
    expect(await dead('drop', '--all')).toMatchObject({ code: 0, stdout: '1 batch dropped\n' })
    expect(await client.getStats()).toMatchObject({ dead: 0, messages: 1 })
    expect((await dead('requeue')).code).toBe(2)
    expect((await dead('drop', first, '--all')).code).toBe(2)
  })

  it('dead requeue names those that cannot be put back', async () => {
    const [large] = [await bury('4', 'x'.repeat(200)), await bury('5')]
    await client.policy({ partitions: 2, maxMessageBytes: 100 })
    const { code, stdout, stderr } = await dead('requeue', '--all')
    expect([code, stdout]).toEqual([1, '1 batch requeued\n'])
    expect(stderr).toContain(`1 still dead in salon:\n${large}: message 1 of 1: data must have at most 100 bytes`)
    expect((await client.dead()).map(({ id }) => id)).toEqual([large])
  })
})
