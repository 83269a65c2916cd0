import { expect, it, onTestFinished } from 'vitest'
import { partitionOf } from '../../src/partitions/roots.ts'
import { describeBindings } from '../support/lua.ts'
import { addDue, eventually, gate, holdTime, ONLY_RESTS, recordCalls, useWorkers } from './workers.ts'

describeBindings('workers and partitions', (lua) => {
  const { client, start } = useWorkers(lua)
  const keys = (count: number) => Array.from({ length: count }, (_, n) => `key ${n}`)

  it('one worker serves all partitions of a queue that it knew nothing of', async () => {
    const rapidfire = client({ policy: { partitions: 4, wait: 50 } })
    await rapidfire.getStats()
    const worker = start(() => {})
    await rapidfire.addMessages(keys(30).map((key) => ({ key, data: 1 })))
    await eventually(() => expect(worker.told).toHaveLength(30))
    expect(new Set(worker.told.map(([event]) => event))).toEqual(new Set(['completed']))
    expect(worker.isHealthy()).toBe(true)
  })

  it('a flooded partition does not starve the others', async () => {
    const rapidfire = client({ policy: { partitions: 4 } })
    await rapidfire.getStats()
    // All of the flood lies in one partition, and each of the others has one batch that has come after it.
    const flood = keys(4000)
      .filter((key) => partitionOf(key, 4) === 2)
      .slice(0, 400)
    await rapidfire.addMessages(flood.map((key) => ({ key, data: 'flood', flush: true })))
    const late = keys(4000)
      .filter((key) => partitionOf(key, 4) !== 2)
      .slice(0, 12)
    await rapidfire.addMessages(late.map((key) => ({ key, data: 'late', flush: true })))
    const order: unknown[] = []
    const worker = start((batch) => order.push(batch.messages[0]?.data), { concurrency: 4 })
    await eventually(() => expect(worker.told).toHaveLength(412))
    expect(order.lastIndexOf('late')).toBeLessThan(100)
  })

  it('a worker is woken early in any partition', async () => {
    const rapidfire = client({ policy: { partitions: 16, wait: 60_000 } })
    await rapidfire.addMessages(keys(64).map((key) => ({ key, data: 1 })))
    const worker = start(() => {})
    await eventually(async () => expect(await lua().redis.hexists('rapid-fire:{orders:15}', 'watchAt')).toBe(1))
    await eventually(async () => expect((await lua().redis.pubsub('NUMSUB', `${lua().root}:wake`))[1]).toBe(1))
    await rapidfire.addMessages(keys(64).map((key) => ({ key, data: 2, flush: true })))
    await eventually(() => expect(worker.told).toHaveLength(64))
  })

  it('an idle worker looks some seven times in a rest in all, however many partitions there are', async () => {
    const partitions = 48
    await client({ policy: { partitions } }).getStats()
    const rest = 1000
    const passUntil = holdTime(lua())
    const worker = start(() => {}, { timing: { ...ONLY_RESTS, rest } })
    await passUntil(() => lua().redis.hexists('rapid-fire:{orders:47}', 'watchAt'))
    const recorded = await recordCalls(lua())
    const said = async () => (await recorded.made()).filter(({ name }) => name === 'present').length
    const looks = async () => (await recorded.made()).filter(({ name }) => name === 'claim_ready').map(({ root }) => root)
    const passed = await passUntil(async () => new Set(await looks()).size === partitions, 100)
    // Each partition is looked at again when it has rested for four fifths of 48 / 6 rests, or more.
    const most = partitions * (Math.floor(passed / (6.4 * rest)) + 1)
    expect((await looks()).length).toBeLessThanOrEqual(most)
    // With a rest of its own each would have been looked at in each of them.
    expect(most).toBeLessThan((partitions * passed) / rest / 2)
    // In one place for all of them it says that it is there.
    expect(await said()).toBeLessThanOrEqual(passed / 900 + 1)
    expect(worker.isHealthy()).toBe(true)
  })

  it('a worker looks once at each partition when it begins, and only where a batch has ended when it says that it is idle', async () => {
    const rapidfire = client({ policy: { partitions: 16 } })
    await rapidfire.getStats()
    const recorded = await recordCalls(lua())
    const passUntil = holdTime(lua())
    const worker = start(() => {}, { timing: ONLY_RESTS })
    let idled = 0
    worker.on('idle', () => (idled += 1))
    const claimed = async () => (await recorded.made()).filter(({ name }) => name === 'claim_ready').map(({ root }) => root)
    await passUntil(async () => new Set(await claimed()).size === 17, 0)
    for (let turn = 0; turn < 20; turn += 1) await lua().redis.echo('')
    // The root of the queue refuses.
    expect((await claimed()).length).toBe(17)
    for (let n = 1; n <= 5; n += 1) {
      await rapidfire.addMessage(`key ${n}`, 1, { flush: true })
      await passUntil(() => idled === n, 0)
    }
    expect((await claimed()).length).toBeLessThanOrEqual(17 + 2 * 5)
  })

  it('claimReady begins with another partition each time, so that a flooded one does not starve the others', async () => {
    const rapidfire = client({ policy: { partitions: 4 } })
    const of = (partition: number) => keys(400).filter((key) => partitionOf(key, 4) === partition)
    await rapidfire.addMessages([...of(0).slice(0, 50), ...of(3).slice(0, 1)].map((key) => ({ key, data: 1, flush: true })))
    const roots: string[] = []
    for (let n = 0; n < 4; n += 1) roots.push(...(await rapidfire.claimReady({ limit: 5 })).batches.map(({ root }) => root))
    expect(roots).toHaveLength(20)
    expect(roots).toContain('rapid-fire:{orders:3}')
  })

  it('a worker goes on while the partitions change, and the old ones are drained in order', async () => {
    const rapidfire = client({ policy: { wait: 30, maxWait: 60 } })
    const seen = new Map<string, number[]>()
    const worker = start(({ key, messages }) => seen.set(key, [...(seen.get(key) ?? []), ...messages.map(({ data }) => data)]))
    const names = keys(20)
    let sent = 0
    let stopped = false
    const producing = (async () => {
      for (; !stopped; sent += 1) await rapidfire.addMessages(names.map((key) => ({ key, data: sent, id: `${key} ${sent}` })))
    })()
    onTestFinished(() => void (stopped = true))
    const reached = async (more: number) => {
      const goal = sent + more
      await eventually(() => expect(sent).toBeGreaterThan(goal))
    }
    await reached(20)
    await client().policy({ partitions: 4 })
    await reached(20)
    stopped = true
    await producing
    await eventually(() => expect(names.map((key) => seen.get(key)?.length)).toEqual(names.map(() => sent)))
    for (const key of names) expect(seen.get(key)).toEqual(Array.from({ length: sent }, (_, n) => n))
    expect(await lua().redis.exists('rapid-fire:{orders}:due', 'rapid-fire:{orders}:active')).toBe(0)
    expect(worker.told.filter(([event]) => event !== 'completed')).toEqual([])
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('a worker forgets partitions that are drained', async () => {
    const rapidfire = client({ policy: { wait: 20 } })
    await rapidfire.addMessage('ann', 1)
    await client().policy({ partitions: 2 })
    const state = async () => (await lua().call('layout'))[0]
    expect(await state()).toBe('draining')
    const passUntil = holdTime(lua())
    const worker = start(() => {})
    await passUntil(async () => (await state()) === 'steady')
    expect((await lua().call('layout')).slice(0, 6)).toEqual(['steady', 2, 0, 0, 0, 1])
    expect(worker.told.map(([event]) => event)).toEqual(['completed'])
  })

  it('a forwarder fills a stream for each partition', async () => {
    const rapidfire = client({ policy: { partitions: 2, wait: 20 } })
    const forwarder = rapidfire.forwarder('batches')
    onTestFinished(() => forwarder.close())
    forwarder.run()
    await rapidfire.addMessages(keys(20).map((key) => ({ key, data: 1 })))
    const lengths = async () => await Promise.all([0, 1].map((n) => lua().redis.xlen(`rapid-fire:{orders:${n}}:stream:batches`)))
    await eventually(async () => expect((await lengths()).reduce((a, b) => a + b)).toBe(20))
    expect(Math.min(...(await lengths()))).toBeGreaterThan(3)
    await rapidfire.addMessage('ann', 1, { flush: true })
    expect((await rapidfire.forward('batches')).now).toBeGreaterThan(0)
  })

  it('a batch that is handled while its partition is retired is completed there', async () => {
    const rapidfire = client()
    await addDue(rapidfire, 1)
    const held = gate()
    const worker = start(() => held.opened, { lease: 3000 })
    await eventually(() => expect(worker.running).toBe(1))
    await client().policy({ partitions: 4 })
    await client().addMessage('key 0', 1, { flush: true })
    held.open()
    await eventually(() => expect(worker.told.map(([event]) => event)).toEqual(['completed', 'completed']))
    expect(await client().getStats()).toMatchObject({ messages: 0 })
  })
})
