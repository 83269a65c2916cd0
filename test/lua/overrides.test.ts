import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

/** Tokens of one message, the ms that pass before it, and the batch that the key then makes: count, deadline from START. */
type Step = [tokens: string, after: number, count: number, deadline: number]

const CASES: [name: string, steps: Step[]][] = [
  [
    'waits as long as the last message asks',
    [
      ['WAIT 3000', 0, 1, 3000],
      ['WAIT 20000', 1000, 2, 21_000],
      ['WAIT 500', 100, 3, 1600],
    ],
  ],
  [
    'waits as the policy says after the next message',
    [
      ['WAIT 3000', 0, 1, 3000],
      ['', 1000, 2, 11_000],
    ],
  ],
  [
    'caps its own wait at maxWait',
    [
      ['WAIT 90000', 0, 1, 60_000],
      ['WAIT 31536000000', 59_000, 2, 60_000],
    ],
  ],
  [
    'counts MAXWAIT from the first message',
    [
      ['', 0, 1, 10_000],
      ['', 9000, 2, 19_000],
      ['MAXWAIT 12000', 1000, 3, 12_000],
    ],
  ],
  [
    'lengthens maxWait',
    [
      ['MAXWAIT 100000', 0, 1, 10_000],
      ['WAIT 70000 MAXWAIT 100000', 9000, 2, 79_000],
    ],
  ],
  [
    'goes back to the maxWait of the policy',
    [
      ['MAXWAIT 5000', 0, 1, 5000],
      ['', 3000, 2, 13_000],
    ],
  ],
  [
    'closes at its own MAXSIZE',
    [
      ['', 0, 1, 10_000],
      ['', 100, 2, 10_100],
      ['MAXSIZE 3', 100, 3, 200],
      ['', 100, 3, 200],
    ],
  ],
  [
    'forgets a MAXSIZE that was not reached',
    [
      ['MAXSIZE 2', 0, 1, 10_000],
      ['', 100, 2, 10_100],
      ['', 100, 3, 10_200],
    ],
  ],
  [
    'is a batch of its own with MAXSIZE 1',
    [
      ['MAXSIZE 1', 0, 1, 0],
      ['', 100, 1, 0],
    ],
  ],
  [
    'opens the next batch when it allows fewer than there are',
    [
      ['', 0, 1, 10_000],
      ['', 1000, 2, 11_000],
      ['MAXSIZE 1', 1000, 2, 2000],
    ],
  ],
  [
    'does not delay the batch before it that was ready already',
    [
      ['WAIT 1000', 0, 1, 1000],
      ['MAXSIZE 1', 5000, 1, 1000],
    ],
  ],
  [
    'ends the batch with a FLUSH',
    [
      ['', 0, 1, 10_000],
      ['FLUSH', 700, 2, 700],
      ['', 100, 2, 700],
      ['FLUSH', 100, 2, 700],
    ],
  ],
  [
    'counts its own MAXWAIT from a first message that would wait for longer',
    [
      ['WAIT 50000', 0, 1, 50_000],
      ['WAIT 30000 MAXWAIT 30000', 5000, 2, 30_000],
    ],
  ],
  ['waits for a year', [['WAIT 31536000000 MAXWAIT 31536000000', 0, 1, 31_536_000_000]]],
  ['ends the batch at once with a FLUSH alone', [['FLUSH WAIT 9000', 0, 1, 0]]],
  [
    'keeps to maxWait when a FLUSH comes later than that',
    [
      ['', 0, 1, 10_000],
      ['FLUSH', 70_000, 2, 60_000],
    ],
  ],
]

const larger = (count: number, size: number): Step[] =>
  Array.from({ length: count }, (_, n) => [`MAXSIZE ${size}`, 1, n + 1, n + 1 === size ? n + 1 : n + 1 + 10_000])

CASES.push(
  ['holds more than the policy allows while each message asks for it', larger(40, 40)],
  ['closes a larger batch when a message without MAXSIZE comes', [...larger(25, 40), ['', 1, 25, 26]]],
)

describeBindings('options of a message', (lua) => {
  const tokens = (text: string) => (text === '' ? [] : text.split(' '))
  const head = async () => {
    const [, , deadline, , , count] = await lua().call('peek', 'ann')
    return [count, deadline - START]
  }

  it.each(CASES)('%s', async (_, steps) => {
    for (const [text, after, count, deadline] of steps) {
      await lua().tick(after)
      await lua().call('add', 'ann', 'x', ...tokens(text))
      expect(await head()).toEqual([count, deadline])
      await lua().holds()
    }
    // The same batch, at the same time, when it is claimed.
    const [, , count, deadline] = steps.at(-1) as Step
    const ahead = START + deadline - lua().now
    if (ahead > 0) {
      await lua().tick(ahead - 1)
      expect((await lua().claim()).batches).toEqual([])
      await lua().tick(1)
    }
    const batch = await lua().claimOne()
    expect([batch.messages.length, batch.deadline - START]).toEqual([count, deadline])
    await lua().holds()
  })

  it.each([
    [999, 'size', 999],
    [1000, 'wait', 1000],
    [1001, 'wait', 1000],
  ])('a batch before one that allows fewer is closed by what comes first: %j ms later', async (ms, reason, deadline) => {
    await lua().call('add', 'ann', 'x', 'WAIT', 1000)
    await lua().tick(ms)
    await lua().call('add', 'ann', 'x', 'MAXSIZE', 1)
    await lua().tick(10)
    expect(await lua().claimOne()).toMatchObject({ reason, deadline: START + deadline, messages: [{ data: 'x' }] })
  })

  it.each(CASES)('behind an active batch: %s', async (_, steps) => {
    await lua().call('add', 'ann', 'first', 'FLUSH', 'WAIT', 7)
    await lua().tick(0)
    const { token } = await lua().claimOne('LEASE', 86_400_000)
    for (const [text, after] of steps) {
      await lua().tick(after)
      await lua().call('add', 'ann', 'x', ...tokens(text))
      await lua().holds()
    }
    expect(await lua().redis.exists(`${lua().root}:due`)).toBe(0)
    const [, , count, deadline] = steps.at(-1) as Step
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    expect(await head()).toEqual([count, deadline])
    expect(Number(await lua().redis.zscore(`${lua().root}:due`, 'ann'))).toBe(Math.max(START + deadline, lua().now))
    await lua().holds()
  })

  it('is closed by the wait when something else would close it in the same ms', async () => {
    await lua().call('policy', 'WAIT', 500, 'MAXWAIT', 500)
    await lua().call('add', 'ann', 1)
    await lua().tick(500)
    expect(await lua().claimOne()).toMatchObject({ key: 'ann', reason: 'wait' })
    // The second message allows one in the batch, and so ends that of the first.
    await lua().call('add', 'bob', 1, 'WAIT', 400)
    await lua().tick(400)
    await lua().call('add', 'bob', 2, 'MAXSIZE', 1)
    expect((await lua().claim()).batches).toMatchObject([{ key: 'bob', reason: 'wait', messages: [{ data: '1' }] }])
  })

  it('need no message of the batch but the first, however many come at once', async () => {
    const score = async () => Number(await lua().redis.zscore(`${lua().root}:due`, 'ann'))
    const many = Array.from({ length: 30 }, (_, n) => ['NEXT', 'ann', `${n}`, 'MAXSIZE', '100', 'WAIT', `${5000 - n}`]).flat()
    await lua().redis.config('RESETSTAT')
    await lua().call('add', ...many.slice(1))
    expect(await lua().redis.info('commandstats')).toMatch(/cmdstat_lindex:calls=29,/)
    expect(await lua().redis.info('commandstats')).not.toContain('lrange')
    expect(await score()).toBe(START + 4971)
    await lua().tick(100)
    await lua().call('add', 'ann', 'x', 'WAIT', 5000, 'MAXSIZE', 100, 'NEXT', 'ann', 'y', 'FLUSH', 'NEXT', 'bob', 'z')
    expect(await score()).toBe(START + 100)
    expect((await lua().call('peek', 'ann')).slice(0, 3)).toEqual(['ready', START + 100, START + 100])
    await lua().holds()
  })

  it('end with the next message also when both come in one call', async () => {
    await lua().call('add', 'ann', 'x', 'WAIT', 20_000, 'NEXT', 'ann', 'x')
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(START + 10_000))
    expect(await head()).toEqual([2, 10_000])
  })

  it('goes on with the rest after a batch that options closed', async () => {
    for (const text of ['', 'FLUSH', '', 'MAXSIZE 1', 'WAIT 50', '', 'FLUSH']) await lua().call('add', 'ann', `<${text}>`, ...tokens(text))
    const taken = []
    for (let n = 0; n < 4; n += 1) {
      const batch = await lua().claimOne()
      taken.push([batch.reason, batch.messages.map(({ data }) => data).join('')])
      await lua().call('complete', 'ann', batch.token)
      await lua().holds()
    }
    expect(taken).toEqual([
      ['flush', '<><FLUSH>'],
      ['size', '<>'],
      ['size', '<MAXSIZE 1>'],
      ['flush', '<WAIT 50><><FLUSH>'],
    ])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
  })

  it('says wait of a batch whose deadline has come when a message arrives that does not fit', async () => {
    await lua().call('add', 'ann', 'x')
    await lua().tick(10_000)
    await lua().call('add', 'ann', 'x', 'MAXSIZE', 1)
    const batch = await lua().claimOne()
    expect([batch.reason, batch.deadline, batch.messages.length]).toEqual(['wait', START + 10_000, 1])
  })

  it('gives the options no part in the message', async () => {
    await lua().call('add', 'ann', ' ,F data', 'ID', ' ,W1 id', 'WAIT', 5, 'MAXWAIT', 6, 'MAXSIZE', 7, 'FLUSH')
    await lua().call('add', 'bob', ',F ', 'ID', ',F')
    const { batches } = await lua().claim()
    expect(batches.map(({ key, messages }) => [key, messages])).toEqual([['ann', [{ receivedAt: START, id: ' ,W1 id', data: ' ,F data' }]]])
  })

  it('touches no other key of the queue', async () => {
    await lua().call('add', 'bob', 'x', 'NEXT', 'ann', 'x', 'WAIT', 500)
    expect((await lua().call('peek', 'bob'))[2]).toBe(START + 10_000)
    for (let n = 2; n <= 10; n += 1) await lua().call('add', 'bob', 'x')
    const batch = await lua().claimOne()
    expect([batch.key, batch.reason]).toEqual(['bob', 'size'])
    await lua().call('complete', 'bob', batch.token)
    expect(await lua().redis.smembers(`${lua().root}:overrides`)).toEqual(['ann'])
    await lua().holds()
  })

  it('follows a live policy with those options that a message does not set itself', async () => {
    await lua().call('add', 'ann', 'x', 'WAIT', 30_000)
    await lua().call('policy', 'MAXWAIT', 12_000)
    expect(await head()).toEqual([1, 12_000])
    await lua().call('policy', 'MAXWAIT', 50_000, 'WAIT', 50_000)
    expect(await head()).toEqual([1, 30_000])
  })
})
