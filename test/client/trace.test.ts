import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Policy } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

describe.each(['functions', 'scripts'] as const)('trace, %s', (binding) => {
  const client = (policy: Partial<Policy> = {}) => {
    const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'salon', binding, policy })
    onTestFinished(() => rapidfire.close())
    return rapidfire
  }
  const one = async (rapidfire: RapidFire<any>, traced: Parameters<RapidFire['trace']>[0]) => {
    const all = await rapidfire.trace(traced)
    expect(all).toHaveLength(1)
    return all[0] as (typeof all)[number]
  }
  const claim = async (rapidfire: RapidFire<any>) => {
    const { batches } = await rapidfire.claimReady()
    expect(batches).toHaveLength(1)
    return batches[0] as (typeof batches)[number]
  }

  it('tells of what was handled as long as the archive has it, without what it said', async () => {
    const rapidfire = client({ archive: 60_000 })
    for (const result of ['first', 'second']) {
      await rapidfire.addMessage('ann', { text: 'secret' }, { id: result, flush: true })
      const batch = await claim(rapidfire)
      expect(await rapidfire.complete(batch, { text: 'secret', result: 'secret', worker: 'w1' })).toBe('completed')
      const handled = {
        state: 'archived',
        key: 'ann',
        batch: batch.id,
        attempt: 1,
        count: 1,
        reason: 'flush',
        worker: 'w1',
        size: undefined,
      }
      for (const traced of [{ key: 'ann', id: result }, { batch: batch.id }]) {
        const found = await one(rapidfire, traced)
        expect(found).toMatchObject(handled)
        expect(found.ended).toEqual({ event: 'completed', at: found.until })
        expect(JSON.stringify(found)).not.toContain('secret')
      }
    }
    expect(await one(rapidfire, { key: 'ann' })).toMatchObject({ state: 'empty' })
    expect(await one(rapidfire, { key: 'ann', id: 'third' })).toMatchObject({ state: 'unknown', ended: undefined })
    await rapidfire.erase('ann')
    expect(await one(rapidfire, { key: 'ann', id: 'first' })).toMatchObject({ state: 'remembered', ended: undefined })
  })

  it('tells where a message is, from the state alone', async () => {
    const rapidfire = client()
    const told = {
      key: 'ann',
      id: 'm1',
      behind: false,
      worker: undefined,
      ended: undefined,
      serves: true,
      partition: undefined,
      events: undefined,
    }
    expect(await one(rapidfire, { key: 'ann', id: 'm1' })).toMatchObject({
      ...told,
      state: 'unknown',
      position: undefined,
      lookedAt: undefined,
    })
    await rapidfire.addMessage('ann', 'secret', { id: 'm1' })
    await rapidfire.addMessage('ann', 'secret', { id: 'm2', flush: true })
    await rapidfire.addMessage('ann', 'secret', { id: 'm3' })
    const waits = await one(rapidfire, { key: 'ann', id: 'm1' })
    expect(waits).toMatchObject({
      ...told,
      state: 'ready',
      position: 1,
      count: 2,
      size: 3,
      reason: 'flush',
      batch: undefined,
      attempt: undefined,
    })
    expect(waits.deadline).toBeGreaterThanOrEqual(waits.receivedAt as number)
    expect(await one(rapidfire, { key: 'ann', id: 'm3' })).toMatchObject({ behind: true, position: 3, state: 'ready' })
    const batch = await claim(rapidfire)
    const held = { state: 'active', batch: batch.id, attempt: 1 }
    expect(await one(rapidfire, { key: 'ann', id: 'm1' })).toMatchObject({ ...told, ...held })
    expect(await one(rapidfire, { key: 'ann', id: 'm3' })).toMatchObject({ ...held, behind: true })
    expect(await one(rapidfire, { batch: batch.id })).toMatchObject({ ...held, key: 'ann', id: undefined, behind: false })
    await rapidfire.complete(batch)
    expect(await one(rapidfire, { key: 'ann', id: 'm1' })).toMatchObject({ ...told, state: 'remembered', count: undefined })
    expect(await one(rapidfire, { batch: batch.id })).toMatchObject({ state: 'unknown', batch: batch.id, key: undefined })
    expect(await one(rapidfire, { key: 'bob' })).toMatchObject({ state: 'empty', key: 'bob', id: undefined, others: [] })
    expect(JSON.stringify([waits, ...(await rapidfire.trace({ key: 'ann' }))])).not.toContain('secret')
  })

  it('tells what is dead and streamed, of a message and of a conversation', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { id: 'm1', flush: true })
    const batch = await claim(rapidfire)
    await rapidfire.fail(batch, { attempts: 1, error: 'secret' })
    await rapidfire.addMessage('ann', 1, { id: 'm2', flush: true })
    await rapidfire.forward('out')
    await rapidfire.addMessage('ann', 1, { id: 'm3' })
    const dead = { state: 'dead', batch: batch.id, cause: 'failed', attempt: 1, count: 1 }
    const diedAt = (await rapidfire.dead())[0]?.diedAt
    expect(await one(rapidfire, { key: 'ann', id: 'm1' })).toMatchObject({ ...dead, until: diedAt, position: 1, ended: undefined })
    expect(await one(rapidfire, { batch: batch.id })).toMatchObject({ ...dead, key: 'ann' })
    expect(await one(rapidfire, { key: 'ann', id: 'm2' })).toMatchObject({
      state: 'streamed',
      stream: 'out',
      position: 1,
      cause: undefined,
    })
    const all = await one(rapidfire, { key: 'ann' })
    expect(all).toMatchObject({ state: 'collecting', size: 1, others: [dead, { state: 'streamed', stream: 'out' }] })
    expect(JSON.stringify(all)).not.toContain('secret')
  })

  it('tells by events who has it, what has happened, and how it has ended', async () => {
    const rapidfire = client({ events: 1000 })
    await rapidfire.addMessage('ann', 1, { id: 'm0', flush: true })
    await rapidfire.complete(await claim(rapidfire))
    await rapidfire.addMessage('ann', 1, { id: 'm1' })
    await rapidfire.addMessage('ann', 1, { id: 'm1' })
    await rapidfire.addMessage('ann', 1, { id: 'm2', flush: true })
    const worker = rapidfire.worker(
      async (batch) => {
        expect(await one(rapidfire, { key: 'ann', id: 'm1' })).toMatchObject({ state: 'active', worker: expect.stringMatching(/./) })
        if (batch.attempt === 1) throw new Error('secret')
      },
      { backoff: () => 1 },
    )
    const done = new Promise((resolve) => worker.on('completed', resolve))
    worker.run()
    await done
    await worker.close()
    const { state, ended, events, ...told } = await one(rapidfire, { key: 'ann', id: 'm1' })
    expect([state, ended?.event]).toEqual(['remembered', 'completed'])
    expect(events?.map(({ event }) => event)).toEqual(['added', 'duplicate', 'claimed', 'failed', 'claimed', 'completed'])
    expect(told.worker).toMatch(/./)
    expect(JSON.stringify([events, told])).not.toContain('secret')
    const id = events?.at(-1)?.batch as string
    expect(await one(rapidfire, { batch: id })).toMatchObject({
      state: 'unknown',
      key: 'ann',
      ended: { event: 'completed', at: ended?.at },
    })
  })

  it('knows of a message that is done before the others of its batch', async () => {
    const rapidfire = client({ events: 1000 })
    await rapidfire.addMessages(['m1', 'm2', 'm3'].map((id, n) => ({ key: 'ann', id, data: n, flush: n === 2 })))
    const batch = await claim(rapidfire)
    await rapidfire.fail(batch, { delay: 0, messages: batch.messages.slice(1) })
    expect(await one(rapidfire, { key: 'ann', id: 'm1' })).toMatchObject({ state: 'remembered', ended: { event: 'completed' } })
    expect(await one(rapidfire, { key: 'ann', id: 'm2' })).toMatchObject({ state: 'retry', ended: undefined, position: 1 })
    const again = await claim(rapidfire)
    await rapidfire.fail(again, { attempts: 1, messages: again.messages.slice(1) })
    expect(await one(rapidfire, { key: 'ann', id: 'm2' })).toMatchObject({ state: 'remembered', ended: { event: 'completed' } })
    expect(await one(rapidfire, { key: 'ann', id: 'm3' })).toMatchObject({ state: 'dead', ended: undefined })
    await rapidfire.drop([batch.id])
    expect(await one(rapidfire, { key: 'ann', id: 'm3' })).toMatchObject({ state: 'remembered', ended: { event: 'dropped' } })
  })

  it('finds an id alone while events are kept, in each conversation that has it, and else asks for the key', async () => {
    const rapidfire = client({ events: 1000, partitions: 4 })
    expect(await rapidfire.trace({ id: 'm1' })).toEqual([])
    for (const key of ['ann', 'bob', 'cyd']) await rapidfire.addMessage(key, 1, { id: key === 'cyd' ? 'm2' : 'm1' })
    const all = await rapidfire.trace({ id: 'm1' })
    expect(all.map(({ key, id, state }) => [key, id, state]).sort()).toEqual([
      ['ann', 'm1', 'collecting'],
      ['bob', 'm1', 'collecting'],
    ])
    await rapidfire.policy({ events: 0 })
    await rapidfire.addMessages(Array.from({ length: 20 }, (_, n) => ({ key: `k${n}`, data: 1 })))
    await expect(rapidfire.trace({ id: 'm1' })).rejects.toMatchObject({
      code: 'NO_EVENTS',
      message: expect.stringContaining('name the key'),
    })
    expect(await one(rapidfire, { key: 'ann', id: 'm1' })).toMatchObject({ state: 'collecting', events: undefined })
  })

  it.each([false, true])('finds what former partitions hold, also while they are drained: %s', async (draining) => {
    const rapidfire = client({ events: 1000, dedupe: 1 })
    const keys = Array.from({ length: 8 }, (_, n) => `k${n}`)
    const say = (id: string, flush: boolean) => rapidfire.addMessages(keys.map((key) => ({ key, data: 1, id, flush })))
    await say('dead', true)
    const { batches } = await rapidfire.claimReady({ limit: 100 })
    await Promise.all(batches.map((batch) => rapidfire.fail(batch, { attempts: 1 })))
    await say('streamed', true)
    await rapidfire.forward('out')
    if (draining) await say('waits', false)
    for (const partitions of draining ? [2] : [2, 3]) {
      await rapidfire.policy({ partitions })
      const other = client()
      for (const key of keys) {
        expect(await one(other, { key, id: 'dead' })).toMatchObject({ state: 'dead', partition: undefined, serves: false })
        expect(await one(other, { key, id: 'streamed' })).toMatchObject({ state: 'streamed', serves: false })
        if (draining) expect(await one(other, { key, id: 'waits' })).toMatchObject({ state: 'collecting', serves: false, position: 1 })
        if (draining) await other.addMessage(key, 1, { id: 'new' })
        const waits = draining ? { state: 'collecting', size: 2 } : { state: 'empty' }
        expect(await one(other, { key })).toMatchObject({ ...waits, others: [{ state: 'dead' }, { state: 'streamed' }] })
      }
    }
    for (const { id } of batches) expect(await one(rapidfire, { batch: id })).toMatchObject({ state: 'dead' })
    expect(await rapidfire.trace({ id: 'dead' })).toHaveLength(8)
    await rapidfire.addMessage('fresh', 1, { id: 'm1' })
    const fresh = await one(rapidfire, { key: 'fresh', id: 'm1' })
    expect([fresh.serves, fresh.partition]).toEqual([true, expect.any(Number)])
  })

  it('goes on until it has found what lies deep', async () => {
    const rapidfire = client({ maxBacklog: 5000, maxDead: 1000 })
    await rapidfire.addMessages(Array.from({ length: 4000 }, (_, n) => ({ key: 'ann', data: 1, id: `m${n}` })))
    expect(await one(rapidfire, { key: 'ann', id: 'm0' })).toMatchObject({ position: 1, size: 4000, behind: false })
    expect(await one(rapidfire, { key: 'ann', id: 'm3999' })).toMatchObject({ position: 4000, behind: true })
    await rapidfire.addMessages(Array.from({ length: 150 }, (_, n) => ({ key: `k${n % 2}`, data: 1, flush: true })))
    for (let left = 150; left > 0; ) {
      const { batches } = await rapidfire.claimReady({ limit: 100 })
      const some = batches.filter(({ key }) => key !== 'ann')
      await Promise.all(batches.map((batch) => rapidfire.fail(batch, { attempts: batch.key === 'ann' ? 5 : 1, delay: 60_000 })))
      left -= some.length
    }
    const { others } = await one(rapidfire, { key: 'k1' })
    expect(others).toHaveLength(75)
  })

  it.each([
    [{}, 'BAD_ARGUMENT', 'a key, a key and an id, an id, or a batch'],
    [{ key: 'ann', batch: '1-1' }, 'BAD_ARGUMENT', 'or a batch'],
    [{ kye: 'ann' }, 'BAD_OPTION', "no option 'kye'"],
    [{ key: '' }, 'BAD_KEY', '1 to 1024 bytes'],
    [{ id: '' }, 'BAD_ID', '1 to 512 bytes, got 0'],
    [{ key: 'ann', id: 5 }, 'BAD_ID', 'id must be a text'],
    [{ batch: 'x'.repeat(65) }, 'BAD_ARGUMENT', '1 to 64 bytes, got 65'],
  ])('refuses %j with %s', async (traced, code, says) => {
    await expect(client().trace(traced as never)).rejects.toMatchObject({ code, message: expect.stringContaining(says) })
  })
})
