import { expect, it } from 'vitest'
import { REGISTRY } from '../../src/redis/registry.ts'
import { useClients } from '../client/clients.ts'
import { describeBindings } from '../support/lua.ts'
import { keep, restore, restoreHash } from '../support/roots.ts'
import { setBy } from '../support/settings.ts'

const ROOT = 'rapid-fire:{orders}'
const part = (n: number) => `rapid-fire:{orders:${n}}`

describeBindings('the roots of a queue', (lua) => {
  const client = useClients(lua)
  const KEYS = Array.from({ length: 20 }, (_, n) => `key ${n}`)
  const fill = (data: number) => client().addMessages(KEYS.map((key) => ({ key, data, flush: true })))
  const found = async (repair = false) =>
    (await client().check({ repair })).violations.map(({ law, root, text, mended, unmended }) => ({ law, root, text, mended, unmended }))
  const laws = async () => (await found()).map(({ law, root }) => `${law} ${root}`).sort()

  /** Expects these laws to be broken, changes nothing by looking, mends them, and expects that all is handed over then. */
  async function expectMended(expected: string[], messages: number): Promise<void> {
    const before = await lua().keyspace()
    expect(await laws()).toEqual(expected.sort())
    expect(await lua().keyspace()).toEqual(before)
    for (const { mended } of await found(true)) expect(mended).toEqual(expect.any(String))
    expect(await laws()).toEqual([])
    let handled = 0
    await client().processPendingBatches((batch) => void (handled += batch.messages.length))
    expect(handled).toBe(messages)
    expect(await laws()).toEqual([])
  }

  it('are in order while a queue has no partitions, and while they change', async () => {
    await client({ policy: { wait: 3000 } }).addMessage('ann', 1)
    expect(await laws()).toEqual([])
    for (const partitions of [2, 3]) {
      await client().policy({ partitions })
      await fill(partitions)
      expect(await laws()).toEqual([])
      for (let n = 0; n < 3; n += 1) {
        await lua().tick(7_200_000)
        await client().processPendingBatches(() => {})
        expect(await laws()).toEqual([])
      }
    }
  })

  it('are found to disagree when the root of the queue has lost its only change', async () => {
    const earlier = await keep(lua().redis, ROOT)
    await client({ policy: { partitions: 2 } }).getStats()
    await fill(1)
    await restore(lua().redis, ROOT, earlier)
    expect((await found()).find(({ law }) => law === 'layout-known')?.text).toBe(
      'it has missed a change of the partitions: the last that it knows is number 0, rapid-fire:{orders:0} knows 1: who asks here does not find the messages in the newer ones',
    )
    await expectMended([`layout-known ${ROOT}`, `serves-no-more ${ROOT}`], 20)
  })

  it('are found to disagree when the root of the queue, and all that knew better, have lost the last change', async () => {
    await client().policy({ partitions: 2 })
    const roots = [ROOT, part(0), part(1)]
    const earlier = await Promise.all(roots.map((root) => keep(lua().redis, root)))
    await client().policy({ partitions: 2 + 1 })
    await fill(1)
    for (const [n, root] of roots.entries()) await restore(lua().redis, root, earlier[n])
    await expectMended([`layout-known ${ROOT}`, `serves-no-more ${part(0)}`, `serves-no-more ${part(1)}`], 20)
  })

  it('are found to disagree when one that should serve has lost its data', async () => {
    await client().policy({ partitions: 2 })
    await fill(1)
    const left = await lua()
      .redis.llen(`${part(0)}:due`)
      .catch(() => lua().redis.zcard(`${part(0)}:due`))
    await restore(lua().redis, part(1))
    await expectMended([`serves ${part(1)}`], left)
  })

  it('are found to disagree when one that serves no more takes messages again, which no layout names', async () => {
    await client().policy({ partitions: 2 })
    const earlier = await keep(lua().redis, part(0))
    const idle = client()
    await idle.getStats()
    for (const partitions of [3, 4]) await client().policy({ partitions })
    await restore(lua().redis, part(0), earlier)
    await lua().callWith('add', [part(0)], 'ann', '1', 'FLUSH')
    expect((await found())[0]?.text).toBe(
      'it takes messages of new conversations, though it does not belong to the partitions that serve; 1 conversation has messages in it',
    )
    await expectMended([`serves-no-more ${part(0)}`], 1)
  })

  it('are found to disagree when messages lie in one that nobody looks at', async () => {
    await client().policy({ partitions: 2 })
    await fill(1)
    const earlier = await keep(lua().redis, part(1))
    await client().processPendingBatches(() => {})
    await client().policy({ partitions: 1 })
    await client().policy({ partitions: 2 })
    // It comes back with its messages, retired as it was.
    const hash = await keep(lua().redis, part(1))
    await restore(lua().redis, part(1), earlier)
    await restoreHash(lua().redis, part(1), hash)
    // Some of them have options.
    await setBy(lua().redis, part(1), { options: 1 })
    const messages = await lua().redis.zcard(`${part(1)}:due`)
    await lua().redis.hincrby(part(1), 'completedMessages', -messages)
    await expectMended([`drained ${part(1)}`], messages)
  })

  it('are found to have different policies, and get that of the root of the queue', async () => {
    await client().policy({ partitions: 2, wait: 3000 })
    await lua().callWith('policy', [part(1)], 'WAIT', 4000, 'MAXSIZE', 3)
    expect((await found())[0]?.text).toBe('wait is 4000 here and 3000 in the root of the queue')
    await lua().call('policy', 'MAXSIZE', 7)
    await expectMended([`policy-differs ${part(0)}`, `policy-differs ${part(1)}`], 0)
    expect((await lua().callWith('policy', [part(1)])).slice(0, 6)).toEqual(['wait', 3000, 'maxWait', 60_000, 'maxSize', 7])
  })

  it('tell of a change that was broken off', async () => {
    await lua().call('repartition', 'PREPARE', 4)
    await lua().redis.zadd(REGISTRY, 0, 'orders')
    expect(await found()).toMatchObject([{ law: 'change-ends', text: 'a change to 4 partitions was begun and has not been ended' }])
    await expectMended([`change-ends ${ROOT}`], 0)
  })

  it('that are of another type, or contradict each other, are left to a person', async () => {
    await client().policy({ partitions: 2 })
    await fill(1)
    await lua().redis.set(part(7), 'mine')
    await lua().callWith('partition', [part(3)], 'RETIRE', 'GENERATION', 1, 'LAYOUT', '4:0:0:0')
    const expected = [`one-layout ${part(3)}`, `root-type ${part(7)}`]
    expect(await laws()).toEqual(expected)
    expect((await found(true)).map(({ mended }) => mended)).toEqual([undefined, undefined])
    expect(await laws()).toEqual(expected)
  })

  it('of another queue, whose name begins alike, are not looked at', async () => {
    await client({ queue: 'orders2' }).addMessage('ann', 1)
    await lua().redis.del('rapid-fire:{orders2}:due')
    await client().addMessage('ann', 1)
    expect(await laws()).toEqual([])
  })

  it('are scanned for once, however many there are', async () => {
    await client().policy({ partitions: 32 })
    await fill(1)
    await lua().redis.config('RESETSTAT')
    expect(await client().check()).toMatchObject({ keys: 20, violations: [] })
    const scans = Number(/cmdstat_scan:calls=(\d+)/.exec(await lua().redis.info('commandstats'))?.[1])
    expect(scans).toBeLessThan(5)
  })

  it('are scanned for once, however many keys are not ours', async () => {
    await client().policy({ partitions: 16 })
    const foreign = lua().redis.pipeline()
    for (let n = 0; n < 10_000; n += 1) foreign.set(`foreign:${n}`, n)
    await foreign.exec()
    await fill(1)
    await lua().redis.config('RESETSTAT')
    expect(await client().check()).toMatchObject({ keys: 20, violations: [] })
    // 500 names at a time, and a few more at the seams.
    const scans = Number(/cmdstat_scan:calls=(\d+)/.exec(await lua().redis.info('commandstats'))?.[1])
    expect(scans).toBeLessThan(30)
  })
})
