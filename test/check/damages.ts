// The damages of damage.test.ts: how each is done by hand, what a walk says of it, and how it is mended.

import { type Lua, START } from '../support/lua.ts'

export interface Damage {
  name: string
  damage: (lua: Lua) => Promise<unknown>
  /** The laws that a walk finds broken, each with the part that it names. */
  laws: string[]
  /** What it says of each, in words. */
  says: string[]
  /** What repair says of each; `undefined` where only a person can mend it. */
  mended: (string | undefined)[]
  /** Laws that come out only when those above are mended. */
  afterwards?: string[]
}

export const DEAD = `${START}-1`
export const named = (lua: Lua, part: string) => `${lua.root}:${part}`

/** Every way to damage a queue by hand that the key table of lua/README.md allows. */
export const DAMAGES: Damage[] = [
  {
    name: 'a list in no index',
    damage: (lua) => lua.redis.zrem(named(lua, 'due'), 'k'),
    laws: ['messages-indexed messages:k'],
    says: ['it has 2 messages and is in neither due nor active: nobody would look at it'],
    mended: ['added to due'],
  },
  {
    name: 'an index entry without messages',
    damage: (lua) => lua.redis.del(named(lua, 'messages:k')),
    laws: ['index-has-messages messages:k'],
    says: ['it is in due and has no messages'],
    mended: ['removed from due'],
    afterwards: ['counters root'],
  },
  {
    name: 'due later than any message allows',
    damage: (lua) => lua.redis.zadd(named(lua, 'due'), START + 10_001, 'k'),
    laws: ['due-in-time messages:k'],
    says: ['it is due 1 ms later than the longest wait of any of its messages allows'],
    mended: ['moved to its deadline'],
  },
  {
    name: 'due never',
    damage: (lua) => lua.redis.zadd(named(lua, 'due'), '+inf', 'k'),
    laws: ['due-in-time messages:k'],
    says: ['it is due inf ms later than the longest wait of any of its messages allows'],
    mended: ['moved to its deadline'],
  },
  {
    name: 'a claim without a lease',
    damage: (lua) => lua.redis.zrem(named(lua, 'active'), 'held'),
    laws: ['messages-indexed messages:held', 'claim-is-active messages:held'],
    says: ['it has 2 messages and is in neither due nor active: nobody would look at it', 'it has a claim and is not active'],
    mended: ['added to active', 'added to active'],
  },
  {
    name: 'a lease without a claim',
    damage: (lua) => lua.redis.hdel(named(lua, 'claims'), 'held'),
    laws: ['active-has-claim messages:held'],
    says: ['it is active without a claim'],
    mended: ['removed from active, added to due'],
  },
  {
    name: 'a lease that never ends',
    damage: (lua) => lua.redis.zadd(named(lua, 'active'), '+inf', 'held'),
    laws: ['lease-ends messages:held'],
    says: ['its lease or pause of 30000 ms ends in inf ms: the clock of Redis has gone back'],
    mended: ['lowered to the lease that was granted'],
  },
  {
    name: 'a claimed key in due',
    damage: (lua) => lua.redis.zadd(named(lua, 'due'), 1, 'held'),
    laws: ['one-index messages:held'],
    says: ['it is in both due and active'],
    mended: ['removed from due'],
  },
  {
    name: 'an open key in active',
    damage: (lua) => lua.redis.zadd(named(lua, 'active'), START, 'k'),
    laws: ['one-index messages:k', 'active-has-claim messages:k'],
    says: ['it is in both due and active', 'it is active without a claim'],
    mended: ['removed from active', 'removed from active'],
  },
  {
    name: 'a claim of an open key',
    damage: (lua) => lua.redis.hset(named(lua, 'claims'), 'k', '1-1:1:1:0:1:1:wait:30000'),
    laws: ['claim-is-active messages:k'],
    says: ['it has a claim and is not active'],
    mended: ['removed from due, added to active'],
  },
  {
    name: 'a claim that cannot be read',
    damage: (lua) => lua.redis.hset(named(lua, 'claims'), 'held', 'nonsense'),
    laws: ['claim-readable messages:held'],
    says: ['its claim cannot be read: nonsense'],
    mended: ['claim removed, removed from active, added to due'],
  },
  {
    name: 'a claim of more messages than there are',
    damage: (lua) => lua.redis.rpop(named(lua, 'messages:held')),
    laws: ['claim-count messages:held', 'counters root'],
    says: ['its claim has 2 messages and the list 1', 'the counters speak of 6 messages, the lists hold 5'],
    mended: ['claim cut to the messages that are there', 'added set to 7'],
  },
  {
    name: 'a batch that is with a worker and dead as well',
    damage: async (lua) => {
      const id = String(await lua.redis.hget(named(lua, 'claims'), 'held')).split(':')[0] as string
      const [message] = await lua.redis.lrange(named(lua, 'messages:held'), 0, 0)
      await lua.redis.hset(named(lua, `dead:${id}`), { key: 'held', count: 1, 1: message as string })
      await lua.redis.zadd(named(lua, 'dead'), START, id)
    },
    laws: ['alive-or-dead messages:held'],
    says: [`its batch ${START}-2 is dead as well: a call was cut off`],
    mended: ['removed from dead'],
  },
  {
    name: 'a claim of no messages',
    damage: (lua) => lua.redis.hset(named(lua, 'claims'), 'held', '1-1:1:1:0:0:1:wait:30000'),
    laws: ['claim-count messages:held'],
    says: ['its claim has 0 messages and the list 2'],
    mended: ['claim removed, removed from active, added to due'],
  },
  {
    name: 'a claim and a lease without messages',
    damage: (lua) => lua.redis.del(named(lua, 'messages:held')),
    laws: ['index-has-messages messages:held', 'overrides-have-messages messages:held'],
    says: ['it is in active and has no messages', 'it is in overrides and has no messages'],
    mended: ['removed from overrides, claim removed, removed from active', 'removed from overrides, claim removed, removed from active'],
    afterwards: ['counters root'],
  },
  {
    name: 'a claim alone',
    damage: (lua) => lua.redis.hset(named(lua, 'claims'), 'nobody', '1-1:1:1:0:1:1:wait:30000'),
    laws: ['claim-is-active messages:nobody'],
    says: ['it has a claim and is not active'],
    mended: ['claim removed'],
  },
  {
    name: 'an override without messages',
    damage: (lua) => lua.redis.sadd(named(lua, 'overrides'), 'nobody'),
    laws: ['overrides-have-messages messages:nobody'],
    says: ['it is in overrides and has no messages'],
    mended: ['removed from overrides'],
  },
  {
    name: 'a message with options, not in overrides',
    damage: (lua) => lua.redis.srem(named(lua, 'overrides'), 'own'),
    laws: ['overrides-known messages:own'],
    says: ['a message has options of its own and the key is not in overrides'],
    mended: ['added to overrides'],
  },
  {
    name: 'a message that cannot be read',
    damage: (lua) => lua.redis.rpush(named(lua, 'messages:k'), 'not a message'),
    laws: ['readable messages:k', 'counters root'],
    says: ['1 of 3 messages cannot be read', 'the counters speak of 6 messages, the lists hold 7'],
    mended: [undefined, 'added set to 9'],
  },
  {
    name: 'wrong counters',
    damage: (lua) => lua.redis.hset(lua.root, 'added', 5, 'deadMessages', 3),
    laws: ['counters root', 'dead-counter root'],
    says: ['the counters speak of 2 messages, the lists hold 6', 'the counter speaks of 3 messages in dead batches, they hold 2'],
    mended: ['added set to 8, deadMessages set to 2', 'added set to 8, deadMessages set to 2'],
  },
  {
    name: 'a dead batch in no index',
    damage: (lua) => lua.redis.zrem(named(lua, 'dead'), DEAD),
    laws: [`dead-indexed dead:${DEAD}`],
    says: ['a dead batch of 2 messages is not in dead: nobody would see it'],
    mended: ['added to dead'],
  },
  {
    name: 'the index entry of a dead batch alone',
    damage: (lua) => lua.redis.del(named(lua, `dead:${DEAD}`)),
    laws: [`dead-has-batch dead:${DEAD}`],
    says: ['it is in dead, and the batch itself is not there'],
    mended: ['removed from dead'],
    afterwards: ['dead-counter root'],
  },
  {
    name: 'a dead batch without its first message',
    damage: (lua) => lua.redis.hdel(named(lua, `dead:${DEAD}`), '1'),
    laws: [`dead-complete dead:${DEAD}`],
    says: ['message 1 of a dead batch is missing'],
    mended: ['count set to the messages that are there'],
    afterwards: ['dead-counter root'],
  },
  {
    name: 'a dead batch that has more messages than it says',
    damage: (lua) => lua.redis.hset(named(lua, `dead:${DEAD}`), 'count', 'one'),
    laws: [`dead-complete dead:${DEAD}`],
    says: ['a dead batch says that it has one messages, there are 2'],
    mended: ['count set to the messages that are there'],
  },
  {
    name: 'a dead batch of nobody',
    damage: (lua) => lua.redis.hdel(named(lua, `dead:${DEAD}`), 'key'),
    laws: [`dead-has-key dead:${DEAD}`],
    says: ['a dead batch does not say of which key it is'],
    mended: [undefined],
  },
  {
    name: 'a dead batch without messages',
    damage: (lua) => lua.redis.hdel(named(lua, `dead:${DEAD}`), '1', '2'),
    laws: [`dead-has-messages dead:${DEAD}`],
    says: ['a dead batch has no messages that could be read'],
    mended: [undefined],
  },
  {
    name: 'ids that are remembered for ever',
    damage: (lua) => lua.redis.persist(named(lua, `seen:${START}`)),
    laws: [`expires seen:${START}`],
    says: ['it never expires'],
    mended: ['expires'],
  },
  ...['messages:k', 'due', 'active', 'claims', 'overrides', 'dead', `dead:${DEAD}`].map((part) => ({
    name: `${part} that will expire`,
    damage: (lua: Lua) => lua.redis.expire(named(lua, part), 1000),
    laws: [`kept ${part}`],
    says: ['it will expire, and what is in it will be lost'],
    mended: ['kept for ever'],
  })),
  {
    name: 'a root that will expire',
    damage: (lua) => lua.redis.expire(lua.root, 1000),
    laws: ['kept root'],
    says: ['the root will expire, and with it the policy and the counters'],
    mended: ['kept for ever'],
  },
  {
    name: 'keys that are none of the queue',
    damage: (lua) => lua.redis.mset(named(lua, 'due:k'), 'mine', named(lua, 'messages'), 'mine', named(lua, 'k'), 'mine'),
    laws: ['known-key due:k', 'known-key k', 'known-key messages'],
    says: ['this string is no key of a queue', 'this string is no key of a queue', 'this string is no key of a queue'],
    mended: [undefined, undefined, undefined],
  },
  {
    name: 'a restore of the messages alone',
    damage: (lua) =>
      lua.redis.del(lua.root, ...['due', 'active', 'claims', 'overrides', 'dead', `dead:${DEAD}`].map((part) => named(lua, part))),
    laws: [
      ...['messages-indexed messages:held', 'overrides-known messages:held', 'messages-indexed messages:k'],
      ...['messages-indexed messages:own', 'overrides-known messages:own'],
    ],
    says: [
      'it has 2 messages and is in neither due nor active: nobody would look at it',
      'a message has options of its own and the key is not in overrides',
      'it has 2 messages and is in neither due nor active: nobody would look at it',
      'it has 2 messages and is in neither due nor active: nobody would look at it',
      'a message has options of its own and the key is not in overrides',
    ],
    mended: [
      ...['added to overrides, added to due', 'added to overrides, added to due', 'added to due'],
      ...['added to overrides, added to due', 'added to overrides, added to due'],
    ],
    afterwards: ['counters root'],
  },
  {
    name: 'a restore without the messages',
    damage: (lua) => lua.redis.del(...['k', 'own', 'held'].map((key) => named(lua, `messages:${key}`))),
    laws: [
      ...['index-has-messages messages:held', 'overrides-have-messages messages:held', 'index-has-messages messages:k'],
      ...['index-has-messages messages:own', 'overrides-have-messages messages:own'],
    ],
    says: [
      'it is in active and has no messages',
      'it is in overrides and has no messages',
      'it is in due and has no messages',
      'it is in due and has no messages',
      'it is in overrides and has no messages',
    ],
    mended: [
      ...[
        'removed from overrides, claim removed, removed from active',
        'removed from overrides, claim removed, removed from active',
        'removed from due',
      ],
      ...['removed from overrides, removed from due', 'removed from overrides, removed from due'],
    ],
    afterwards: ['counters root'],
  },
]

/** Of each row of the key table: what is told when a key of another type stands there. */
export const FOREIGN: Record<string, string[]> = {
  'messages:k': ['list-type messages:k: its messages should be a list and are a string'],
  due: [
    'index-type due: due should be a zset and is a string',
    'messages-indexed messages:k: it has 2 messages and is in neither due nor active: nobody would look at it',
    'messages-indexed messages:own: it has 2 messages and is in neither due nor active: nobody would look at it',
  ],
  active: [
    'index-type active: active should be a zset and is a string',
    'messages-indexed messages:held: it has 2 messages and is in neither due nor active: nobody would look at it',
    'claim-is-active messages:held: it has a claim and is not active',
  ],
  claims: ['index-type claims: claims should be a hash and is a string', 'active-has-claim messages:held: it is active without a claim'],
  overrides: [
    'overrides-known messages:held: a message has options of its own and the key is not in overrides',
    'overrides-known messages:own: a message has options of its own and the key is not in overrides',
    'index-type overrides: overrides should be a set and is a string',
  ],
  dead: [
    'index-type dead: dead should be a zset and is a string',
    `dead-indexed dead:${DEAD}: a dead batch of 2 messages is not in dead: nobody would see it`,
  ],
  [`dead:${DEAD}`]: [`dead-type dead:${DEAD}: a dead batch should be a hash and is a string`],
  [`seen:${START}`]: [`part-type seen:${START}: it should be a set and is a string`],
  'stream:batches': ['part-type stream:batches: it should be a stream and is a string'],
  'rate:k': ['part-type rate:k: it should be a string and is a list'],
  'watch:standby': ['part-type watch:standby: it should be a zset and is a string'],
  'watch:present': ['part-type watch:present: it should be a zset and is a string'],
}
