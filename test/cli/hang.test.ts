import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PrivateRedis } from '../../cli/demo/private-redis.ts'
import { lacksServer } from '../client/clients.ts'
import { startRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'
import { eventually, type Running, start } from './processes.ts'

/** For how long a test goes on waiting for what should end within the 5 s that a call may take, and a slow machine besides, ms. */
const PATIENCE = 60_000

describe.skipIf(lacksServer('servers that hang'))('a Redis that hangs', () => {
  let server: PrivateRedis
  let folder: string
  let env: Record<string, string>
  const runs = () => [
    ['serve', '--port', '0'],
    ['work', join(folder, 'handler.mjs')],
    ['forward', 'batches'],
  ]

  beforeAll(async () => {
    server = await startRedis()
    folder = await mkdtemp(join(tmpdir(), 'rapidfire-hang-'))
    await writeFile(join(folder, 'handler.mjs'), 'export default () => {}')
    env = { REDIS_URL: server.url }
  })
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** Does something while the server is stopped. */
  async function whileStopped<Result>(work: () => Promise<Result>): Promise<Result> {
    server.process.kill('SIGSTOP')
    try {
      return await work()
    } finally {
      server.process.kill('SIGCONT')
    }
  }

  const saidWhy = (each: Running) => each.lines.some(({ level, error }) => level === 50 && /timed out|no answer/i.test(error))

  it('is said by what looks at it, which ends', { timeout: PATIENCE }, async () => {
    const ended = await whileStopped(() => Promise.all([['stats'], ['check'], ['doctor'], ['load']].map((args) => rapidfire(args, env))))
    for (const each of ended) {
      expect(each).toMatchObject({ code: 1, stdout: '' })
      expect(each.stderr).toMatch(/^rapidfire: Redis at 127\.0\.0\.1:\d+ cannot be reached: Command timed out.*\n$/)
    }
  })

  it('from the beginning is said by what goes on, until it is stopped', { timeout: PATIENCE }, async () => {
    await whileStopped(async () => {
      const started = runs().map((args) => start(args, env))
      await eventually(() => started.every(saidWhy), PATIENCE)
      expect(await Promise.all(started.map((each) => each.stop()))).toEqual([0, 0, 0])
    })
  })

  it('later on is said by a worker, and keeps nothing from being stopped', { timeout: PATIENCE }, async () => {
    const started = await Promise.all(runs().map((args) => start(args, env).ready()))
    await whileStopped(async () => {
      const [serve, ...workers] = started as [Running, ...Running[]]
      const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503)
      const body = JSON.stringify({ key: 'ann', id: '1', data: { text: 'Hi' } })
      const url = `http://127.0.0.1:${port}/webhook/whatsapp/batched`
      expect((await fetch(url, { method: 'POST', body })).status).toBe(503)
      await eventually(() => workers.every(saidWhy), PATIENCE)
      expect(await Promise.all(started.map((each) => each.stop()))).toEqual([0, 0, 0])
    })
  })
})
