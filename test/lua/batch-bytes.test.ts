import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

const MIB = 1_048_576
/** Bytes of a message beside its data: its time, two blanks and the length of no id. */
const HEADER = 16

describeBindings('maxBatchBytes', (lua) => {
  const add = (key: string, bytes: number, ...tokens: (string | number)[]) => lua().call('add', key, 'x'.repeat(bytes - HEADER), ...tokens)
  const taken = async (...args: (string | number)[]) => {
    const { batches } = await lua().claim(...args)
    return batches.map(({ key, reason, deadline, due, messages }) => [key, messages.length, reason, deadline - START, due - START])
  }
  const finish = async () => {
    const claims = await lua().redis.hgetall(`${lua().root}:claims`)
    for (const [key, claim] of Object.entries(claims)) {
      expect(await lua().call('complete', key, claim.split(':').slice(0, 2).join(':'))).toEqual(['completed'])
    }
  }
  const readOf = async (run: () => Promise<unknown>) => {
    await lua().redis.config('RESETSTAT')
    await run()
    const stats = await lua().redis.info('commandstats')
    return Object.fromEntries(
      [...stats.matchAll(/cmdstat_(lrange|lindex|llen):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]),
    )
  }

  it.each([
    [100, 3],
    [99, 2],
  ])('hands over what fits into %d bytes, and then the rest at once when all was quiet', async (most, count) => {
    await lua().call('policy', 'MAXBATCHBYTES', most)
    for (const bytes of [30, 40, 30, 50]) await add('ann', bytes)
    await lua().tick(10_000)
    expect(await taken()).toEqual([['ann', count, 'bytes', 10_000, 10_000]])
    await lua().tick(5)
    await finish()
    // The rest came at START: its deadline has passed, and it could be claimed when the batch before it ended.
    expect(await taken()).toEqual([['ann', 4 - count, 'wait', 10_000, 10_005]])
    expect(await lua().stats()).toMatchObject({ 'closedBy:bytes': 1, 'closedBy:wait': 1, latenessSum: 0 })
    await finish()
    await lua().holds()
  })

  it.each([
    [100, 3],
    [99, 2],
  ])('hands over what fits into %d bytes of messages with options, to the last byte', async (most, count) => {
    await lua().call('policy', 'MAXBATCHBYTES', most)
    for (const bytes of [30, 40, 30, 50]) await add('ann', bytes - ',W1000'.length, 'WAIT', 1000)
    await lua().tick(1000)
    expect(await taken()).toEqual([['ann', count, 'bytes', 1000, 1000]])
    await lua().holds()
  })

  it('reads on when all that it has read fits to the last byte, and hands over no more than that', async () => {
    await lua().call('policy', 'MAXBATCHBYTES', 300, 'MAXSIZE', 15)
    for (let n = 0; n < 15; n += 1) await add('ann', 30)
    expect(await taken()).toEqual([['ann', 10, 'bytes', 0, 0]])
    await finish()
    await lua().tick(10_000)
    expect(await taken()).toEqual([['ann', 5, 'wait', 10_000, 10_000]])
    await lua().holds()
  })

  it.each([[[]], [['WAIT', 10_000]]])('hands over a larger message alone, with options %j', async (tokens) => {
    await lua().call('policy', 'MAXBATCHBYTES', 1)
    for (let n = 0; n < 3; n += 1) await add('ann', 30, ...tokens)
    await lua().tick(10_000)
    for (const reason of ['bytes', 'bytes', 'wait']) {
      expect(await taken()).toEqual([['ann', 1, reason, 10_000, expect.any(Number)]])
      await finish()
    }
    await lua().holds()
  })

  it.each([[[]], [['WAIT', 10_000]]])(
    'waits for what comes behind the largest message as behind any other, with options %j',
    async (tokens) => {
      await lua().call('policy', 'MAXMESSAGEBYTES', MIB)
      await add('ann', MIB + HEADER, ...tokens)
      await lua().tick(5000)
      await add('ann', 30, ...tokens)
      await lua().tick(5000)
      expect(await taken()).toEqual([])
      await lua().tick(5000)
      expect((await lua().call('peek', 'ann')).slice(0, 7)).toEqual(['ready', START + 15_000, START + 15_000, 0, '', 1, 2])
      expect(await taken()).toEqual([['ann', 1, 'bytes', 15_000, 15_000]])
      await lua().holds()
    },
  )

  it('makes no batch due earlier, and the rest waits as behind any full batch', async () => {
    await lua().call('policy', 'MAXBATCHBYTES', 60, 'MAXSIZE', 4)
    for (let n = 0; n < 4; n += 1) {
      await add('ann', 30)
      if (n < 3) await lua().tick(1000)
      if (n < 3) expect(await taken()).toEqual([])
    }
    // It has four messages, and so it is closed.
    expect(await taken()).toEqual([['ann', 2, 'bytes', 3000, 3000]])
    await finish()
    expect(await taken()).toEqual([])
    await lua().tick(10_000)
    expect(await taken()).toEqual([['ann', 2, 'wait', 13_000, 13_000]])
    await lua().holds()
  })

  it('is not due earlier for it, unless the newest message flushes what does not fit either', async () => {
    await lua().call('policy', 'MAXBATCHBYTES', 80)
    await add('ann', 36, 'WAIT', 5000)
    await lua().tick(100)
    await add('ann', 30)
    expect(await taken()).toEqual([])
    await lua().tick(100)
    await add('ann', 30, 'FLUSH')
    expect((await lua().call('peek', 'ann')).slice(0, 7)).toEqual(['ready', START + 200, START + 200, 0, '', 2, 3])
    expect(await taken()).toEqual([['ann', 2, 'bytes', 200, 200]])
    await finish()
    expect(await taken()).toEqual([['ann', 1, 'flush', 200, 200]])
    await lua().holds()
  })

  it('shows how many messages the batch at the head has', async () => {
    await lua().call('policy', 'MAXBATCHBYTES', 60)
    for (let n = 0; n < 3; n += 1) await add('ann', 30)
    expect((await lua().call('peek', 'ann')).slice(0, 7)).toEqual(['collecting', START, START + 10_000, 0, '', 2, 3])
  })

  it('reads small messages at once, and large ones a few at a time, little more than a MiB of a key', async () => {
    for (let n = 0; n < 10; n += 1) await add('small', 100)
    expect(await readOf(() => taken())).toEqual({ lrange: 1 })
    await lua().call('policy', 'MAXMESSAGEBYTES', MIB, 'MAXSIZE', 500)
    for (let n = 0; n < 20; n += 1) await add('large', 500_000)
    expect((await lua().settings()).largest).toBe('524288')
    await lua().tick(10_000)
    const made = await readOf(async () => expect(await taken()).toEqual([['large', 2, 'bytes', 10_000, 10_000]]))
    // Two messages fit, and one is read that does not.
    expect(made).toEqual({ lrange: 2, llen: 1, lindex: 1 })
    await lua().holds()
  })

  it('tells a deadline by the ends of a batch, however many messages it has', async () => {
    await lua().call('policy', 'MAXSIZE', 500, 'MAXBACKLOG', 5000)
    for (let n = 0; n < 15; n += 1) {
      await lua().call(
        'add',
        ...Array.from({ length: 100 }, (_, m) => ['NEXT', 'ann', `${n}.${m}`])
          .flat()
          .slice(1),
      )
    }
    const { token, messages } = await lua().claimOne()
    expect(messages).toHaveLength(500)
    expect(await readOf(() => lua().call('complete', 'ann', token))).toEqual({ llen: 2, lindex: 2 })
    await lua().holds()
  })

  it('tells when a batch was due that is claimed again by the same call, or was given back', async () => {
    await add('ann', 30)
    await lua().tick(10_007)
    const first = await lua().claim('NONCE', 'me/1', 'LEASE', 1000)
    expect(first.batches[0]?.due).toBe(START + 10_000)
    await lua().tick(500)
    expect((await lua().claim('NONCE', 'me/1', 'LEASE', 1000)).batches).toEqual(first.batches)
    await lua().call('release', 'ann', first.batches[0]?.token as string)
    await lua().tick(3)
    expect((await lua().claimOne()).due).toBe(START + 10_507)
  })
})
