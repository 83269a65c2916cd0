import { expect, it } from 'vitest'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings } from '../support/lua.ts'
import { texts } from './dead-batches.ts'

describeBindings('fail with KEEP', (lua) => {
  const intact = async () => expect(await brokenLaws(lua().redis, lua().root)).toEqual([])

  /** A claimed batch of the messages 1, 2, 3 of ann, with 4 behind it; its token. */
  async function claimed(): Promise<string> {
    await lua().call('add', 'ann', 1, 'NEXT', 'ann', 2, 'NEXT', 'ann', 3, 'FLUSH')
    const [, , batch] = await lua().call('claim_ready')
    await lua().call('add', 'ann', 4)
    return batch[1]
  }

  it.each([
    ['1', ['1']],
    ['2', ['2']],
    ['1,3', ['1', '3']],
    ['1,2,3', ['1', '2', '3']],
  ])('hands out again what is kept by %s, with the same id, in front of the newer messages', async (keep, kept) => {
    const token = await claimed()
    expect(await lua().call('fail', 'ann', token, 'DELAY', 0, 'KEEP', keep)).toBe('retry')
    const stats = Object.fromEntries(chunks(await lua().call('stats')))
    expect(stats).toMatchObject({ completed: 0, completedMessages: 3 - kept.length, failed: 1, messages: kept.length + 1, queued: 1 })
    await intact()
    const [, , again] = await lua().call('claim_ready')
    expect(again[1]).toBe(token.replace(/1$/, '2'))
    expect(texts(again[5])).toEqual(kept)
    await lua().call('complete', 'ann', again[1])
    await lua().tick(10_000)
    const [, , newer] = await lua().call('claim_ready')
    expect(texts(newer[5])).toEqual(['4'])
    await lua().call('complete', 'ann', newer[1])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
    await intact()
  })

  it('keeps less and less', async () => {
    let token = await claimed()
    for (const keep of ['1,3', '2']) {
      await lua().call('fail', 'ann', token, 'DELAY', 0, 'KEEP', keep)
      const [, , again] = await lua().call('claim_ready')
      token = again[1]
    }
    expect((await lua().call('peek', 'ann'))[5]).toBe(1)
    expect(texts((await lua().call('peek', 'ann'))[7])).toEqual(['3', '4'])
    await intact()
  })

  it('buries what is kept in the last attempt', async () => {
    const token = await claimed()
    expect(await lua().call('fail', 'ann', token, 'ATTEMPTS', 1, 'KEEP', '2')).toBe('dead')
    const [batch] = await lua().call('dead', 'ID', token.slice(0, -2))
    expect(texts(batch[9])).toEqual(['2'])
    expect(texts((await lua().call('peek', 'ann'))[7])).toEqual(['4'])
    await intact()
  })

  it('says the same to a second call, and takes nothing more out', async () => {
    const token = await claimed()
    await lua().call('fail', 'ann', token, 'KEEP', '2,3')
    const before = await lua().keyspace()
    expect(await lua().call('fail', 'ann', token, 'KEEP', '2')).toBe('retry')
    expect(await lua().keyspace()).toEqual(before)
  })

  it('leaves the options of the messages with them', async () => {
    await lua().call('add', 'ann', 1, 'WAIT', 5000, 'NEXT', 'ann', 2, 'FLUSH', 'NEXT', 'ann', 3, 'FLUSH')
    const [, , batch] = await lua().call('claim_ready')
    expect(texts(batch[5])).toEqual(['1', '2'])
    await lua().call('fail', 'ann', batch[1], 'DELAY', 0, 'KEEP', '1')
    const [, , again] = await lua().call('claim_ready')
    expect(texts(again[5])).toEqual(['1'])
    await lua().call('complete', 'ann', again[1])
    const [, , last] = await lua().call('claim_ready')
    expect(texts(last[5])).toEqual(['3'])
    await lua().call('complete', 'ann', last[1])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
  })

  it.each([['0'], ['4'], ['2,1'], ['1,1'], ['1,'], [','], [''], ['1 2'], ['x'], ['1'.repeat(8193)]])(
    'refuses %j and changes nothing',
    async (keep) => {
      const token = await claimed()
      const before = await lua().keyspace()
      await expect(lua().call('fail', 'ann', token, 'KEEP', keep)).rejects.toThrow(/^RAPIDFIRE_BAD_ARGUMENT/)
      expect(await lua().keyspace()).toEqual(before)
    },
  )

  it('is refused with a stale token', async () => {
    const token = await claimed()
    await lua().tick(30_000)
    await lua().call('claim_ready')
    const before = await lua().keyspace()
    expect(await lua().call('fail', 'ann', token, 'KEEP', '1')).toBe('lost')
    expect(await lua().keyspace()).toEqual(before)
  })
})

const chunks = (flat: unknown[]) => Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]])
