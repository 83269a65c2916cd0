import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { partitionOf, rootKey } from '../../src/partitions/roots.ts'
import { describeBindings } from '../support/lua.ts'
import { proxyTo } from './proxy.ts'
import { eventually, useWorkers } from './workers.ts'

const [ONE, TWO] = [rootKey('orders', 0), rootKey('orders', 1)]

describeBindings('lanes of a worker', (lua) => {
  const { client, start } = useWorkers(lua)

  /** A client of a queue with two partitions, and keys of each. */
  async function partitioned() {
    const rapidfire = client({ policy: { partitions: 2 } })
    await rapidfire.getStats()
    const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`)
    const of = (partition: number) => keys.filter((key) => partitionOf(key, 2) === partition)
    const add = (some: string[]) => rapidfire.addMessages(some.map((key) => ({ key, data: 1, flush: true })))
    return { rapidfire, of, add }
  }

  it('lanes go on when several of them have lost what they knew at once', async () => {
    const { of, add } = await partitioned()
    const worker = start(() => {}, { timing: { pauses: [5, 20] } })
    await once(worker, 'ready')
    await lua().redis.del(ONE, TWO)
    await add([...of(0).slice(0, 3), ...of(1).slice(0, 3)])
    await eventually(() => expect(worker.told.filter(([event]) => event === 'completed')).toHaveLength(6))
    await eventually(() => expect(worker.isHealthy()).toBe(true))
  })

  it('lanes go on while another one of them fails, which the worker says is not healthy', async () => {
    const { of, add } = await partitioned()
    const worker = start(() => {}, { concurrency: 1, timing: { pauses: [5, 20], rest: 20 } })
    await once(worker, 'ready')
    await lua().redis.set(`${ONE}:due`, 'foreign')
    await add(of(1).slice(0, 30))
    await eventually(() => expect(worker.told.filter(([event]) => event === 'completed')).toHaveLength(30))
    await eventually(() => expect(worker.told.some(([event]) => event === 'error')).toBe(true))
    expect(worker.isHealthy()).toBe(false)
    await lua().redis.del(`${ONE}:due`)
    await eventually(() => expect(worker.isHealthy()).toBe(true))
  })

  it('lanes notice a subscription that is dead without a word while one of them fails', async () => {
    const { of, add } = await partitioned()
    const proxy = await proxyTo(lua().server.url)
    const timing = { pauses: [5, 20] as const, rest: 10, echoEvery: 100, echoWithin: 50 }
    const worker = start(() => {}, { timing }, client({ redis: proxy.url }))
    await once(worker, 'ready')
    await eventually(async () => expect((await lua().redis.pubsub('NUMSUB', `${lua().root}:wake`))[1]).toBe(1))
    await lua().redis.set(`${ONE}:due`, 'foreign')
    proxy.stall('subscribe')
    const texts = () => worker.told.flatMap(([event, error]) => (event === 'error' ? [error.message] : []))
    await eventually(() => expect(texts()).toContain('wake-ups do not arrive: the subscription is made anew'))
    await add(of(1).slice(0, 1))
    await eventually(() => expect(worker.told.map(([event]) => event)).toContain('completed'))
  })

  it('lanes that are forgotten while they are asked are not looked at any more', async () => {
    const thrown: unknown[] = []
    const note = (error: unknown) => thrown.push(error)
    process.on('uncaughtException', note)
    onTestFinished(() => void process.off('uncaughtException', note))
    const rapidfire = client()
    await rapidfire.getStats()
    const proxy = await proxyTo(lua().server.url)
    // Drained partitions are asked all the time, and answered some ms later, so that some are being asked when they are forgotten.
    const worker = start(() => {}, { timing: { rest: 1, maintainEvery: 5 } }, client({ redis: proxy.url }))
    await once(worker, 'ready')
    const delaying = setInterval(() => {
      proxy.letGo()
      proxy.hold()
    }, 3)
    onTestFinished(() => clearInterval(delaying))
    for (let partitions = 2; partitions <= 8; partitions += 1) {
      await rapidfire.policy({ partitions })
      await eventually(async () => expect((await lua().call('layout'))[0]).toBe('steady'))
      for (let turn = 0; turn < 50; turn += 1) await setImmediate()
    }
    clearInterval(delaying)
    proxy.letGo()
    expect(thrown).toEqual([])
    expect(worker.told).toEqual([])
    await rapidfire.addMessage('ann', 1, { flush: true })
    await eventually(() => expect(worker.told.map(([event]) => event)).toEqual(['completed']))
  })
})
