import { type Lua, START } from '../support/lua.ts'

type Args = (string | number)[]

interface Hands {
  lua: Lua
  part(name: string): string
  add(...args: Args): Promise<unknown>
  /** Returns keys and tokens in turn. */
  claim(...args: Args): Promise<string[]>
  tick(ms: number): Promise<void>
  /** Lets a batch of `k` die, of two messages. Returns its id. */
  bury(...options: Args): Promise<string>
}

export const handsOf = (lua: Lua): Hands => ({
  lua,
  part: (name) => `${lua.root}:${name}`,
  add: (...args) => lua.call('add', ...args),
  claim: async (...args) => (await lua.claim(...args)).batches.flatMap(({ key, token }) => [key, token]),
  tick: (ms) => lua.tick(ms),
  bury: async (...options) => {
    await lua.call('add', 'k', '1', ...options, 'NEXT', 'k', '2', 'FLUSH')
    const { key, token } = await lua.claimOne()
    await lua.call('fail', key, token, 'ATTEMPTS', 1)
    return token.replace(/:.*/, '')
  },
})

/** Calls of each function, as many as it has ways: what they find, and their arguments. */
export const CALLS: Record<string, (hands: Hands) => Args | Promise<Args>> = {
  'add: a first message': () => ['k', 'x', 'ID', 'm'],
  'add: an id when a third slice begins': async ({ add, tick }) => {
    await add('a', 'x', 'ID', 'm')
    await tick(3_600_000)
    await add('a', 'x', 'ID', 'm2')
    await tick(3_600_000)
    return ['k', 'x', 'ID', 'm']
  },
  'add: an id when a slice begins and that cannot be taken back': async ({ add, tick }) => {
    await add('a', 'x', 'ID', 'm')
    await tick(3_600_000)
    return ['k', 'x', 'ID', 'm']
  },
  'add: an id when the clock has gone back': async ({ add, tick }) => {
    await add('a', 'x', 'ID', 'm')
    await tick(-5000)
    return ['k', 'x', 'ID', 'm']
  },
  'add: a duplicate': async ({ add }) => {
    await add('k', 'x', 'ID', 'm')
    return ['k', 'x', 'ID', 'm']
  },
  'add: the first message with options': () => ['k', 'x', 'WAIT', 500],
  'add: the first message with options, which cannot be taken back': () => ['k', 'x', 'WAIT', 500],
  'add: another message with options': async ({ add }) => {
    await add('k', '1', 'WAIT', 700)
    return ['k', 'x', 'WAIT', 500]
  },
  'add: a message behind one with options': async ({ add }) => {
    await add('k', '1', 'WAIT', 700)
    return ['k', 'x']
  },
  'add: one that fills a batch whose entry was lost': async ({ add, lua, part }) => {
    await lua.call('policy', 'MAXSIZE', 2)
    await add('k', '1')
    await lua.redis.zrem(part('due'), 'k')
    return ['k', 'x']
  },
  'add: one that fills a batch with a worker': async ({ add, claim, lua }) => {
    await lua.call('policy', 'MAXSIZE', 2)
    await add('k', '1', 'FLUSH')
    await claim()
    return ['k', 'x']
  },
  'add: one that is too much, with an id': async ({ add, lua }) => {
    await lua.call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1)
    await add('k', '1')
    return ['k', 'x', 'ID', 'm']
  },
  'add: one that is large and too much, with an id': async ({ add, lua }) => {
    await lua.call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1)
    await add('k', '1', 'ID', 'm1')
    return ['k', 'x'.repeat(5000), 'ID', 'm']
  },
  'add: a new key beyond maxKeys': async ({ add, lua }) => {
    await lua.call('policy', 'MAXKEYS', 1)
    await add('a', '1')
    return ['k', 'x']
  },
  'add: the largest so far': () => ['k', 'x'.repeat(10_000), 'NEXT', 'k', 'y'],
  'add: wakes the watcher, who does not hear': async ({ lua }) => {
    for (const worker of ['w1', 'w2', 'w3']) await lua.call('claim_ready', 'WORKER', worker)
    return ['k', 'x', 'FLUSH']
  },
  'add: comes back in front': async ({ add }) => {
    await add('k', '1')
    return ['k', 'x', 'WAIT', 5, 'REQUEUED', `${START - 5}:x`]
  },
  'add: comes back behind': async ({ add }) => {
    await add('k', '1')
    return ['k', 'x', 'REQUEUED', `${START + 5}:x`]
  },
  'add: comes back between others': async ({ add, tick }) => {
    for (const ms of [0, 10, 10]) {
      await tick(ms)
      await add('k', `${ms}`)
    }
    return ['k', 'x', 'REQUEUED', `${START + 5}:x`]
  },
  'add: comes back to a batch with a worker': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH')
    await claim()
    return ['k', 'x', 'REQUEUED', `${START + 5}:x`]
  },
  'add: comes back and its id cannot be taken back': () => ['k', 'x', 'REQUEUED', `${START + 5}:x`],
  'add: comes back behind and its options cannot be taken back': async ({ add }) => {
    await add('k', '1')
    return ['k', 'x', 'WAIT', 5, 'REQUEUED', `${START + 5}:x`]
  },
  'add: comes back between others, for who may take out none': async ({ add, tick }) => {
    for (const ms of [0, 10, 10]) {
      await tick(ms)
      await add('k', `${ms}`)
    }
    return ['k', 'x', 'REQUEUED', `${START + 5}:x`]
  },
  'add: an edit of an open message': async ({ add }) => {
    await add('k', '1', 'ID', 'm1', 'NEXT', 'k', '2')
    return ['k', 'x', 'ID', 'e1', 'EDITS', 'm1']
  },
  'add: an edit of an open message with options, when a slice begins': async ({ add, tick }) => {
    await add('k', '1', 'ID', 'm1', 'WAIT', 7_200_000, 'NEXT', 'k', '2', 'WAIT', 7_200_000)
    await tick(3_600_000)
    return ['k', 'x', 'ID', 'e1', 'EDITS', 'm1']
  },
  'add: an edit of a message with a worker': async ({ add, claim }) => {
    await add('k', '1', 'ID', 'm1', 'FLUSH')
    await claim()
    return ['k', 'x', 'ID', 'e1', 'EDITS', 'm1']
  },
  'add: the withdrawal of an open message': async ({ add }) => {
    await add('k', '1', 'ID', 'm1', 'NEXT', 'k', '2')
    return ['k', 'x', 'ID', 'w1', 'WITHDRAWS', 'm1']
  },
  'add: the withdrawal of a message behind the batch of a worker': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'k', '2', 'ID', 'm2')
    await claim()
    return ['k', 'x', 'ID', 'w2', 'WITHDRAWS', 'm2']
  },
  'add: the withdrawal of the only message, with options': async ({ add }) => {
    await add('k', '1', 'ID', 'm1', 'WAIT', 500)
    return ['k', 'x', 'ID', 'w1', 'WITHDRAWS', 'm1']
  },
  'claim_ready: for the first time': async ({ add, tick }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'a', '1', 'WAIT', 5)
    await tick(10)
    return ['NONCE', 'me/1', 'WORKER', 'w1']
  },
  'claim_ready: as many as were asked for, of the watcher': async ({ add, lua }) => {
    for (const worker of ['w1', 'w2']) await lua.call('claim_ready', 'WORKER', worker)
    await add('k', '1', 'FLUSH')
    return ['LIMIT', 1, 'WORKER', 'w1']
  },
  'claim_ready: what has come back': async ({ add, claim, tick }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'a', '1', 'FLUSH')
    await claim('LEASE', 5, 'NONCE', 'me/1')
    await tick(5)
    return ['NONCE', 'me/2', 'ATTEMPTS', 3]
  },
  'claim_ready: what is dead now': async ({ add, claim, tick }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'k', '2')
    await claim('LEASE', 5)
    await tick(5)
    return ['ATTEMPTS', 1, 'DEAD']
  },
  'claim_ready: once more': async ({ add, claim, tick }) => {
    await add('k', '1', 'FLUSH')
    await claim('NONCE', 'me/1')
    await tick(5)
    return ['NONCE', 'me/1']
  },
  'claim_ready: a batch that is done': async ({ add, claim, lua, part, tick }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'k', '2')
    const [, token] = await claim()
    await lua.redis.hset(part('claims'), 'k', `${token}:1:0:1:${START}:flush:10000:done`)
    await tick(30_000)
    return []
  },
  'claim_ready: lists that are missing': async ({ add, claim, lua, part, tick }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'a', '1', 'WAIT', 5)
    await claim('LEASE', 5)
    await tick(5)
    await lua.redis.del(part('messages:k'), part('messages:a'))
    return []
  },
  'claim_ready: the list of a batch is missing': async ({ add, claim, lua, part, tick }) => {
    await add('k', '1', 'FLUSH')
    await claim('LEASE', 5)
    await tick(5)
    await lua.redis.del(part('messages:k'))
    return []
  },
  'claim_ready: too early': async ({ add, tick }) => {
    await add('k', '1')
    await tick(5000)
    await add('k', '2')
    await tick(5000)
    return []
  },
  'claim_ready: the clock has gone back': async ({ add, claim, tick }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'a', '1')
    await claim('WORKER', 'w1')
    await tick(-100_000)
    return []
  },
  'claim_ready: nothing, of who watches when a slice is forgotten': async ({ add, claim, lua, tick }) => {
    for (const ms of [0, 3_600_000]) {
      await tick(ms)
      await add('k', '1', 'FLUSH', 'ID', `${ms}`)
      await lua.call('complete', ...(await claim()))
    }
    await tick(3_600_000)
    return ['WORKER', 'w1']
  },
  'claim_ready: nothing, of one who stands by': async ({ lua }) => {
    await lua.call('claim_ready', 'WORKER', 'w1')
    return ['WORKER', 'w2']
  },
  'claim_ready: nothing, of one who watches in the place of another': async ({ lua, part }) => {
    await lua.call('claim_ready', 'WORKER', 'w1')
    await lua.call('claim_ready', 'WORKER', 'w2')
    await lua.redis.zadd(part('due'), START + 5, 'k')
    return ['WORKER', 'w2']
  },
  'claim_ready: old dead batches': async ({ add, claim, lua, tick }) => {
    await add('k', '1', 'FLUSH')
    await lua.call('fail', ...(await claim()), 'ATTEMPTS', 1)
    await lua.call('policy', 'MAXDEADAGE', 1)
    await tick(5)
    return []
  },
  'complete: two batches': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'a', '1', 'FLUSH')
    const pairs = await claim()
    await add('k', '2')
    return ['NONCE', 'me/1', ...pairs]
  },
  'complete: without options': async ({ add, claim, tick }) => {
    await add('k', '1')
    await tick(10_000)
    return claim()
  },
  'complete: with options': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH')
    return claim()
  },
  'complete: a list that is missing': async ({ add, claim, lua, part }) => {
    await add('k', '1', 'FLUSH')
    const pairs = await claim()
    await lua.redis.del(part('messages:k'))
    return pairs
  },
  'complete: more behind it than is read': async ({ add, claim, lua }) => {
    await lua.call('policy', 'MAXSIZE', 1)
    for (let n = 0; n < 3; n += 1) await add('k', 'x'.repeat(200_000))
    await lua.set({ largest: 2_000_000 })
    return claim()
  },
  'fail: for a later attempt': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH')
    return [...(await claim()), 'NONCE', 'me/1']
  },
  'fail: some of it': async ({ add, claim }) => {
    await add('k', '1', 'NEXT', 'k', '2', 'FLUSH', 'NEXT', 'k', '3')
    return [...(await claim()), 'KEEP', '2', 'NONCE', 'me/1']
  },
  'fail: for the last time': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH', 'NEXT', 'k', '2')
    return [...(await claim()), 'ATTEMPTS', 1, 'NONCE', 'me/1']
  },
  'fail: for the last time, when none may be kept': async ({ add, bury, claim, lua }) => {
    await bury()
    await lua.call('policy', 'MAXDEAD', 1)
    await add('k', '1', 'FLUSH')
    return [...(await claim()), 'ATTEMPTS', 1]
  },
  'release: of one': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH')
    return [...(await claim()), 'NONCE', 'me/1']
  },
  'extend: of one': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH')
    return [60_000, ...(await claim())]
  },
  'forward: to a new stream': async ({ add }) => {
    await add('k', '1', 'FLUSH')
    return ['batches', 'NONCE', 'me/1']
  },
  'forward: to a stream that is read': async ({ add, lua, part, tick }) => {
    await add('a', '1', 'FLUSH')
    await lua.call('forward', 'batches')
    await lua.redis.xgroup('CREATE', part('stream:batches'), 'all', '0')
    await lua.redis.xreadgroup('GROUP', 'all', 'me', 'STREAMS', part('stream:batches'), '>')
    const [entry] = await lua.redis.xrange(part('stream:batches'), '-', '+')
    await lua.redis.xack(part('stream:batches'), 'all', entry?.[0] as string)
    await tick(5)
    await add('k', '1', 'FLUSH')
    return ['batches', 'KEEP', 0]
  },
  'erase: all there is': async ({ add, claim, lua, part }) => {
    await add('k', '1', 'FLUSH')
    await lua.call('forward', 'batches')
    await lua.redis.xgroup('CREATE', part('stream:batches'), 'all', '0')
    await add('k', '1', 'FLUSH')
    await lua.call('fail', ...(await claim()), 'ATTEMPTS', 1)
    await add('k', '1', 'FLUSH')
    await claim()
    return ['k', 'NONCE', 'me/1']
  },
  'events: after one that has gone': async ({ lua, part }) => {
    await lua.call('policy', 'EVENTS', 10)
    for (const n of [2, 3]) await lua.redis.xadd(part('events'), `${n}-0`, 'event', 'added', 'key', 'k')
    return ['AFTER', '1-0']
  },
  'peek: a batch with a worker': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH')
    await claim()
    return ['k']
  },
  'peek: an open batch': async ({ add }) => {
    await add('k', '1', 'WAIT', 5)
    return ['k']
  },
  'dead: one of them': async ({ bury }) => ['ID', await bury()],
  'dead: all of them': async ({ bury }) => {
    await bury()
    return []
  },
  'drop: one': async ({ bury }) => ['NONCE', 'me/1', await bury()],
  'requeue: one, to a key without messages': async ({ bury, lua }) => {
    await lua.call('claim_ready', 'WORKER', 'w1')
    return ['NONCE', 'me/1', await bury()]
  },
  'requeue: one with options, before others': async ({ add, bury }) => {
    const id = await bury('WAIT', 5)
    await add('k', '3', 'NEXT', 'k', '4')
    return [id]
  },
  'requeue: one, between others': async ({ bury, lua, part }) => {
    const id = await bury()
    await lua.redis.rpush(part('messages:k'), `${START - 5} 0 x`, `${START} 0 y`, `${START} 0 y`, `${START + 5} 0 z`)
    return [id]
  },
  'requeue: one, to a key with a worker': async ({ add, bury, claim }) => {
    const id = await bury()
    await add('k', '3', 'FLUSH')
    await claim()
    return [id]
  },
  'check: the root': async ({ add }) => {
    await add('k', '1')
    return []
  },
  'check: parts': async ({ add, bury }) => {
    await bury('ID', 'm')
    await add('k', '1', 'WAIT', 5)
    return ['messages:k', `dead:${START}-1`, `seen:${START}`, 'due', 'active', 'claims', 'overrides', 'streams', 'dead']
  },
  'repair: what is open': async ({ add, lua, part }) => {
    await add('k', '1', 'WAIT', 5)
    await lua.redis.del(part('overrides'), part('due'))
    await lua.redis.zadd(part('active'), START, 'k')
    return ['messages:k']
  },
  'repair: what is with a worker': async ({ add, claim, lua, part }) => {
    await add('k', '1', 'FLUSH')
    await claim()
    await lua.redis.del(part('active'))
    await lua.redis.zadd(part('due'), START, 'k')
    return ['messages:k']
  },
  'repair: what is with a worker, and dead as well': async ({ add, claim, lua, part }) => {
    await add('k', '1', 'FLUSH')
    await claim()
    await lua.redis.hset(part(`dead:${START}-1`), 'key', 'k', '1', 'x')
    return ['messages:k']
  },
  'repair: a dead batch': async ({ bury, lua, part }) => {
    await bury()
    await lua.redis.del(part('dead'))
    return [`dead:${START}-1`]
  },
  'rights: any': () => ['zadd'],
  'layout: any': () => [],
  'partition: opened': () => ['OPEN', 'GENERATION', 1, 'LAYOUT', '2:0:0:0', 'WAIT', 5],
  'partition: retired': () => ['RETIRE'],
  'repartition: prepared': () => ['PREPARE', 2],
  'repartition: restored': () => ['RESTORE', 1, 'LAYOUT', '2:0:0:0', 'WAIT', 5],
  'policy: a shorter wait, for longer remembered': async ({ add, tick }) => {
    await add('a', 'x', 'ID', 'm')
    await tick(3_600_000)
    await add('a', 'x', 'ID', 'm2')
    return ['WAIT', 5, 'DEDUPE', 7_200_000]
  },
  'policy: of a program': () => ['WAIT', 5, 'GIVEN', 'me@here'],
  'stats: any': async ({ add, claim }) => {
    await add('k', '1', 'FLUSH')
    await claim()
    return []
  },
  'leave: the watcher': async ({ lua }) => {
    for (const worker of ['w1', '~w2']) await lua.call('claim_ready', 'WORKER', worker)
    return ['w1']
  },
  'leave: the last one': async ({ lua }) => {
    for (const worker of ['w1', 'w2']) await lua.call('claim_ready', 'WORKER', worker)
    return ['w1']
  },
  'present: beside one who does not hear': async ({ lua, part }) => {
    await lua.redis.zadd(part('watch:present'), START + 5000, 'w2')
    return ['~w1']
  },
}

/** What is refused in these calls besides. */
export const ALSO: Record<string, string[]> = {
  'add: an id when a slice begins and that cannot be taken back': ['RPOP messages:k'],
  'add: the first message with options, which cannot be taken back': ['SREM overrides'],
  'add: comes back and its id cannot be taken back': [`SREM seen:${START}`],
  'add: comes back behind and its options cannot be taken back': ['SREM overrides'],
  'add: comes back between others, for who may take out none': ['LREM '],
}
