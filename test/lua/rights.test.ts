import { expect, it } from 'vitest'
import { describeBindings, type Lua } from '../support/lua.ts'
import { userWithout } from './users.ts'

const rights = (lua: Lua, ...commands: string[]): Promise<string[]> => lua.call('rights', ...commands)

describeBindings('rights', (lua) => {
  const all = ['rpush', 'zadd', 'xinfo|groups', 'publish', 'time']

  it('names nothing to whoever may do all, and no command that Redis does not know', async () => {
    expect(await rights(lua(), ...all, 'nonsense', 'zadd|nonsense', '')).toEqual([])
    expect(await lua().keyspace()).toEqual({})
  })

  it('names the commands that the caller may not use, in the order in which they were asked for', async () => {
    const user = await userWithout(lua(), 'zadd', 'xinfo|groups', 'get')
    expect(await rights(user, ...all)).toEqual(['zadd', 'xinfo|groups'])
    expect(await rights(user, ...[...all].reverse())).toEqual(['xinfo|groups', 'zadd'])
  })

  it.each([
    ['keys', ['resetkeys', '~rapid-fire:{orders}', '~other:*'], ['rpush', 'zadd', 'xinfo|groups']],
    ['channels', ['resetchannels', '&other:*'], ['publish']],
    ['more than the channel', ['resetchannels', '&rapid-fire:{orders}:wake'], []],
  ] as const)('names what needs %s of the queue to a user who may use only others', async (_, rules, named) => {
    const user = await userWithout(lua(), 'get')
    await lua().redis.call('ACL', 'SETUSER', 'no-get', ...rules, '+get')
    expect(await rights(user, ...all)).toEqual(named)
  })

  it('goes by the keys of a partition, and by the channel of its queue', async () => {
    const user = await userWithout(lua(), 'get')
    const rules = [
      'resetkeys',
      'resetchannels',
      '~rapid-fire:{orders}',
      '~rapid-fire:{orders:1}',
      '~rapid-fire:{orders:1}:*',
      '&rapid-fire:{orders}:wake',
      '+get',
    ]
    await lua().redis.call('ACL', 'SETUSER', 'no-get', ...rules)
    expect(await user.callWith('rights', ['rapid-fire:{orders:1}'], ...all)).toEqual([])
    expect(await rights(user, ...all)).toEqual(['rpush', 'zadd', 'xinfo|groups'])
  })

  it('takes two hundred of them, and no more', async () => {
    expect(await rights(lua(), ...Array(200).fill('zadd'))).toEqual([])
    await lua().refuses('BAD_ARGUMENT', 'expected at most 200 commands, got 201', 'rights', ...Array(201).fill('zadd'))
  })
})
