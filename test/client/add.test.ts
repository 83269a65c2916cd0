import { expect, it } from 'vitest'
import { joinText } from '../../src/batches/batch.ts'
import { RapidfireError, RefusedMessagesError } from '../../src/errors.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, START } from '../support/lua.ts'
import { useClients } from './clients.ts'

describeBindings('adding', (lua) => {
  const client = useClients(lua)

  it('tells what became of each message and how many the key holds', async () => {
    const rapidfire = client()
    expect(await rapidfire.addMessage('ann', 'Hi')).toEqual({ status: 'added', size: 1 })
    expect(await rapidfire.addMessage('ann', 'there', { id: 'a' })).toEqual({ status: 'added', size: 2 })
    expect(await rapidfire.addMessage('ann', 'again', { id: 'a' })).toEqual({ status: 'duplicate', size: 2 })
    expect(await rapidfire.addMessage('bob', 'other', { id: 'a' })).toEqual({ status: 'added', size: 1 })
    expect((await rapidfire.peek('ann')).messages).toEqual([
      { id: undefined, data: 'Hi', receivedAt: START },
      { id: 'a', data: 'there', receivedAt: START },
    ])
  })

  it('accepts an id again once `dedupe` has passed', async () => {
    const rapidfire = client({ policy: { dedupe: 1000 } })
    await rapidfire.addMessage('ann', 1, { id: 'a' })
    await lua().tick(1000)
    expect(await rapidfire.addMessage('ann', 2, { id: 'a' })).toEqual({ status: 'duplicate', size: 1 })
    await rapidfire.addMessage('bob', 1, { id: 'b' })
    await lua().tick(1001)
    await rapidfire.addMessage('bob', 2, { id: 'c' })
    expect(await rapidfire.addMessage('ann', 3, { id: 'a' })).toEqual({ status: 'added', size: 2 })
    expect(await rapidfire.addMessage('bob', 3, { id: 'c' })).toEqual({ status: 'duplicate', size: 2 })
  })

  it('lets a message carry options of its own', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('wait', 1, { wait: 2000 })
    await rapidfire.addMessage('maxWait', 1, { wait: 3000, maxWait: 4000 })
    await lua().tick(2000)
    await rapidfire.addMessage('maxWait', 2, { wait: 3000, maxWait: 4000 })
    await rapidfire.addMessage('maxSize', 1, { maxSize: 2 })
    await rapidfire.addMessage('maxSize', 2, { maxSize: 2 })
    await rapidfire.addMessage('flush', 1, { flush: true })
    await rapidfire.addMessage('plain', 1, { flush: false, wait: undefined })
    expect((await rapidfire.peek('maxWait')).deadline).toBe(START + 4000)
    expect((await rapidfire.peek('plain')).deadline).toBe(START + 12_000)
    const { batches } = await rapidfire.claimReady()
    expect(Object.fromEntries(batches.map((batch) => [batch.key, batch.reason]))).toEqual({ wait: 'wait', maxSize: 'size', flush: 'flush' })
  })

  it('lets a message edit or withdraw another one that is open, and be one of its own otherwise', async () => {
    const rapidfire = client()
    const say = (data: string, options: object) => rapidfire.addMessage('ann', data, options)
    await say('at 17', { id: 'm1' })
    await say('bye', { id: 'm2' })
    expect(await say('at 18', { id: 'e1', edits: 'm1' })).toEqual({ status: 'replaced', size: 2 })
    expect(await say('at 18', { id: 'e1', edits: 'm1' })).toEqual({ status: 'duplicate', size: 2 })
    const [withdrawn, late] = await rapidfire.addMessages([
      { key: 'ann', data: '', id: 'w2', withdraws: 'm2' },
      { key: 'ann', data: 'more', id: 'e2', edits: 'unknown', flush: true },
    ])
    expect([withdrawn, late]).toEqual([
      { status: 'withdrawn', size: 1 },
      { status: 'added', size: 2 },
    ])
    const { batches } = await rapidfire.claimReady()
    expect(batches[0]?.messages.map(({ id, data }) => [id, data])).toEqual([
      ['m1', 'at 18'],
      ['e2', 'more'],
    ])
    await expect(say('x', { id: 'm1', edits: 'm1' })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(say('x', { edits: '' })).rejects.toMatchObject({ code: 'BAD_ID' })
    for (const edits of [5, '\ud800']) await expect(say('x', { edits })).rejects.toMatchObject({ code: 'BAD_ID' })
    await expect(say('x', { withdraws: 5 })).rejects.toMatchObject({ code: 'BAD_ID' })
  })

  it('sends many edits at once in calls that Redis takes', async () => {
    const rapidfire = client()
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`)
    await rapidfire.addMessages(keys.map((key) => ({ key, data: 1, id: 'm1' })))
    const results = await rapidfire.addMessages(keys.map((key) => ({ key, data: 2, id: 'e1', edits: 'm1' })))
    expect(results).toEqual(keys.map(() => ({ status: 'replaced', size: 1 })))
  })

  it('gives one result per message of addMessages, in order', async () => {
    const rapidfire = client()
    const results = await rapidfire.addMessages([
      { key: 'ann', data: 1, id: 'a' },
      { key: 'bob', data: 2, id: 'b' },
      { key: 'ann', data: 3, id: 'a' },
      { key: 'ann', data: 4, wait: 500 },
    ])
    expect(results).toEqual([
      { status: 'added', size: 1 },
      { status: 'added', size: 1 },
      { status: 'duplicate', size: 1 },
      { status: 'added', size: 2 },
    ])
    expect((await rapidfire.peek('ann')).deadline).toBe(START + 500)
    expect(await rapidfire.addMessages([])).toEqual([])
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  })

  it('says which messages of addMessages were refused, and stores the others', async () => {
    const rapidfire = client({ policy: { maxSize: 1, maxBacklog: 1, maxMessageBytes: 20 } })
    const error = await rapidfire
      .addMessages([
        { key: 'ann', data: 'ok', id: 'a' },
        { key: 'ann', data: 'one too many', id: 'b' },
        { key: 'bob', data: 'x'.repeat(19) },
        { key: 'bob', data: 'ok', wait: 0 },
        { key: '', data: 'ok' },
        { key: 'bob', data: 'fine' },
      ])
      .catch((thrown) => thrown)
    expect(error).toBeInstanceOf(RefusedMessagesError)
    expect(error).toBeInstanceOf(RapidfireError)
    expect(error.code).toBe('BACKLOG_FULL')
    expect(error.command).toBe('rapidfire_add')
    expect(error.message).toBe('message 2 of 6: the key holds 1 message, maxBacklog is 1 (4 refused, 2 taken)')
    expect(error.results.map((result: { code?: string; status?: string }) => result.code ?? result.status)).toEqual([
      'added',
      'BACKLOG_FULL',
      'MESSAGE_TOO_LARGE',
      'BAD_ARGUMENT',
      'BAD_KEY',
      'added',
    ])
    expect(error.cause).toBe(error.results[1])
    expect((await rapidfire.getStats()).messages).toBe(2)
    await rapidfire.policy({ maxBacklog: 2 })
    expect(await rapidfire.addMessage('ann', 'again', { id: 'b' })).toEqual({ status: 'added', size: 2 })
  })

  it.each<[string, string, any, any, string]>([
    ['an empty key', '', 1, {}, 'BAD_KEY'],
    ['a key of 1025 bytes', `${'я'.repeat(512)}x`, 1, {}, 'BAD_KEY'],
    ['a key that is no string', 7 as any, 1, {}, 'BAD_KEY'],
    ['a key that UTF-8 cannot carry', 'x\ud83d', 1, {}, 'BAD_KEY'],
    ['an empty id', 'ann', 1, { id: '' }, 'BAD_ID'],
    ['an id of 513 bytes', 'ann', 1, { id: 'x'.repeat(513) }, 'BAD_ID'],
    ['an id that is no string', 'ann', 1, { id: 7 }, 'BAD_ID'],
    ['an id that UTF-8 cannot carry', 'ann', 1, { id: '\udc00x' }, 'BAD_ID'],
    ['undefined', 'ann', undefined, {}, 'BAD_DATA'],
    ['a function', 'ann', () => {}, {}, 'BAD_DATA'],
    ['a symbol', 'ann', Symbol('x'), {}, 'BAD_DATA'],
    ['a BigInt', 'ann', { n: 1n }, {}, 'BAD_DATA'],
    [
      'data whose toJSON throws',
      'ann',
      {
        toJSON: () => {
          throw new Error('no')
        },
      },
      {},
      'BAD_DATA',
    ],
    [
      'data whose toJSON throws nothing',
      'ann',
      {
        toJSON: () => {
          throw undefined
        },
      },
      {},
      'BAD_DATA',
    ],
    ['data over maxMessageBytes', 'ann', 'x'.repeat(262_143), {}, 'MESSAGE_TOO_LARGE'],
    ['a wait of 0', 'ann', 1, { wait: 0 }, 'BAD_ARGUMENT'],
    ['a fractional wait', 'ann', 1, { wait: 1.5 }, 'BAD_ARGUMENT'],
    ['a wait that is no number', 'ann', 1, { wait: [5, 'FLUSH'] }, 'BAD_ARGUMENT'],
    ['a maxWait shorter than wait', 'ann', 1, { wait: 2, maxWait: 1 }, 'BAD_ARGUMENT'],
    ['a maxSize over 1000', 'ann', 1, { maxSize: 1001 }, 'BAD_ARGUMENT'],
  ])('refuses %s, and writes nothing', async (_, key, data, options, code) => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 'there already', { id: 'first' })
    const before = await lua().keyspace()
    await expect(rapidfire.addMessage(key, data, options)).rejects.toMatchObject({ name: 'RapidfireError', code })
    await expect(rapidfire.addMessages([{ key, data, ...options }])).rejects.toMatchObject({ name: 'RapidfireError', code })
    expect(await lua().keyspace()).toEqual(before)
  })

  it('refuses cycles', async () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    await expect(client().addMessage('ann', cycle)).rejects.toMatchObject({ code: 'BAD_DATA', cause: expect.any(TypeError) })
    expect(await lua().keyspace()).toEqual({})
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['an empty string', ''],
    ['an empty array', []],
    ['an empty object', {}],
    ['zero', 0],
    ['false', false],
    ['lone surrogates', { text: '\ud83d \udc00' }],
    ['emoji, quotes, NUL and newlines', '👨‍👩‍👧 "\'\\ \0 \r\n {}'],
    ['words of the protocol', ['NEXT', 'ID', 'FLUSH', '1 2 3']],
    ['250 KiB', 'x'.repeat(250 * 1024)],
    ['250 KiB in three bytes each', '你'.repeat(80 * 1024)],
    ['nested data', { a: [{ b: { c: [1.5, -0.1, 1e21, null] } }], __proto__x: '' }],
  ])('brings back %s', async (_, data) => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', data, { id: 'id with blanks ✓' })
    expect((await rapidfire.peek('ann')).messages[0]).toEqual({ id: 'id with blanks ✓', data, receivedAt: START })
    await lua().tick(10_000)
    const { batches } = await rapidfire.claimReady()
    expect(batches[0]?.messages).toEqual([{ id: 'id with blanks ✓', data, receivedAt: START }])
  })

  it.each(['NEXT', 'FLUSH', '{}', '{other}', 'a b\nc\0d', '👩‍🚀', ':due', 'x'.repeat(1024), 'ключ'])(
    'keeps the key %j apart',
    async (key) => {
      const rapidfire = client()
      await rapidfire.addMessages([
        { key, data: 'one', id: 'NEXT' },
        { key: `!${[...key].slice(1).join('')}`, data: 'other', id: 'ID' },
        { key, data: 'two', id: 'WAIT' },
      ])
      await lua().tick(10_000)
      const handled: string[] = []
      await rapidfire.processPendingBatches((batch) => batch.key === key && handled.push(joinText(batch)))
      expect(handled).toEqual(['one two'])
    },
  )
})

it('joins the texts of a batch', () => {
  const batch = {
    messages: [
      { data: 'Hi' },
      { data: { text: 'book me' } },
      { data: null },
      { data: 7 },
      { data: { text: 1 } },
      { data: '' },
      { data: { text: 'now' } },
    ],
  }
  expect(joinText(batch)).toBe('Hi book me now')
  expect(joinText(batch, '\n')).toBe('Hi\nbook me\nnow')
  expect(joinText({ messages: [] })).toBe('')
})

it.each<[unknown[], string]>([
  [[{ body: 'Hi' }, { text: 'book me' }, { caption: 'like this' }], 'Hi book me like this'],
  [[{ text: '', caption: 'look', body: 'x' }, { text: 5, body: 'now' }, { text: { body: 'no' } }], 'look now'],
  [[{ type: 'image', mimetype: 'image/jpeg', body: '/9j/4AAQ', caption: 'venom' }], 'venom'],
  [[{ type: 'image', mimetype: 'image/jpeg', body: '/9j/4AAQ' }], ''],
  [[{ type: 'image', mimetype: 'image/jpeg', hasMedia: true, body: 'web.js' }], 'web.js'],
  [[{ type: 'voice', text: '' }, null, 7, undefined, []], ''],
])('the words of %j are %j', (data, words) => {
  expect(joinText({ messages: data.map((each) => ({ data: each })) })).toBe(words)
})
