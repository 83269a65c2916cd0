import { expect, it, onTestFinished } from 'vitest'
import type { ForwardOptions } from '../../src/batches/forward.ts'
import { describeBindings } from '../support/lua.ts'
import { addDue, eventually, useWorkers } from './workers.ts'

describeBindings('a forwarder', (lua) => {
  const { client } = useWorkers(lua)
  const stream = () => `${lua().root}:stream:batches`
  const messages = async () => (await lua().redis.xrange(stream(), '-', '+')).map(([, fields]) => fields.at(-1))

  /** A forwarder that runs, with what it has told. */
  function start(options?: ForwardOptions) {
    const told = { moved: [] as number[], errors: [] as string[] }
    const forwarder = client().forwarder('batches', options)
    onTestFinished(() => forwarder.close())
    forwarder.on('forwarded', (batches) => told.moved.push(batches)).on('error', (error) => told.errors.push(error.message))
    forwarder.run()
    return Object.assign(forwarder, told)
  }

  it('a forwarder moves what is due into the stream, says how many batches, and leaves nothing behind', async () => {
    await addDue(client(), 3)
    const { moved } = start({ limit: 2 })
    await eventually(async () => expect(await messages()).toEqual(['0', '1', '2']))
    await client().addMessage('ann', 'later', { flush: true })
    await eventually(async () => expect(await messages()).toHaveLength(4))
    await eventually(() => expect(moved.reduce((sum, batches) => sum + batches, 0)).toBe(4))
    expect(Math.max(...moved)).toBeLessThanOrEqual(2)
    expect(await client().getStats()).toMatchObject({ messages: 0, active: 0, dead: 0 })
    await lua().holds()
  })

  it('a forwarder waits while the stream is full, and goes on when its groups have acknowledged', async () => {
    await addDue(client(), 2)
    const forwarder = start({ maxLength: 1 })
    const idle: number[] = []
    forwarder.on('idle', () => idle.push(forwarder.moved.length))
    await eventually(() => expect(forwarder.moved).toEqual([1]))
    await eventually(() => expect(forwarder.isHealthy()).toBe(true))
    expect(await messages()).toEqual(['0'])
    await lua().redis.xgroup('CREATE', stream(), 'bots', '0')
    const [[, [[id]]]] = (await lua().redis.xreadgroup('GROUP', 'bots', 'one', 'STREAMS', stream(), '>')) as any
    await lua().redis.xack(stream(), 'bots', id)
    await eventually(async () => expect(await messages()).toEqual(['1']))
    await eventually(() => expect(forwarder.moved).toEqual([1, 1]))
    // The stream is full again: it cannot know whether that was all.
    expect(idle).toEqual([])
  })

  it('a forwarder looks again soon when it has filled the stream, and what is next is due much later', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 'later', { wait: 3_600_000, maxWait: 3_600_000 })
    await addDue(rapidfire, 1)
    const { moved } = start({ maxLength: 1 })
    await eventually(() => expect(moved).toEqual([1]))
    await lua().redis.xtrim(stream(), 'MAXLEN', 0)
    await rapidfire.addMessage('bob', 'now', { flush: true })
    await eventually(async () => expect(await messages()).toEqual(['"now"']))
  })

  it('a forwarder says so when there is no stream that it could write into, keeps the batches, and goes on when there is', async () => {
    await lua().redis.set(stream(), 'mine')
    await addDue(client(), 1)
    const forwarder = start()
    await eventually(() => expect(forwarder.errors[0]).toMatch(/expected a stream/))
    expect(forwarder.isHealthy()).toBe(false)
    expect(await client().getStats()).toMatchObject({ messages: 1 })
    await lua().redis.del(stream())
    await eventually(async () => expect(await messages()).toEqual(['0']))
    await eventually(() => expect(forwarder.isHealthy()).toBe(true))
  })

  it('a forwarder reports what a listener throws, does not take it for a failure of Redis, and says when it has moved all', async () => {
    await addDue(client(), 3)
    const forwarder = client().forwarder('batches')
    onTestFinished(() => forwarder.close())
    const told: string[] = []
    forwarder.on('error', (error) => told.push(error.message)).on('idle', () => told.push('idle'))
    forwarder.on('forwarded', (batches) => {
      throw new Error(`a listener of ${batches}`)
    })
    forwarder.run()
    await eventually(() => expect(told).toEqual(['a listener of 3', 'idle']))
    expect(forwarder.isHealthy()).toBe(true)
    expect(await messages()).toHaveLength(3)
  })
})
