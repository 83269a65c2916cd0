import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { Nonces, nonceText } from '../../src/protocol/nonces.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import { describeBindings } from '../support/lua.ts'
import { calls, useClients } from './clients.ts'

it('gives a name to one call at a time, and a number to each answered call', () => {
  const nonces = new Nonces()
  const [first, second, other] = [nonces.take('a'), nonces.take('a'), nonces.take('b')]
  expect(new Set([first, second, other].map(({ name }) => name)).size).toBe(3)
  expect([first, second, other].map(({ number }) => number)).toEqual([1, 1, 1])
  nonces.giveBack('a', first, true)
  nonces.giveBack('a', second, false)
  // The one that was free last is taken first: its call is repeated.
  expect(nonceText(nonces.take('a'))).toBe(`${second.name}/1`)
  expect(nonceText(nonces.take('a'))).toBe(`${first.name}/2`)
  expect(nonceText(nonces.take('a'))).toMatch(/^[\w-]{1,48}\/1$/)
  expect(new Nonces().take('a').name).not.toBe(new Nonces().take('a').name)
})

describeBindings('claims of a client', (lua) => {
  const client = useClients(lua)
  const due = async (...keys: string[]) => {
    await client().addMessages(keys.map((key) => ({ key, data: 1, flush: true })))
  }

  /** A client whose next calls of a function are carried out, and whose answers do not come. */
  function deaf() {
    const redis = new Redis(lua().server.url)
    onTestFinished(() => redis.disconnect())
    const sent: unknown[][] = []
    const lost = { left: 0, name: '' }
    const method = lua().mode === 'functions' ? 'fcallBuffer' : 'evalshaBuffer'
    const real = (redis as any)[method].bind(redis)
    const named = (args: unknown[]) => lua().mode === 'scripts' || args[0] === `rapidfire_${lost.name}`
    Object.assign(redis, {
      [method]: async (args: unknown[]) => {
        const reply = await real(args)
        sent.push(args)
        if (lost.left > 0 && named(args)) {
          lost.left -= 1
          throw new Error('Connection is closed.')
        }
        return reply
      },
    })
    const again = (args: unknown[]) => real(args)
    const lose = (name: string, calls = 1) => Object.assign(lost, { name, left: calls })
    return { rapidfire: client({ redis }), sent, again, lose }
  }

  /** Claims until it is answered. */
  async function claimed(rapidfire: RapidFire, options: { limit?: number } = {}): Promise<Batch[]> {
    for (;;) {
      const found = await rapidfire.claimReady(options).catch(() => undefined)
      if (found) return found.batches
    }
  }

  it('get the batches of a claim whose answer was lost, as often as it is lost, and no attempt is used up', async () => {
    await due('ann', 'bob')
    const { rapidfire, lose } = deaf()
    await rapidfire.version()
    lose('claim_ready', 3)
    const batches = await claimed(rapidfire)
    expect(batches.map(({ key, attempt, token, id }) => [key, attempt, token === `${id}:1`])).toEqual([
      ['ann', 1, true],
      ['bob', 1, true],
    ])
    expect((await rapidfire.claimReady()).batches).toEqual([])
    for (const batch of batches) expect(await rapidfire.complete(batch)).toBe('completed')
    await lua().holds()
  })

  it('give back at once what is more than they ask for now', async () => {
    await due('ann', 'bob', 'cyd')
    const { rapidfire, lose } = deaf()
    await rapidfire.version()
    lose('claim_ready', 1)
    await rapidfire.claimReady({ limit: 3 }).catch(() => {})
    const batches = await claimed(rapidfire, { limit: 1 })
    expect(batches).toHaveLength(1)
    const others = (await client().claimReady()).batches
    expect([...batches, ...others].map(({ key }) => key).sort()).toEqual(['ann', 'bob', 'cyd'])
    expect(others.every(({ attempt }) => attempt === 1)).toBe(true)
  })

  it('say the same when the end of a batch is told again', async () => {
    await due('ann', 'bob', 'cyd', 'dan')
    const { rapidfire, sent, again } = deaf()
    const batches = (await rapidfire.claimReady()).batches
    const of = (key: string) => batches.find((batch) => batch.key === key) as Batch
    const repeated = async (call: () => Promise<unknown>, reply: unknown) => {
      sent.length = 0
      await call()
      expect(sent).toHaveLength(1)
      const second = await again(sent[0] as unknown[])
      expect(Array.isArray(second) ? second.map(String) : String(second)).toEqual(reply)
    }
    await repeated(() => rapidfire.complete(of('ann')), ['completed'])
    await repeated(() => rapidfire.fail(of('bob'), { attempts: 1 }), 'dead')
    await repeated(() => rapidfire.release(of('cyd')), 'released')
    await repeated(() => rapidfire.requeue([of('bob').id]), ['requeued'])
    await rapidfire.fail(of('dan'), { attempts: 1 })
    await repeated(() => rapidfire.drop([of('dan').id]), ['dropped'])
  })

  it('release a batch for others, who take it under the same id', async () => {
    await due('ann')
    const rapidfire = client()
    const [batch] = (await rapidfire.claimReady()).batches as [Batch]
    expect(await rapidfire.release(batch, { reason: `клиент просит человека ${'x'.repeat(500)}` })).toBe('released')
    expect(await rapidfire.release(batch)).toBe('released')
    expect(await rapidfire.peek('ann')).toMatchObject({ state: 'ready', token: batch.token })
    const [again] = (await client().claimReady()).batches as [Batch]
    expect(again).toEqual({ ...batch, token: `${batch.id}:2` })
    expect(await rapidfire.release(batch)).toBe('lost')
    expect(await rapidfire.complete(batch)).toBe('lost')
  })

  it('bring back as many dead batches as are asked for, by calls of a bounded size', async () => {
    const rapidfire = client({ policy: { maxSize: 500, maxBacklog: 500 } })
    const keys = ['ann', 'bob', 'cid', 'dan', 'eve']
    await rapidfire.addMessages(keys.flatMap((key) => Array.from({ length: 500 }, (_, n) => ({ key, data: n }))))
    const ids: string[] = []
    while (ids.length < keys.length) {
      const { batches } = await rapidfire.claimReady()
      for (const batch of batches) expect(await rapidfire.fail(batch, { attempts: 1 })).toBe('dead')
      ids.push(...batches.map(({ id }) => id))
    }
    await lua().redis.config('RESETSTAT')
    expect(await rapidfire.requeue([...ids, '1-1'])).toEqual([...ids.map(() => 'requeued'), 'unknown'])
    expect(await calls(lua())).toBe(5)
    expect(await rapidfire.getStats()).toMatchObject({ messages: 2500, dead: 0 })
  })

  it('return what was claimed when a later root refuses, and throw only when nothing was', async () => {
    const rapidfire = client({ policy: { partitions: 2 } })
    await rapidfire.addMessages(Array.from({ length: 20 }, (_, n) => ({ key: `key ${n}`, data: 1, flush: true })))
    const broken = 'rapid-fire:{orders:1}'
    await lua().redis.rename(broken, 'kept')
    await lua().redis.set(broken, 'mine')
    const { now, next, batches } = await rapidfire.claimReady({ limit: 100 })
    expect(batches.length).toBeGreaterThan(0)
    // There may be more: come again at once.
    expect(next).toBe(now)
    await expect(rapidfire.claimReady({ limit: 100 })).rejects.toMatchObject({ code: 'WRONG_TYPE' })
    await lua().redis.rename('kept', broken)
    expect((await rapidfire.claimReady({ limit: 100 })).batches.length).toBe(20 - batches.length)
  })

  it('give numbers of dead batches with stringNumbers too, and say why they died', async () => {
    const { port, password } = new URL(lua().server.url)
    const rapidfire = client({ redis: { port: Number(port), password, stringNumbers: true } as object })
    await due('ann')
    const [batch] = (await rapidfire.claimReady()).batches as [Batch]
    await rapidfire.fail(batch, { attempts: 1, error: 'down' })
    expect(await rapidfire.dead()).toEqual([
      {
        ...{ id: batch.id, key: 'ann', diedAt: lua().now, attempt: 1, reason: 'flush', deadline: lua().now },
        ...{ cause: 'failed', error: 'down', size: 1, messages: [] },
      },
    ])
  })
})
