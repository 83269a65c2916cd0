import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { expect, it, vi } from 'vitest'
import type { RapidFire } from '../../src/rapidfire.ts'
import { describeBindings } from '../support/lua.ts'
import { useClients } from './clients.ts'

/** The line that an error message names, as in `(lua/functions/conversation/add.lua:12)`. */
function namedLine(message: string): { path: string; text: string } {
  const [, path = '', line = ''] = /\((lua\/\S+\.lua):(\d+)\)$/.exec(message) ?? []
  expect(path, message).not.toBe('')
  const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').split('\n')[Number(line) - 1] ?? ''
  return { path, text }
}

describeBindings('errors', (lua) => {
  const client = useClients(lua)
  const thrown = (call: Promise<unknown>) =>
    call.then(
      () => expect.unreachable(),
      (error) => error,
    )

  it.each<[string, (rapidfire: RapidFire<any>) => Promise<unknown>]>([
    ['addMessage', (rapidfire) => rapidfire.addMessage('ann', 1, { id: 'a' })],
    ['addMessages', (rapidfire) => rapidfire.addMessages([{ key: 'ann', data: 1 }])],
    ['peek', (rapidfire) => rapidfire.peek('ann')],
    ['getStats', (rapidfire) => rapidfire.getStats()],
    ['policy', (rapidfire) => rapidfire.policy({ wait: 1 })],
    ['claimReady', (rapidfire) => rapidfire.claimReady()],
    ['processPendingBatches', (rapidfire) => rapidfire.processPendingBatches(() => {})],
  ])('%s refuses a root of another type, and writes nothing', async (_, call) => {
    await lua().redis.set(lua().root, 'mine')
    const before = await lua().keyspace()
    expect(await thrown(call(client()))).toMatchObject({ name: 'RapidfireError', code: 'WRONG_TYPE' })
    expect(await lua().keyspace()).toEqual(before)
  })

  it('refuses a message whose list is of another type, and takes its neighbours', async () => {
    await lua().redis.set(`${lua().root}:messages:bob`, 'mine')
    const messages = ['ann', 'bob', 'zoe'].map((key) => ({ key, data: 1, id: key }))
    expect(await thrown(client().addMessages(messages))).toMatchObject({
      code: 'WRONG_TYPE',
      results: [{ status: 'added' }, { code: 'WRONG_TYPE' }, { status: 'added' }],
    })
  })

  it('names the file and the line of an error that it does not know', async () => {
    const rapidfire = client()
    await lua().redis.set(`${lua().root}:due`, 'mine')
    const inFunction = await thrown(rapidfire.getStats())
    expect(inFunction).toMatchObject({ code: 'SERVER', command: 'rapidfire_stats', message: /^WRONGTYPE / })
    expect(inFunction.cause.message).toMatch(/WRONGTYPE/)
    expect(namedLine(inFunction.message)).toEqual({ path: 'lua/functions/queue/stats.lua', text: expect.stringContaining('due_key(root)') })

    const inLib = await thrown(rapidfire.claimReady())
    expect(namedLine(inLib.message)).toEqual({ path: 'lua/lib/watch.lua', text: expect.stringContaining('redis.call(') })
  })

  it('says OUT_OF_MEMORY over maxmemory, stores nothing, and still drains', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    const before = await lua().keyspace()
    await lua().redis.config('SET', 'maxmemory', '1')
    try {
      expect(await thrown(rapidfire.addMessage('ann', 2, { id: 'a' }))).toMatchObject({ code: 'OUT_OF_MEMORY', command: 'rapidfire_add' })
      expect(await thrown(rapidfire.addMessages([{ key: 'ann', data: 2 }]))).toMatchObject({ code: 'OUT_OF_MEMORY' })
      expect(await lua().keyspace()).toEqual(before)
      expect(await rapidfire.processPendingBatches(() => Promise.reject(new Error('no')), { backoff: () => 0, attempts: 2 })).toMatchObject(
        {
          retry: 1,
          dead: 1,
        },
      )
    } finally {
      await lua().redis.config('SET', 'maxmemory', '0')
    }
    expect(await rapidfire.addMessage('ann', 2, { id: 'a' })).toEqual({ status: 'added', size: 1 })
  })

  it('says UNAVAILABLE on a replica', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1)
    await lua().redis.call('REPLICAOF', '127.0.0.1', '1')
    try {
      expect(await thrown(rapidfire.addMessage('ann', 1))).toMatchObject({ code: 'UNAVAILABLE', message: /READONLY/ })
    } finally {
      await lua().redis.call('REPLICAOF', 'NO', 'ONE')
    }
  })

  it('says UNAVAILABLE while a script keeps Redis busy', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1)
    await lua().redis.config('SET', 'busy-reply-threshold', '1')
    const blocked = new Redis(lua().server.url)
    const endless = blocked.eval('while true do end', 0).catch((error) => error.message)
    try {
      await vi.waitFor(async () => expect(await thrown(rapidfire.getStats())).toMatchObject({ code: 'UNAVAILABLE', message: /BUSY/ }))
    } finally {
      await lua().redis.script('KILL')
      expect(await endless).toMatch(/killed/)
      await lua().redis.config('SET', 'busy-reply-threshold', '5000')
      blocked.disconnect()
    }
  })

  it('passes on what else Redis says', async () => {
    await lua().redis.call('ACL', 'SETUSER', 'guest', 'on', 'nopass', '~other', '+@all')
    const rapidfire = client({ redis: lua().server.url.replace('//', '//guest:any@') })
    expect(await thrown(rapidfire.addMessage('ann', 1))).toMatchObject({ code: 'SERVER', message: /^NOPERM/, command: 'rapidfire_layout' })
    await lua().redis.call('ACL', 'DELUSER', 'guest')
  })
})
