import { beforeAll, describe, expect, it } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { describeBindings, type Lua } from '../support/lua.ts'

/** Whoever may add messages may write to the root of the queue, and so anything into it. No call hangs, breaks or reads without a bound for it. */
const POLICY = ['wait', 'maxWait', 'maxSize', 'maxBacklog', 'maxMessageBytes', 'maxBatchBytes', 'dedupe', 'maxDead']
const SETTINGS = [...POLICY, 'slice', 'sliceBefore', 'sliceEnds', 'largest', 'open', 'retired', 'options']
const STATE = ['settings', 'watchAt', 'looked', 'longestWait', 'watcher', 'layout']
const COUNTERS = ['batches', 'added', 'duplicates', 'completed', 'completedMessages', 'failed', 'redelivered', 'dead', 'deadMessages']
const FIGURES = ['closedBy:flush', 'latenessSum', 'latenessMax', 'lateness:1', 'droppedMessages']
const FIELDS = [...SETTINGS, ...STATE, ...COUNTERS, ...FIGURES]
const VALUES = ['1e308', '-1e308', 'inf', 'nan', '-1', '0', '0.5', 'abc', '', '9999999999999', '0x10', 'count']

/** Makes every call. Returns what went wrong: errors that are no refusals, and tokens that are none. */
async function breaks(lua: Lua): Promise<string[]> {
  const wrong: string[] = []
  const call = async (name: FunctionName, ...args: (string | number)[]): Promise<any> => {
    try {
      return await lua.call(name, ...args)
    } catch (error) {
      if (!/^RAPIDFIRE_/.test((error as Error).message)) wrong.push(`${name}: ${(error as Error).message}`)
      return undefined
    }
  }
  await call('add', 'bob', 'x'.repeat(5000), 'ID', 'b', 'FLUSH')
  await call('add', 'bob', '2', 'WAIT', 5, 'NEXT', 'cyd', '3', 'ID', 'c')
  for (const ending of ['complete', 'fail'] as const) {
    const claimed = await call('claim_ready', 'WORKER', 'w')
    for (const [key, token] of claimed?.slice(2) ?? []) {
      if (!/^\d{13}-\d+:\d+$/.test(token)) wrong.push(`claimed as ${token}`)
      await call('extend', 1000, key, token)
      await call(ending, key, token, ...(ending === 'fail' ? ['ATTEMPTS', 1] : []))
    }
    await call('add', 'dan', '1', 'FLUSH')
  }
  const dead = await call('dead')
  for (const [id] of dead ?? []) await call('requeue', id)
  await call('forward', 's')
  for (const name of ['stats', 'layout', 'check', 'policy', 'repair'] as const) await call(name)
  await call('peek', 'bob')
  await call('check', 'messages:cyd')
  await call('present', 'w')
  await call('leave', 'w')
  return wrong
}

describeBindings('a root into which somebody has written', (lua) => {
  it.each(FIELDS)('%s', async (field) => {
    // Scripts are the same text, and take longer to be sent.
    for (const value of lua().mode === 'functions' ? VALUES : ['1e308', '0']) {
      await lua().reset()
      await lua().call('add', 'ann', '1', 'ID', 'a', 'FLUSH')
      await lua().call('claim_ready')
      if (SETTINGS.includes(field)) await lua().set({ [field]: value })
      else await lua().redis.hset(lua().root, field, value)
      expect([value, await breaks(lua())]).toEqual([value, []])
    }
  })
})

describe('a policy that is none', () => {
  describeBindings('counts as the default', (lua) => {
    beforeAll(() => lua().reset())
    it('while it is there, and can be set right', async () => {
      await lua().set(Object.fromEntries(POLICY.map((field) => [field, '1e308'])))
      expect((await lua().call('policy')).filter((_: unknown, n: number) => n % 2 === 1)).toEqual([
        ...[10_000, 60_000, 10, 1000, 262_144, 1_048_576, 3_600_000, 10_000, 0, 0, 0, 0, 10_000],
      ])
      await lua().call('policy', 'WAIT', 7)
      expect((await lua().call('policy'))[1]).toBe(7)
    })
  })
})
