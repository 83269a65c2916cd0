import { expect, it } from 'vitest'
import { describeBindings, expiryOf, START } from '../support/lua.ts'

const DEFAULTS = {
  ...{ wait: 10_000, maxWait: 60_000, maxSize: 10, maxBacklog: 1000 },
  ...{ maxMessageBytes: 262_144, maxBatchBytes: 1_048_576, dedupe: 3_600_000, maxDead: 10_000, maxDeadAge: 0, maxKeys: 0 },
  ...{ events: 0, archive: 0, maxArchived: 10_000 },
}

describeBindings('policy', (lua) => {
  const policy = async (...args: (string | number)[]) => {
    const flat = await lua().call('policy', ...args)
    return Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]]))
  }

  it('is the default one as long as none is stored, and reading stores none', async () => {
    expect(await policy()).toEqual(DEFAULTS)
    expect(await lua().keyspace()).toEqual({})
  })

  it('stores what is given and leaves the rest', async () => {
    expect(await policy('WAIT', 5000, 'maxdead', 7)).toEqual({ ...DEFAULTS, wait: 5000, maxDead: 7 })
    expect(await policy('MAXWAIT', 5000)).toEqual({ ...DEFAULTS, wait: 5000, maxWait: 5000, maxDead: 7 })
    expect(await policy()).toEqual({ ...DEFAULTS, wait: 5000, maxWait: 5000, maxDead: 7 })
    expect(await lua().redis.hgetall(lua().root)).toEqual({ settings: 'wait=5000 maxWait=5000 maxDead=7', longestWait: '10000' })
  })

  const least = {
    ...{ wait: 1, maxWait: 1, maxSize: 1, maxBacklog: 1, maxMessageBytes: 1, maxBatchBytes: 1, dedupe: 1, maxDead: 1 },
    ...{ maxDeadAge: 0, maxKeys: 0, events: 0, archive: 0, maxArchived: 1 },
  }
  const year = 31_536_000_000
  const most = {
    ...{ wait: year, maxWait: year, maxSize: 500, maxBacklog: 1_000_000 },
    ...{ maxMessageBytes: 1_048_576, maxBatchBytes: 1_048_576, dedupe: year, maxDead: 1_000_000, maxDeadAge: year, maxKeys: 100_000_000 },
    ...{ events: 1_000_000, archive: year, maxArchived: 1_000_000 },
  }

  it('is the default one where what somebody wrote is no whole number, or out of bounds', async () => {
    const write = (all: Record<string, string | number>) => lua().set(all)
    const changed = (all: object, change: (value: number) => string | number) =>
      Object.fromEntries(Object.entries(all).map(([name, value]) => [name, change(value)]))
    for (const wrong of [changed(least, (value) => value - 1), changed(most, (value) => value + 1), changed(least, () => 'x')]) {
      await write(wrong)
      expect(await policy()).toEqual(DEFAULTS)
    }
    await write(changed(least, (value) => value + 0.5))
    expect(await policy()).toEqual(DEFAULTS)
    for (const right of [least, most]) {
      await write(right)
      expect(await policy()).toEqual(right)
    }
  })

  it('stores the least and the greatest of each', async () => {
    for (const all of [least, most]) {
      expect(await policy(...Object.entries(all).flatMap(([name, value]) => [name.toUpperCase(), value]))).toEqual(all)
      expect(await policy()).toEqual(all)
    }
  })

  it('may change members together that contradict each other one by one', async () => {
    expect(await policy('WAIT', 90_000, 'MAXWAIT', 100_000, 'MAXBACKLOG', 5, 'MAXSIZE', 5)).toMatchObject({ wait: 90_000, maxBacklog: 5 })
    expect(await policy('MAXWAIT', 200, 'WAIT', 100)).toMatchObject({ wait: 100, maxWait: 200 })
  })

  it('holds for each queue by itself', async () => {
    await policy('WAIT', 5)
    expect(await lua().callWith('policy', ['rapid-fire:{others}'])).toContain(10_000)
  })

  it('limits messages from the next one on', async () => {
    await lua().call('add', 'ann', 'x'.repeat(100), 'NEXT', 'ann', 'y')
    await policy('MAXMESSAGEBYTES', 3, 'MAXSIZE', 2, 'MAXBACKLOG', 2)
    await lua().refuses('MESSAGE_TOO_LARGE', 'at most 3 bytes, got 4', 'add', 'ann', 'four')
    await lua().refuses('BACKLOG_FULL', 'maxBacklog is 2', 'add', 'ann', 'six')
    await policy('MAXBACKLOG', 3)
    expect(await lua().call('add', 'ann', 'six')).toEqual(['added', 3])
    await lua().holds()
  })

  const pairs = (flat: string[]) => Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]])
  const set = (...args: (string | number)[]) => lua().call('policy', ...args)
  const given = async () => Object.fromEntries(pairs((await lua().call('layout'))[10]))

  it('that a program gives is written when it differs from what a program gave last, and not when a person has set another', async () => {
    expect((await set('WAIT', 1000, 'MAXSIZE', 3, 'GIVEN', 'a.js@h1')).slice(0, 6)).toEqual(['wait', 1000, 'maxWait', 60_000, 'maxSize', 3])
    expect(await given()).toEqual({ wait: '1000 a.js@h1', maxSize: '3 a.js@h1' })
    await set('WAIT', 7000)
    expect((await set('WAIT', 1000, 'GIVEN', 'a.js@h1')).slice(0, 2)).toEqual(['wait', 7000])
    expect((await set('WAIT', 2000, 'GIVEN', 'a.js@h2')).slice(0, 2)).toEqual(['wait', 2000])
    expect(await given()).toEqual({ wait: '2000 a.js@h2,1000 a.js@h1', maxSize: '3 a.js@h1' })
  })

  it('that a program gives keeps beside it what others gave, a few of them, until they agree or a person decides', async () => {
    for (const [wait, by] of [
      [1, 'a@h'],
      [2, 'b@h'],
      [1, 'a@h'],
      [2, 'b@h'],
      [3, 'c@h'],
    ] as const)
      await set('WAIT', wait, 'GIVEN', by)
    expect(await given()).toEqual({ wait: '3 c@h,2 b@h,1 a@h,2 b@h' })
    // Another host, the same program: it was deployed anew.
    await set('WAIT', 3, 'GIVEN', 'b@h9')
    expect(await given()).toEqual({ wait: '3 c@h,1 a@h' })
    await set('WAIT', 5)
    expect(await given()).toEqual({ wait: '3 c@h' })
    const before = await lua().keyspace()
    await set('WAIT', 3, 'GIVEN', 'a@h')
    expect(await lua().keyspace()).toEqual(before)
  })

  it('that a person sets ends differences about that member alone', async () => {
    for (const by of ['a@h', 'b@h']) await set('WAIT', by === 'a@h' ? 1 : 2, 'MAXSIZE', by === 'a@h' ? 3 : 4, 'GIVEN', by)
    await set('WAIT', 5)
    expect(await given()).toEqual({ wait: '2 b@h', maxSize: '4 b@h,3 a@h' })
  })

  it('that a program gives again is written where nothing is kept of it', async () => {
    await set('WAIT', 1000, 'GIVEN', 'a@h')
    await set('WAIT', 7000)
    expect((await set('WAIT', 2000, 'MAXSIZE', 3, 'GIVEN', 'b@h', 'AGAIN')).slice(0, 6)).toEqual([
      'wait',
      7000,
      'maxWait',
      60_000,
      'maxSize',
      3,
    ])
    await lua().redis.del(lua().root)
    expect((await set('WAIT', 2000, 'GIVEN', 'b@h', 'AGAIN')).slice(0, 2)).toEqual(['wait', 2000])
  })

  it('that was restored is not undone by the program that gives it', async () => {
    await lua().call('repartition', 'RESTORE', 1, 'LAYOUT', '2:0:0:0', 'WAIT', 7000)
    expect((await set('WAIT', 1000, 'GIVEN', 'a@h')).slice(0, 2)).toEqual(['wait', 7000])
    expect(await given()).toEqual({ wait: '1000 a@h' })
    expect((await set('WAIT', 2000, 'GIVEN', 'a@h')).slice(0, 2)).toEqual(['wait', 2000])
  })

  it('that a program gives holds as a whole when what has changed of it contradicts what a person has set', async () => {
    await set('WAIT', 1000, 'MAXWAIT', 9000, 'GIVEN', 'a@h')
    await set('WAIT', 8000)
    expect((await set('WAIT', 1000, 'MAXWAIT', 5000, 'GIVEN', 'a@h')).slice(0, 4)).toEqual(['wait', 1000, 'maxWait', 5000])
    await lua().refuses('BAD_POLICY', 'maxWait must not be shorter', 'policy', 'WAIT', 6000, 'GIVEN', 'a@h')
  })

  it('lets what is remembered expire when it would have, unless DEDUPE is lengthened', async () => {
    await lua().call('policy', 'DEDUPE', 1000)
    await lua().call('add', 'ann', 'x', 'ID', 'm1')
    await lua().tick(1000)
    await lua().call('add', 'ann', 'x', 'ID', 'm2')
    const expiries = async () => Promise.all([START, START + 1000].map((slice) => expiryOf(lua().redis, `${lua().root}:seen:${slice}`)))
    expect(await expiries()).toEqual([START + 3000, START + 4000])
    await lua().tick(500)
    for (const [token, value] of [
      ['DEDUPE', 900],
      ['DEDUPE', 900],
      ['WAIT', 5],
    ] as const) {
      await policy(token, value)
      expect(await expiries()).toEqual([START + 3000, START + 4000])
    }
    const ends = async () => (await lua().settings()).sliceEnds
    await policy('DEDUPE', 901)
    expect([await ends(), await expiries()]).toEqual([String(START + 2802), [START + 2802, START + 3703]])
    await lua().tick(1202)
    await policy('DEDUPE', 902)
    // The last id of the slice may have come just now.
    expect([await ends(), await expiries()]).toEqual([String(START + 3604), [START + 2804, START + 4506]])
  })

  it('that contradicts itself, since a person has written it so, gives way to all that a program gives', async () => {
    await set('WAIT', 1000, 'MAXWAIT', 9000, 'GIVEN', 'a@h')
    await lua().set({ maxWait: 5 })
    await lua().refuses('BAD_POLICY', 'maxWait must not be shorter than wait (1000), got 5', 'policy')
    expect((await set('WAIT', 1000, 'MAXWAIT', 9000, 'GIVEN', 'a@h')).slice(0, 4)).toEqual(['wait', 1000, 'maxWait', 9000])
  })

  it('keeps the longest wait that there was before it was shortened', async () => {
    const longest = () => lua().redis.hget(lua().root, 'longestWait')
    for (const [wait, kept] of [
      [20_000, null],
      [20_000, null],
      [15_000, '20000'],
      [16_000, '20000'],
      [30_000, '20000'],
      [5000, '30000'],
      [1000, '30000'],
    ] as const) {
      await policy('WAIT', wait)
      expect(await longest()).toBe(kept)
    }
  })

  it('that was restored is left alone by a program that gives another member', async () => {
    await lua().call('repartition', 'RESTORE', 1, 'LAYOUT', '2:0:0:0', 'WAIT', 7000)
    await set('MAXSIZE', 3, 'GIVEN', 'a@h')
    expect(await given()).toEqual({ wait: '*', maxSize: '3 a@h' })
  })

  it.each([
    ['BAD_ARGUMENT', 'GIVEN must have 1 to 64 bytes of letters', ['WAIT', '5', 'GIVEN', 'a b']],
    ['BAD_ARGUMENT', "got ''", ['WAIT', '5', 'GIVEN', '']],
    ['BAD_ARGUMENT', 'GIVEN must have at most 64 bytes', ['GIVEN', 'x'.repeat(65)]],
  ])('given by a program is refused with %s: %s', (code, says, args) => lua().refuses(code, says, 'policy', ...args))

  it.each([
    [
      'UNKNOWN_ARGUMENT',
      "expected AGAIN, ARCHIVE, DEDUPE, EVENTS, GIVEN, MAXARCHIVED, MAXBACKLOG, MAXBATCHBYTES, MAXDEAD, MAXDEADAGE, MAXKEYS, MAXMESSAGEBYTES, MAXSIZE, MAXWAIT, WAIT; got 'LEASE'",
      ['LEASE', '5'],
    ],
    ['UNKNOWN_ARGUMENT', "got '5000'", ['5000']],
    ['MISSING_ARGUMENT', 'WAIT must be followed by a value', ['WAIT']],
    ['MISSING_ARGUMENT', 'DEDUPE must be followed by a value', ['WAIT', '5', 'dedupe']],
    ['BAD_POLICY', "WAIT must be an integer from 1 to 31536000000, got '0'", ['WAIT', '0']],
    ['BAD_POLICY', "got '-5'", ['WAIT', '-5']],
    ['BAD_POLICY', "got '1.5'", ['MAXWAIT', '1.5']],
    ['BAD_POLICY', "got 'soon'", ['WAIT', 'soon']],
    ['BAD_POLICY', "got ''", ['WAIT', '']],
    ['BAD_POLICY', "got '31536000001'", ['DEDUPE', '31536000001']],
    ['BAD_POLICY', "MAXSIZE must be an integer from 1 to 500, got '501'", ['MAXSIZE', '501']],
    ['BAD_POLICY', "got '1000001'", ['MAXBACKLOG', '1000001']],
    ['BAD_POLICY', "got '1048577'", ['MAXMESSAGEBYTES', '1048577']],
    ['BAD_POLICY', "got '1048577'", ['MAXBATCHBYTES', '1048577']],
    ['BAD_POLICY', "got '1000001'", ['MAXDEAD', '1000001']],
    ['BAD_POLICY', "got '0'", ['WAIT', '5', 'MAXDEAD', '0']],
    ['BAD_POLICY', 'maxWait must not be shorter than wait (10000), got 9999', ['MAXWAIT', '9999']],
    ['BAD_POLICY', 'maxWait must not be shorter than wait (60001), got 60000', ['WAIT', '60001']],
    ['BAD_POLICY', 'maxWait must not be shorter than wait (20), got 10', ['WAIT', '20', 'MAXWAIT', '10']],
    ['BAD_POLICY', 'maxBacklog must not be less than maxSize (10), got 9', ['MAXBACKLOG', '9']],
    ['BAD_POLICY', 'maxBacklog must not be less than maxSize (500), got 499', ['MAXSIZE', '500', 'MAXBACKLOG', '499']],
  ])('refuses with %s: %s', async (code, says, args) => {
    await lua().refuses(code, says, 'policy', ...args)
    await lua().call('policy', 'DEDUPE', 5000)
    await lua().call('add', 'ann', 'x', 'ID', 'm1')
    await lua().refuses(code, says, 'policy', ...args)
  })
})
