// Generated from lua/ by lua/build. Do not edit: run `npm run build`.

import type { FunctionName } from './facts.ts'

/** The commands that each function calls, as ACL SETUSER names them: a user needs the rights to all of them. */
export const COMMANDS_OF: Record<FunctionName, readonly string[]> = {
  add: ['exists', 'hdel', 'hget', 'hincrby', 'hmget', 'hset', 'lindex', 'linsert', 'llen', 'lpos', 'lpush', 'lrange', 'lrem', 'lset', 'ltrim', 'pexpireat', 'publish', 'rpop', 'rpush', 'rpushx', 'sadd', 'scard', 'sismember', 'smismember', 'srem', 'time', 'unlink', 'zadd', 'zcard', 'zpopmax', 'zrem', 'zscore'],
  archived: ['exists', 'hgetall', 'hmget', 'zcard', 'zcount', 'zrange', 'zrank', 'zscore'],
  check: ['exists', 'hget', 'hkeys', 'hlen', 'hmget', 'lindex', 'llen', 'lrange', 'pttl', 'scard', 'sismember', 'time', 'type', 'zcard', 'zrange', 'zscore'],
  claim_ready: ['exists', 'hdel', 'hget', 'hincrby', 'hmget', 'hset', 'lindex', 'llen', 'lrange', 'ltrim', 'mget', 'pexpireat', 'publish', 'scard', 'set', 'sismember', 'srem', 'time', 'type', 'unlink', 'zadd', 'zcard', 'zmscore', 'zpopmax', 'zrange', 'zrangebyscore', 'zrem', 'zremrangebyrank', 'zremrangebyscore', 'zrevrangebyscore', 'zscore'],
  complete: ['exists', 'hdel', 'hincrby', 'hmget', 'hset', 'lindex', 'llen', 'lrange', 'ltrim', 'mget', 'publish', 'scard', 'set', 'sismember', 'srem', 'time', 'unlink', 'zadd', 'zpopmax', 'zrem'],
  dead: ['exists', 'hgetall', 'hkeys', 'hlen', 'hmget', 'zrange', 'zscore'],
  drop: ['exists', 'hget', 'hincrby', 'hmget', 'hset', 'mget', 'set', 'type', 'unlink', 'zadd', 'zrem', 'zscore'],
  erase: ['exists', 'hdel', 'hget', 'hincrby', 'hmget', 'hset', 'llen', 'mget', 'scard', 'set', 'srem', 'time', 'type', 'unlink', 'xack', 'xdel', 'xinfo|groups', 'xrange', 'xrevrange', 'zadd', 'zcard', 'zrangebylex', 'zrem', 'zscan', 'zscore'],
  events: ['exists', 'hmget', 'xrange', 'xrevrange'],
  extend: ['exists', 'hmget', 'hset', 'llen', 'time', 'zadd', 'zcard'],
  fail: ['exists', 'hdel', 'hget', 'hincrby', 'hmget', 'hset', 'lindex', 'llen', 'lpush', 'lrange', 'ltrim', 'mget', 'publish', 'scard', 'set', 'sismember', 'srem', 'time', 'zadd', 'zcard', 'zpopmax', 'zrem'],
  forward: ['exists', 'hdel', 'hget', 'hincrby', 'hmget', 'hset', 'lindex', 'llen', 'lrange', 'ltrim', 'mget', 'pexpireat', 'publish', 'scard', 'set', 'sismember', 'srem', 'time', 'type', 'unlink', 'xadd', 'xinfo|groups', 'xlen', 'xpending', 'xtrim', 'zadd', 'zcard', 'zmscore', 'zpopmax', 'zrange', 'zrangebyscore', 'zrem', 'zremrangebyrank', 'zremrangebyscore', 'zrevrangebyscore', 'zscore'],
  layout: ['exists', 'hget', 'hmget', 'zcard'],
  leave: ['exists', 'hmget', 'hset', 'publish', 'time', 'zpopmax', 'zrange', 'zrem'],
  partition: ['exists', 'hdel', 'hmget', 'hset', 'publish', 'time', 'zcard'],
  peek: ['exists', 'hget', 'hmget', 'lindex', 'llen', 'lrange', 'scard', 'sismember', 'time', 'zscore'],
  policy: ['exists', 'hdel', 'hget', 'hmget', 'hset', 'pexpireat', 'time'],
  present: ['exists', 'hmget', 'pexpireat', 'pubsub|numsub', 'time', 'zadd', 'zcard', 'zrange', 'zrem', 'zremrangebyrank'],
  release: ['exists', 'hmget', 'hset', 'llen', 'mget', 'publish', 'set', 'time', 'zadd', 'zcard', 'zpopmax'],
  repair: ['exists', 'hdel', 'hget', 'hkeys', 'hlen', 'hmget', 'hset', 'lindex', 'llen', 'lrange', 'persist', 'pexpireat', 'pttl', 'publish', 'sadd', 'srem', 'time', 'type', 'unlink', 'zadd', 'zcard', 'zpopmax', 'zrange', 'zrem', 'zscore'],
  repartition: ['exists', 'hdel', 'hget', 'hmget', 'hset'],
  requeue: ['exists', 'hdel', 'hget', 'hgetall', 'hincrby', 'hkeys', 'hlen', 'hmget', 'hset', 'lindex', 'linsert', 'llen', 'lpos', 'lpush', 'lrange', 'lrem', 'ltrim', 'mget', 'publish', 'rpushx', 'sadd', 'set', 'sismember', 'srem', 'time', 'unlink', 'zadd', 'zpopmax', 'zrem', 'zscore'],
  rights: [],
  stats: ['exists', 'hmget', 'llen', 'time', 'xlen', 'zcard', 'zcount', 'zrange'],
  trace: ['exists', 'hget', 'hgetall', 'hkeys', 'hlen', 'hmget', 'hscan', 'lindex', 'llen', 'lrange', 'scard', 'sismember', 'smismember', 'time', 'xrevrange', 'zcard', 'zcount', 'zrange', 'zrangebylex', 'zrank', 'zscore'],
  version: [],
}
