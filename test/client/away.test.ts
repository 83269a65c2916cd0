import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { withServer } from '../../cli/terminal/connection.ts'
import type { RapidFireOptions } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type PrivateRedis, startRedis } from '../support/redis.ts'
import { lacksServer } from './clients.ts'

/** How long calls are waited for, ms. */
const SHORT = 200

const open: { close(options: { timeout: number }): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.close({ timeout: 0 })))
})

function clientOf(options: RapidFireOptions<any>): RapidFire<any> {
  const rapidfire = new RapidFire<any>(options)
  open.push(rapidfire)
  return rapidfire
}

/** A port on which nobody listens, or a server that says nothing. */
async function port({ silent }: { silent: boolean }): Promise<number> {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  if (silent) onTestFinished(() => void server.close())
  else await new Promise((resolve) => server.close(resolve))
  return port
}

/** Its time may be over before or after the last try. */
function refused(at: number) {
  const why = `(no answer within ${SHORT} ms \\()?connect ECONNREFUSED 127\\.0\\.0\\.1:${at}\\)?`
  return {
    name: 'RapidfireError',
    code: 'UNAVAILABLE',
    message: expect.stringMatching(`^Redis at 127\\.0\\.0\\.1:${at} cannot be used: ${why}$`),
    cause: { message: expect.stringMatching(`^${why}$`) },
  }
}

describe('a Redis that is away', () => {
  it('is named by every call, with what connecting has failed with', async () => {
    const at = await port({ silent: false })
    const rapidfire = clientOf({ redis: `redis://bot:secret@127.0.0.1:${at}`, timeout: SHORT })
    const calls = [() => rapidfire.addMessage('ann', 1), () => rapidfire.addMessage('ann', 1, { id: '1' }), () => rapidfire.peek('ann')]
    for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject(refused(at))
  })

  it('is named by a worker in its first error', async () => {
    const at = await port({ silent: false })
    const worker = clientOf({ redis: { host: '127.0.0.1', port: at } }).worker(() => {})
    open.push(worker)
    const error = new Promise((resolve) => worker.once('error', resolve))
    worker.run()
    expect(await error).toMatchObject(refused(at))
  })

  it('is named when it accepts the connection and says nothing', async () => {
    const at = await port({ silent: true })
    await expect(clientOf({ redis: `redis://127.0.0.1:${at}`, timeout: SHORT }).peek('ann')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: `Redis at 127.0.0.1:${at} cannot be used: no answer within ${SHORT} ms`,
    })
  })

  it('is named by its socket', async () => {
    await expect(clientOf({ redis: { path: '/no/such.sock' }, timeout: SHORT }).peek('ann')).rejects.toMatchObject({
      message: expect.stringMatching(/^Redis at \/no\/such\.sock cannot be used: .*connect ENOENT \/no\/such\.sock/),
    })
  })

  it("is told of in our words when a client of the caller's has given up", async () => {
    const at = await port({ silent: false })
    const redis = new Redis({ host: '127.0.0.1', port: at, maxRetriesPerRequest: 1, retryStrategy: () => 1 })
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    await expect(clientOf({ redis }).peek('ann')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: `Redis at 127.0.0.1:${at} cannot be used: no connection in 2 attempts, the maxRetriesPerRequest of your client and one`,
    })
  })

  it.each([false, true])('keeps no timer of the command line when that has been said (silent: %s)', async (silent) => {
    const at = await port({ silent })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    let ended = false
    const used = withServer(`redis://127.0.0.1:${at}`, async () => {})
    const said = used.catch((error: Error) => error.message).finally(() => (ended = true))
    while (!ended) {
      vi.advanceTimersByTime(5)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await said).toMatch(new RegExp(`^Redis at 127\\.0\\.0\\.1:${at} cannot be reached: `))
    vi.advanceTimersByTime(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe.skipIf(lacksServer('servers with a password'))('a Redis that is there', () => {
  let server: PrivateRedis
  const place = () => ({ host: '127.0.0.1', port: server.port, password: server.password })
  beforeAll(async () => {
    server = await startRedis()
    return () => server.stop()
  })

  it('says that it needs a password', async () => {
    const { password: _, ...options } = place()
    const needs = `NOAUTH Redis at 127.0.0.1:${server.port} needs a password: give it in the URL, as in redis://:password@host:6379, or as the option password`
    await expect(clientOf({ redis: options }).peek('ann')).rejects.toMatchObject({ code: 'SERVER', message: needs })
    await expect(withServer(`redis://127.0.0.1:${server.port}`, async () => {})).rejects.toMatchObject({ message: needs })
    const redis = new Redis({ ...options, retryStrategy: () => null })
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    await expect(clientOf({ redis }).peek('ann')).rejects.toMatchObject({ code: 'SERVER', message: needs })
  })

  it.each([
    { lazyConnect: true },
    { enableOfflineQueue: false },
    { lazyConnect: true, enableOfflineQueue: false },
    { enableOfflineQueue: false, enableAutoPipelining: true },
  ])("is waited for by a client of the caller's with %o", async (options) => {
    const redis = new Redis({ ...place(), ...options })
    onTestFinished(() => redis.disconnect())
    const rapidfire = clientOf({ redis, queue: JSON.stringify(options).replace(/[{}]/g, '') })
    const results = await Promise.all([rapidfire.addMessage('ann', 1), rapidfire.addMessage('bob', 1), rapidfire.check()])
    expect(results).toMatchObject([{ status: 'added' }, { status: 'added' }, { violations: [] }])
  })

  it("is waited for again when a client of the caller's that keeps nothing has lost its connection", async () => {
    const redis = new Redis({ ...place(), enableOfflineQueue: false })
    onTestFinished(() => redis.disconnect())
    const rapidfire = clientOf({ redis, queue: 'lost' })
    await rapidfire.addMessage('ann', 1)
    redis.disconnect(true)
    await new Promise((resolve) => redis.once('close', resolve))
    expect(await rapidfire.addMessage('ann', 2)).toMatchObject({ size: 2 })
    redis.disconnect()
    await new Promise((resolve) => redis.once('end', resolve))
    await expect(rapidfire.addMessage('ann', 3)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: /Connection is closed/ })
  })

  it("is walked by check on a client of the caller's that pipelines by itself, with all that a queue may hold", async () => {
    const redis = new Redis({ ...place(), enableAutoPipelining: true })
    onTestFinished(() => redis.disconnect())
    const rapidfire = clientOf({ redis, queue: 'walked' })
    // In the names of keys, `due`, `active`, `claims`, `overrides` and `dead`.
    await rapidfire.addMessage('dead', 1, { flush: true })
    const dying = await rapidfire.claimReady()
    for (const batch of dying.batches) await rapidfire.fail(batch, { attempts: 1 })
    await rapidfire.addMessages(['ann', 'bob'].map((key) => ({ key, data: 1, flush: key === 'ann' })))
    await rapidfire.claimReady()
    expect(await rapidfire.check()).toMatchObject({ keys: 2, violations: [], counted: true })
  })
})
