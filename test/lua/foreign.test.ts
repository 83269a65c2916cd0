import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

/** What somebody may have pushed into the list of a conversation by hand. */
const FOREIGN: [name: string, element: string][] = [
  ['nan', 'nan'],
  ['inf', 'inf'],
  ['minus infinity', '-inf'],
  ['nothing', ''],
  ['a blank', ' '],
  ['text', 'hello there, how are you'],
  ['JSON', '{"text":"Hi"}'],
  ['long junk', 'junk,'.repeat(20_000)],
  ['bytes', '\0\xff\r\n'],
  ['a hexadecimal number', '0x1fffffffff 0 x'],
  ['a number with an exponent', '1e13 0 x'],
  ['a time of 14 digits', '99999999999999 0 x'],
  ['a time of 12 digits', '999999999999 0 x'],
  ['a time with nothing behind it', '1999999999999'],
  ['a time with text behind it', '1999999999999x'],
  ['a header that allows no message', `${START} 0,S0 x`],
  ['a header that never ends', `${START} 0,W${'9'.repeat(300)},X${'9'.repeat(300)},S${'9'.repeat(300)} x`],
]

describeBindings('an element of a list that was not written by add', (lua) => {
  const list = 'rapid-fire:{orders}:messages:x'
  const claim = async () => {
    const [, , ...batches] = await lua().call('claim_ready')
    return (batches as [string, string, number, string, number, string[]][]).map(([key, token, , , , messages]) => ({
      key,
      token,
      messages,
    }))
  }

  it.each(FOREIGN)('comes out, alone and among others, and disturbs no other key: %s', async (_, element) => {
    await lua().call('add', 'x', '1', 'NEXT', 'ann', '1', 'WAIT', 5000)
    await lua().redis.rpush(list, element)
    await lua().call('add', 'x', '2', 'NEXT', 'bob', '1')
    await lua().redis.rpush('rapid-fire:{orders}:messages:alone', element)
    await lua().call('repair', 'messages:alone', 'messages:x')
    const handed: Record<string, string[]> = {}
    for (const ms of [0, 5000, 5000]) {
      await lua().tick(ms)
      for (const { key, token, messages } of await claim()) {
        handed[key] = [...(handed[key] ?? []), ...messages]
        expect(await lua().call('complete', key, token)).toEqual(['completed'])
      }
      for (const key of ['x', 'alone', 'ann', 'bob']) await lua().call('peek', key)
    }
    expect(handed).toEqual({
      x: [`${START} 0 1`, element, `${START} 0 2`].map((each) => Buffer.from(each).toString()),
      alone: [element],
      ann: [`${START} 0,W5000 1`],
      bob: [`${START} 0 1`],
    })
    expect((await lua().redis.keys('*')).sort()).toEqual(['rapid-fire:{orders}', 'test:clock'])
  })

  it.each(FOREIGN)('is buried with its batch and comes back: %s', async (_, element) => {
    await lua().call('add', 'x', '1')
    await lua().redis.rpush(list, element)
    await lua().call('add', 'x', '2', 'FLUSH')
    await lua().call('repair', 'messages:x')
    const texts: string[] = []
    for (let round = 0; round < 3; round += 1) {
      for (const { token } of await claim()) {
        await lua().call('fail', 'x', token, 'ATTEMPTS', 1)
        await lua().call('requeue', token.replace(/:\d+$/, ''))
        const [again] = await claim()
        texts.push(...(again?.messages ?? []))
        await lua().call('complete', 'x', again?.token as string)
      }
    }
    const expected = [`${START} 0 1`, element, `${START} 0,F 2`].map((each) => Buffer.from(each).toString())
    expect(texts.map((text) => text.replace(/,R[\d.]+/, ''))).toEqual(expected)
  })

  it('is told of as pending when it closes a batch', async () => {
    await lua().call('policy', 'MAXSIZE', 2)
    await lua().call('add', 'x', '1', 'FLUSH', 'NEXT', 'x', '2')
    const [batch] = await claim()
    await lua().redis.rpush(list, 'junk')
    await lua().call('complete', 'x', batch?.token as string)
    expect((await lua().call('claim_ready', 'BEFORE', 0))[1]).toBeGreaterThan(0)
    expect((await claim()).map(({ messages }) => messages)).toEqual([[`${START} 0 2`, 'junk']])
  })

  it('counts as old: what comes behind it is handed over with it', async () => {
    await lua().redis.rpush(list, 'junk')
    await lua().call('repair', 'messages:x')
    await lua().call('add', 'x', '1', 'FLUSH')
    expect((await claim()).map(({ messages }) => messages)).toEqual([['junk', `${START} 0,F 1`]])
  })
})

describeBindings('a key of another type where a batch would lie when it is dead', (lua) => {
  it('stays, and stops no other: the batch is tried again until it is gone', async () => {
    await lua().call('add', 'k', '1', 'FLUSH')
    const { token } = await lua().claimOne()
    const grave = `${lua().root}:dead:${token.slice(0, -2)}`
    await lua().redis.set(grave, 'mine')
    expect(await lua().call('fail', 'k', token, 'ATTEMPTS', 1)).toBe('retry')
    await lua().call('add', 'other', '1', 'FLUSH')
    await lua().tick(1000)
    const { batches } = await lua().claim('ATTEMPTS', 1)
    expect(batches.map(({ key }) => key).sort()).toEqual(['k', 'other'])
    await lua().tick(30_000)
    expect((await lua().claim('ATTEMPTS', 1, 'DEAD')).dead.map(({ key }) => key)).toEqual(['other'])
    expect(await lua().redis.get(grave)).toBe('mine')
    await lua().redis.del(grave)
    await lua().tick(30_000)
    expect((await lua().claim('ATTEMPTS', 1, 'DEAD')).dead.map(({ key }) => key)).toEqual(['k'])
    await lua().holds()
  })
})
