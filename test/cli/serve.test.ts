import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'
import { eventually, start } from './processes.ts'

const PATH = '/webhook/whatsapp/batched'
let server: TestRedis
let folder: string

beforeAll(async () => {
  server = await useRedis()
  folder = await mkdtemp(join(tmpdir(), 'rapidfire-init-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('serve', () => {
  it('stores, refuses, limits, counts, tells its health and stops', async () => {
    const env = { REDIS_URL: server.url, RAPIDFIRE_QUEUE: 'salon', RAPIDFIRE_STATS_TOKEN: 'stats' }
    const serve = await start(['serve', '--port', '0', '--max-bytes', '1000', '--rate-limit', '2'], env).ready()
    const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'ready'))) as { port: number }
    const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
    const post = (body: string) => ask(PATH, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    const message = (id: string) => JSON.stringify({ key: 'ann', id, data: { text: 'тайна' } })

    expect((await post(message('1'))).status).toBe(200)
    expect((await post('{')).status).toBe(400)
    expect((await post(`"${'x'.repeat(1001)}"`)).status).toBe(413)
    expect((await ask('/elsewhere')).status).toBe(404)
    expect((await ask(PATH, { method: 'DELETE' })).status).toBe(405)
    const statuses = []
    for (let n = 2; n < 10; n += 1) statuses.push((await post(message(String(n)))).status)
    expect(statuses).toContain(429)
    expect((await ask(`${PATH}/stats`)).status).toBe(401)
    const stats = await ask(`${PATH}/stats`, { headers: { authorization: 'Bearer stats' } })
    expect([stats.status, await stats.json()]).toEqual([
      200,
      expect.objectContaining({ messages: 1 + statuses.filter((each) => each === 200).length }),
    ])
    for (const path of ['/healthz', '/readyz']) expect((await ask(path)).status).toBe(200)
    expect(await serve.stop()).toBe(0)
    expect(serve.stdout).not.toContain('тайна')
    expect(serve.stdout).not.toContain('ann')
  })

  it('answers 401 to a wrong signature and 503 while Redis is gone', async () => {
    const own = await useRedis()
    const serve = await start(['serve', '--port', '0'], { REDIS_URL: own.url, RAPIDFIRE_APP_SECRET: 's' }).ready()
    const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'ready'))) as { port: number }
    const post = () =>
      fetch(`http://127.0.0.1:${port}${PATH}`, { method: 'POST', body: '{}', headers: { 'x-hub-signature-256': 'sha256=00' } })
    expect((await post()).status).toBe(401)
    if (!own.server) return // a server that was given is not ours to stop
    own.redis.disconnect()
    await own.server.stop()
    await eventually(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 503)
    expect(await serve.stop()).toBe(0)
  })
})

describe('init', () => {
  it('prints a file for pm2 that names both processes', async () => {
    const { code, stdout } = await rapidfire(['init', 'pm2', '--queue', 'sal"on'])
    expect(code).toBe(0)
    await mkdir(join(folder, 'node_modules'))
    await symlink(fileURLToPath(new URL('../..', import.meta.url)), join(folder, 'node_modules', 'rapidfire'))
    const file = join(folder, 'ecosystem.config.cjs')
    await writeFile(file, stdout)
    const { apps } = createRequire(file)(file)
    expect(apps).toMatchObject([
      { name: 'rapidfire-serve', args: 'serve --port 3000', wait_ready: true, env: { RAPIDFIRE_QUEUE: 'sal"on' } },
      { name: 'rapidfire-work', args: 'work --to stream:batches' },
    ])
    for (const { script } of apps) expect(spawnSync(process.execPath, [script, '--version']).status).toBe(0)
  })

  it.each([
    ['systemd', /^ExecStart=.+main\.js serve --port 3000$[\s\S]+^ExecStart=.+main\.js work handler\.mjs$/m],
    ['compose', /"serve","--host","0\.0\.0\.0"[\s\S]+"work","handler\.mjs"/],
  ])('prints a file for %s', async (kind, text) => {
    const { code, stdout } = await rapidfire(['init', kind, '--work', 'handler.mjs'])
    expect(code).toBe(0)
    expect(stdout).toMatch(text)
  })

  it('knows no other kind', async () => {
    expect((await rapidfire(['init', 'cron'])).code).toBe(2)
  })
})
