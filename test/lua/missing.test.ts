import { expect, it } from 'vitest'
import { describeBindings, START, type TakenBatch } from '../support/lua.ts'

/** For how long an entry is put off whose list is missing, and the ms to which its score is rounded up. */
const PUT_OFF = 10_001

// As it is for a while when a node of a cluster dies half-way through the move of a slot: the indexes are here, and a list is not.
describeBindings('a list that is missing for a while', (lua) => {
  const list = (key: string) => `${lua().root}:messages:${key}`
  const add = (key: string, ...args: (string | number)[]) => lua().call('add', key, ...args)
  const datas = (batches: TakenBatch[]) => Object.fromEntries(batches.map(({ key, messages }) => [key, messages.map(({ data }) => data)]))
  const nothingLeft = async () => expect(Object.keys(await lua().keyspace())).toEqual([lua().root])

  /** Takes a list away. Returns what brings it back. */
  async function away(key: string): Promise<() => Promise<unknown>> {
    const dump = await lua().redis.dumpBuffer(list(key))
    await lua().redis.del(list(key))
    return () => lua().redis.restore(list(key), 0, dump as Buffer)
  }

  it.each([
    ['', []],
    [', in a queue with options of single messages', ['MAXWAIT', 50_000]],
  ])('of a batch that is completed meanwhile: only what is behind it is handed over%s', async (_, options) => {
    await add('ann', 'one', ...options, 'NEXT', 'ann', 'two', 'FLUSH')
    const { token } = await lua().claimOne()
    await add('ann', 'three', ...options)
    const back = await away('ann')
    await lua().tick(5000)
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    await back()
    await add('ann', 'four')
    expect((await lua().claim()).batches).toEqual([])
    await lua().tick(PUT_OFF)
    const next = await lua().claimOne()
    expect(next).toMatchObject({ attempt: 1, deadline: START + 15_000, messages: [{ data: 'three' }, { data: 'four' }] })
    await lua().holds()
    await lua().call('complete', 'ann', next.token)
    expect(await lua().stats()).toMatchObject({ completed: 2, completedMessages: 4, redelivered: 0, messages: 0 })
    await nothingLeft()
    await lua().holds()
  })

  it('of a batch that is completed meanwhile: nothing is left when nothing is behind it', async () => {
    await add('ann', 'one', 'FLUSH')
    const { token } = await lua().claimOne('NONCE', 'w/1')
    const back = await away('ann')
    await lua().tick(1)
    expect(await lua().call('complete', 'NONCE', 'w/2', 'ann', token)).toEqual(['completed'])
    expect(await lua().call('complete', 'NONCE', 'w/2', 'ann', token)).toEqual(['completed'])
    await back()
    await lua().tick(PUT_OFF)
    expect(await lua().claim()).toMatchObject({ next: 0, batches: [] })
    expect(await lua().stats()).toMatchObject({ completed: 1, completedMessages: 1, messages: 0 })
    await lua().holds()
  })

  it('is forgotten when it is missing ten seconds later as well, as one that somebody has deleted', async () => {
    await add('ann', 'one', 'NEXT', 'ann', 'two', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().redis.del(list('ann'))
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    expect(await lua().claim()).toMatchObject({ next: lua().now + PUT_OFF, batches: [] })
    await lua().tick(PUT_OFF)
    expect(await lua().claim()).toMatchObject({ next: 0, batches: [] })
    expect(await lua().stats()).toMatchObject({ completed: 1, completedMessages: 2, messages: 0, active: 0 })
    await nothingLeft()
    await lua().holds()
  })

  it('disturbs no other batch that is completed in the same call', async () => {
    await add('ann', '1', 'FLUSH', 'NEXT', 'bob', '1', 'FLUSH', 'NEXT', 'carl', '1', 'FLUSH', 'NEXT', 'carl', '2')
    const pairs = (await lua().claim()).batches.flatMap(({ key, token }) => [key, token])
    await lua().redis.del(list('bob'))
    expect(await lua().call('complete', ...pairs)).toEqual(['completed', 'completed', 'completed'])
    expect(await lua().redis.zrange(`${lua().root}:active`, 0, '-1')).toEqual(['bob'])
    expect(await lua().redis.hkeys(`${lua().root}:claims`)).toEqual(['bob'])
    expect(await lua().redis.zrange(`${lua().root}:due`, 0, '-1')).toEqual(['carl'])
    expect(await lua().stats()).toMatchObject({ completed: 3, completedMessages: 3, messages: 1 })
  })

  it('makes the token of a completed batch void', async () => {
    await add('ann', '1', 'FLUSH')
    const { token } = await lua().claimOne('NONCE', 'w/1')
    const back = await away('ann')
    await lua().call('complete', 'ann', token)
    for (const call of [() => {}, back]) {
      await call()
      expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
      expect(await lua().call('extend', 60_000, 'ann', token)).toEqual(['lost', 0])
      expect(await lua().call('fail', 'ann', token)).toBe('lost')
      expect(await lua().call('release', 'ann', token)).toBe('lost')
      expect((await lua().claim('NONCE', 'w/1')).batches).toEqual([])
    }
    await lua().tick(PUT_OFF)
    expect(await lua().claim()).toMatchObject({ next: 0, batches: [] })
  })

  it.each([
    ['in the ms of its claim', 0, []],
    ['later', 3000, []],
    ['with an option', 3000, ['WAIT', 9000]],
    ['that is ready at once', 3000, ['FLUSH']],
    ['that is not due yet when the list is looked for', 3000, ['WAIT', 20_000]],
  ])('never takes a message along that comes before the list is back: %s', async (_, ms, options) => {
    await add('ann', 'old', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().redis.del(list('ann'))
    await lua().tick(ms)
    await lua().call('complete', 'ann', token)
    await add('ann', 'new', ...options)
    const handed: string[][] = []
    for (let n = 0; n < 25; n += 1) {
      for (const { key, token: proof, messages } of (await lua().claim()).batches) {
        handed.push(messages.map(({ data }) => data))
        expect(await lua().call('complete', key, proof)).toEqual(['completed'])
      }
      await lua().tick(1000)
    }
    expect(handed).toEqual([['new']])
    expect(await lua().stats()).toMatchObject({ completed: 2, completedMessages: 2, messages: 0 })
    await nothingLeft()
    await lua().holds()
  })

  it('does not keep a message waiting that comes before the list is back', async () => {
    await add('ann', 'old')
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().redis.del(list('ann'))
    await lua().call('complete', 'ann', token)
    await add('ann', 'new')
    await lua().tick(5000)
    await add('ann', 'newer')
    await lua().tick(5000)
    expect(await lua().claim()).toMatchObject({ next: START + 25_000, batches: [] })
    await lua().holds()
    await lua().tick(5000)
    expect(await lua().claimOne()).toMatchObject({ deadline: START + 25_000, messages: [{ data: 'new' }, { data: 'newer' }] })
    await lua().holds()
  })

  it('takes none of the messages along that come back from the dead before it is there again', async () => {
    await add('ann', 'dead', 'FLUSH')
    const { token: first } = await lua().claimOne()
    expect(await lua().call('fail', 'ann', first, 'ATTEMPTS', 1)).toBe('dead')
    await add('ann', 'old', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().redis.del(list('ann'))
    await lua().call('complete', 'ann', token)
    expect(await lua().call('requeue', first.replace(/:1$/, ''))).toEqual(['requeued'])
    await lua().tick(10_000)
    expect(datas((await lua().claim()).batches)).toEqual({ ann: ['dead'] })
    await lua().holds()
  })

  it('holds no message back that has come behind the batch and is not due yet', async () => {
    await add('ann', 'one', 'FLUSH')
    const { token } = await lua().claimOne()
    const back = await away('ann')
    await lua().call('complete', 'ann', token)
    await back()
    await lua().tick(5000)
    await add('ann', 'two')
    await lua().tick(PUT_OFF - 5000)
    expect(await lua().claim()).toMatchObject({ next: START + 15_000, batches: [] })
    await lua().holds()
    await lua().tick(START + 15_000 - lua().now)
    expect(await lua().claimOne()).toMatchObject({ messages: [{ data: 'two' }] })
  })

  it.each([
    ['when the list is back', false, ''],
    ['when there is a new list', true, 'claim removed, removed from active'],
  ])('may be repaired meanwhile: %s', async (_, deleted, done) => {
    await add('ann', 'old', 'FLUSH')
    const { token } = await lua().claimOne()
    const back = await away('ann')
    await lua().call('complete', 'ann', token)
    if (!deleted) await back()
    await add('ann', 'new')
    expect(await lua().call('repair', 'messages:ann')).toEqual([done])
    await lua().tick(PUT_OFF)
    expect(datas([await lua().claimOne()])).toEqual({ ann: ['new'] })
    await lua().holds()
  })

  it.each([
    ['for the last time', ['ATTEMPTS', 1], ['1', '2']],
    ['of which one message failed', ['KEEP', '2'], ['1', '2']],
    ['that is tried again', [], ['1', '2']],
  ])('of a batch that fails meanwhile: it is tried again: %s', async (_, args, messages) => {
    await add('ann', '1', 'NEXT', 'ann', '2', 'FLUSH')
    const { token } = await lua().claimOne()
    await add('ann', '3')
    const back = await away('ann')
    expect(await lua().call('fail', 'ann', token, ...args)).toBe('retry')
    expect(await lua().call('fail', 'ann', token, ...args)).toBe('retry')
    expect(await lua().stats()).toMatchObject({ dead: 0, died: 0, completedMessages: 0 })
    await lua().tick(1000)
    expect((await lua().claim()).batches).toEqual([])
    await back()
    await lua().holds()
    await lua().tick(PUT_OFF)
    expect(datas((await lua().claim()).batches)).toEqual({ ann: messages })
    await lua().holds()
  })

  it('of a batch that is given back meanwhile: it is handed over again', async () => {
    await add('ann', '1', 'FLUSH')
    const { token } = await lua().claimOne()
    const back = await away('ann')
    expect(await lua().call('release', 'ann', token)).toBe('released')
    expect((await lua().claim()).batches).toEqual([])
    await back()
    await lua().tick(PUT_OFF)
    expect(await lua().claimOne()).toMatchObject({ attempt: 1, messages: [{ data: '1' }] })
    await lua().holds()
  })
})
