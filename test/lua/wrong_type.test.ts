import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'

describeBindings('the end of a batch', (lua) => {
  const part = (name: string) => `${lua().root}:${name}`

  it.each([
    ['claims', 'complete'],
    ...['claims', 'active', 'messages:ann', 'due', 'dead'].flatMap((name) => [
      [name, 'fail'],
      [name, 'release'],
    ]),
    ...['claims', 'active', 'messages:ann'].map((name) => [name, 'extend']),
  ] as [string, 'complete' | 'fail' | 'release' | 'extend'][])(
    'is refused with WRONG_TYPE when %s is of another type: %s',
    async (name, call) => {
      await lua().call('add', 'ann', 'x', 'FLUSH')
      const { token } = await lua().claimOne()
      await lua().redis.del(part(name))
      await lua().redis.set(part(name), 'mine')
      await lua().refuses('WRONG_TYPE', part(name).replace(':ann', ':...'), call, ...(call === 'extend' ? [1000] : []), 'ann', token)
    },
  )

  it('is told when the index of leases is of another type, which is left alone', async () => {
    await lua().call('add', 'ann', 'x', 'FLUSH', 'NEXT', 'ann', 'y')
    const { token } = await lua().claimOne()
    for (const name of ['active', 'due']) {
      await lua().redis.del(part(name))
      await lua().redis.set(part(name), 'mine')
    }
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    expect(await lua().redis.mget(part('active'), part('due'))).toEqual(['mine', 'mine'])
    expect(await lua().redis.llen(part('messages:ann'))).toBe(1)
  })
})
