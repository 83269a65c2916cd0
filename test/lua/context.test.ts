import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

const CONTEXT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01;a=1%2Cb=%20'

describeBindings('the context of a message', (lua) => {
  const stored = async (key: string) => (await lua().redis.lrange(`${lua().root}:messages:${key}`, 0, -1)) as string[]
  const add = (...args: (string | number)[]) => lua().call('add', 'k', 'x', ...args)

  it('stands in front of the message, and nowhere without one', async () => {
    await add('CONTEXT', CONTEXT)
    await add('context', CONTEXT, 'ID', 'm', 'WAIT', 500)
    await add()
    expect(await stored('k')).toEqual([`${START} 0,T${CONTEXT} x`, `${START} 1,T${CONTEXT},W500 mx`, `${START} 0 x`])
  })

  it('is no option: nothing is looked at for it, and no batch goes by it, whatever it says', async () => {
    await add('CONTEXT', 'W1,F'.replace(',', ';F=%2CF'), 'NEXT', 'other', 'x')
    expect(await lua().redis.exists(`${lua().root}:overrides`)).toBe(0)
    await lua().tick(9_999)
    expect((await lua().claim()).batches).toEqual([])
    await lua().tick(1)
    expect((await lua().claim()).batches).toMatchObject([
      { reason: 'wait', deadline: START + 10_000 },
      { reason: 'wait', deadline: START + 10_000 },
    ])
  })

  it('does not stand between a message and its options', async () => {
    await add('CONTEXT', CONTEXT, 'WAIT', 500)
    await lua().tick(500)
    expect((await lua().claim()).batches).toMatchObject([{ reason: 'wait', deadline: START + 500 }])
  })

  it('makes no message of an id that is there another one', async () => {
    expect(await add('ID', 'm')).toEqual(['added', 1])
    expect(await add('ID', 'm', 'CONTEXT', CONTEXT)).toEqual(['duplicate', 1])
  })

  it('stays with a message that dies, comes back and has options', async () => {
    await add('CONTEXT', CONTEXT, 'FLUSH')
    const { key, token } = await lua().claimOne()
    await lua().call('fail', key, token, 'ATTEMPTS', 1)
    await lua().call('requeue', token.split(':')[0] as string)
    expect(await stored('k')).toEqual([`${START} 0,R1.0001,T${CONTEXT},F x`])
    expect((await lua().claim()).batches).toMatchObject([{ reason: 'flush' }])
  })

  it('comes with a message that has died in another partition', async () => {
    await add('CONTEXT', CONTEXT, 'REQUEUED', `${START - 5}:${START - 9}-7-3:2`)
    expect(await stored('k')).toEqual([`${START - 5} 0,R7.0002,T${CONTEXT} x`])
  })

  it.each(['', 'a b', 'a,b', 'a\n', '\xff', 'a\0'])('must be printable ASCII without blanks and commas: %j', async (context) => {
    const text = 'CONTEXT must be printable ASCII without blanks and commas'
    await expect(add('CONTEXT', context)).rejects.toThrow(`RAPIDFIRE_BAD_ARGUMENT ${text}`)
    expect(await lua().call('add', 'k', 'x', 'NEXT', 'k', 'y', 'CONTEXT', context)).toEqual(['added', 1, expect.any(Error), 0])
  })

  it('counts among the bytes of a call', async () => {
    const most = 262_144 - 2 * 2048 - 2 - 2048
    const two = (bytes: number) => lua().call('add', 'k', 'x'.repeat(bytes), 'NEXT', 'k', 'x', 'CONTEXT', 'c'.repeat(2047))
    await expect(two(most + 1)).rejects.toThrow('RAPIDFIRE_BAD_ARGUMENT the messages of one call must weigh at most')
    expect(await two(most)).toEqual(['added', 1, 'added', 2])
  })
})
