import { expect, it } from 'vitest'
import { brokenInvariants } from '../support/invariants.ts'
import { describeBindings } from '../support/lua.ts'

describeBindings('complete', (lua) => {
  it('drops the messages and leaves nothing but the root', async () => {
    await lua().call('add', 'ann', 'one', 'NEXT', 'ann', 'two')
    await lua().tick(10_000)
    const [, , batch] = await lua().call('claim_ready')
    expect(await lua().call('complete', 'ann', batch[1])).toEqual(['completed'])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
    expect(await brokenInvariants(lua().redis, lua().root)).toEqual([])
  })

  it('opens what has arrived behind the batch, with its own deadline', async () => {
    await lua().call('add', 'ann', 'one')
    await lua().tick(10_000)
    const [, , batch] = await lua().call('claim_ready')
    await lua().tick(3000)
    await lua().call('add', 'ann', 'two')
    await lua().tick(1000)
    await lua().call('complete', 'ann', batch[1])
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(lua().now + 9000))
    expect(await brokenInvariants(lua().redis, lua().root)).toEqual([])
  })
})
