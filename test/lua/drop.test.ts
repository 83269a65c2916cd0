import { expect, it } from 'vitest'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings } from '../support/lua.ts'
import { bury } from './dead-batches.ts'

describeBindings('drop', (lua) => {
  it('deletes dead batches with their messages, and leaves nothing but the root', async () => {
    const ids = [await bury(lua(), 'ann', 1, 2), await bury(lua(), 'bob', 3)]
    expect(await lua().call('drop', ...ids, 'unknown', ids[0] as string)).toEqual(['dropped', 'dropped', 'unknown', 'unknown'])
    expect(await lua().call('dead')).toEqual([])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
    expect(await lua().redis.hmget(lua().root, 'dead', 'deadMessages', 'droppedMessages')).toEqual(['2', '0', '3'])
  })

  it('begins counters anew that somebody has written, with nothing below none', async () => {
    const id = await bury(lua(), 'ann', 1, 2)
    await lua().redis.hset(lua().root, 'deadMessages', 'none', 'droppedMessages', 'none')
    expect(await lua().call('drop', id)).toEqual(['dropped'])
    expect(await lua().redis.hmget(lua().root, 'deadMessages', 'droppedMessages')).toEqual(['0', '2'])
  })

  it('leaves the others, and what their keys hold now', async () => {
    const ann = await bury(lua(), 'ann', 1)
    const bob = await bury(lua(), 'bob', 2)
    await lua().call('add', 'ann', 3)
    await lua().call('drop', ann)
    expect((await lua().call('dead')).map((batch: string[]) => batch[0])).toEqual([bob])
    expect((await lua().call('peek', 'ann')).slice(0, 1)).toEqual(['collecting'])
    expect(await lua().stats()).toMatchObject({ messages: 1, dead: 1, died: 2 })
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  })

  it('makes room for the dead', async () => {
    await lua().call('policy', 'MAXDEAD', 1)
    await lua().call('drop', await bury(lua(), 'ann', 1))
    await bury(lua(), 'bob', 2)
    expect((await lua().call('dead')).map((batch: string[]) => batch[1])).toEqual(['bob'])
  })

  it('deletes a damaged batch, and not what belongs to somebody else', async () => {
    const [ann, bob] = [await bury(lua(), 'ann', 1), await bury(lua(), 'bob', 2)]
    const dead = (id: string) => `${lua().root}:dead:${id}`
    await lua().redis.hset(dead(ann), 'count', 'one')
    await lua().redis.set(dead(bob), 'mine')
    expect(await lua().call('drop', ann, bob)).toEqual(['dropped', 'dropped'])
    expect([await lua().redis.exists(dead(ann)), await lua().redis.get(dead(bob))]).toEqual([0, 'mine'])
    expect(await lua().call('dead')).toEqual([])
  })

  it.each([
    ['one', 0],
    ['-1', 0],
    ['501', 0],
    ['500', 500],
    ['0', 0],
  ])('counts as many messages as the batch says: %s', async (count, counted) => {
    const id = await bury(lua(), 'ann', 1)
    await lua().redis.hset(`${lua().root}:dead:${id}`, 'count', count)
    expect(await lua().call('drop', id)).toEqual(['dropped'])
    const dropped = counted === 0 ? null : String(counted)
    expect(await lua().redis.hmget(lua().root, 'deadMessages', 'droppedMessages')).toEqual([String(1 - counted), dropped])
  })

  it('keeps no reply when it has dropped nothing', async () => {
    expect(await lua().call('drop', 'NONCE', 'me/1', '1-1')).toEqual(['unknown'])
    expect(await lua().keyspace()).toEqual({})
  })

  it.each([[[]], [Array(101).fill('1-1')]])('refuses %j and changes nothing', async (ids) => {
    await bury(lua(), 'ann', 1)
    const before = await lua().keyspace()
    await expect(lua().call('drop', ...ids)).rejects.toThrow(/^RAPIDFIRE_(MISSING|BAD)_ARGUMENT/)
    expect(await lua().keyspace()).toEqual(before)
  })
})
