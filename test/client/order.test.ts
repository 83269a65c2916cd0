import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Schema } from '../../src/messages/schema.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import { describeBindings } from '../support/lua.ts'
import { proxyTo } from '../worker/proxy.ts'
import { gate, useClients } from './clients.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

describeBindings('the order of a key', (lua) => {
  const client = useClients(lua)
  const stored = async (rapidfire: RapidFire<any>, key = 'ann') => (await rapidfire.peek(key, 1000)).messages.map(({ data }) => data)
  const roomy = { policy: { maxSize: 500, maxBacklog: 100_000 } }

  it('holds when some of its messages wait for replicas and others do not', async () => {
    const rapidfire = client()
    const waiting = { durability: { replicas: 1, timeout: 20 } }
    await Promise.all([
      rapidfire.addMessage('bob', 0, waiting),
      ...upTo(9).map((n) => rapidfire.addMessage('ann', n, n % 3 === 0 ? waiting : {})),
    ])
    expect(await stored(rapidfire)).toEqual(upTo(9))
  })

  it('holds for many messages that are added at once, one by one and as a list', async () => {
    const rapidfire = client(roomy)
    const list = (from: number) => upTo(400).map((n) => ({ key: n % 4 === 0 ? 'bob' : 'ann', data: from + n }))
    await Promise.all([rapidfire.addMessages(list(0)), rapidfire.addMessage('ann', 500), rapidfire.addMessages(list(1000))])
    const expected = (from: number) => upTo(400).flatMap((n) => (n % 4 === 0 ? [] : [from + n]))
    expect(await stored(rapidfire)).toEqual([...expected(0), 500, ...expected(1000)])
  })

  it('holds when the answer of an earlier call is lost, and that call is repeated', async () => {
    let cuts = 0
    const proxy = await proxyTo(lua().server.url, { reply: ({ client: socket }) => cuts > 0 && cuts-- > 0 && socket.destroy() })
    const rapidfire = client({ redis: proxy.url, ...roomy })
    await rapidfire.addMessage('ann', 0, { id: '0' })
    for (const base of [0, 20, 40]) {
      cuts = 3
      const adds: Promise<unknown>[] = []
      for (let n = base + 1; n <= base + 20; n += 1) {
        adds.push(rapidfire.addMessage('ann', n, { id: String(n) }), rapidfire.addMessage(`other ${n}`, n, { id: 'id' }))
        for (let turn = 0; turn < 20; turn += 1) await setImmediate()
      }
      await Promise.all(adds)
    }
    expect(await stored(rapidfire)).toEqual([0, ...upTo(60)])
  })

  it('holds when a schema is asynchronous and takes its time with some', async () => {
    const gates = upTo(4).map(gate)
    const schema: Schema<number> = {
      '~standard': {
        validate: (value) => {
          const n = value as number
          if (n > 90) return { issues: [{ message: 'too large' }] }
          return n <= 4 ? (gates[n - 1] as ReturnType<typeof gate>).opened.then(() => ({ value: n })) : { value: n }
        },
      },
    }
    const rapidfire = client({ schema })
    const refused: unknown[] = []
    const adds: Promise<unknown>[] = [
      rapidfire.addMessage('ann', 1),
      rapidfire.addMessage('ann', 5),
      rapidfire.addMessages([
        { key: 'ann', data: 2 },
        { key: 'bob', data: 6 },
      ]),
      rapidfire.addMessage('ann', 99).catch((error) => refused.push(error.code)),
      rapidfire.addMessage('ann', 3),
      rapidfire.addMessage('bob', 7),
      rapidfire.addMessages([
        { key: 'ann', data: 4 },
        { key: 'ann', data: 8 },
      ]),
    ]
    expect(await rapidfire.addMessage('cid', 9)).toMatchObject({ status: 'added' })
    for (const { open } of gates.reverse()) {
      open()
      await setImmediate()
    }
    await Promise.all(adds)
    expect(await stored(rapidfire)).toEqual([1, 5, 2, 3, 4, 8])
    expect(await stored(rapidfire, 'bob')).toEqual([6, 7])
    expect(refused).toEqual(['BAD_DATA'])
  })

  it('is kept until the last message when the client is closed with many under way', async () => {
    const rapidfire = client(roomy)
    await rapidfire.addMessage('ann', 0)
    const adds = upTo(500).map((n) => rapidfire.addMessage('ann', n))
    await rapidfire.close()
    expect(await Promise.all(adds)).toHaveLength(500)
    expect(await stored(client())).toEqual([0, ...upTo(500)])
  })

  it('costs a key alone: the messages of others do not wait for it', async () => {
    const rapidfire = client(roomy)
    await rapidfire.addMessage('ann', 0)
    const done: string[] = []
    await Promise.all([
      ...upTo(600).map((n) => rapidfire.addMessage('ann', n).then(() => done.push('ann'))),
      rapidfire.addMessage('bob', 1).then(() => done.push('bob')),
    ])
    expect(done.indexOf('bob')).toBeLessThan(300)
  })
})
