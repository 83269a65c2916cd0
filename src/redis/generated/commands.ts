// Generated from lua/ by lua/build. Do not edit: run `npm run build`.

import type { FunctionName } from './facts.ts'

/** The commands that each function calls, as ACL SETUSER names them: a user needs the rights to all of them. */
export const COMMANDS_OF: Record<FunctionName, readonly string[]> = {
  add: ['hdel', 'hget', 'hincrby', 'hmget', 'hset', 'lindex', 'linsert', 'llen', 'lpos', 'lpush', 'lrange', 'lrem', 'ltrim', 'mget', 'pexpireat', 'publish', 'rpop', 'rpush', 'rpushx', 'sadd', 'scard', 'sismember', 'smismember', 'srem', 'time', 'unlink', 'zadd', 'zcard', 'zpopmax', 'zscore'],
  check: ['hget', 'hkeys', 'hlen', 'hmget', 'lindex', 'llen', 'lrange', 'mget', 'pttl', 'scard', 'sismember', 'time', 'type', 'zcard', 'zrange', 'zscore'],
  claim_ready: ['hdel', 'hget', 'hincrby', 'hmget', 'hset', 'lindex', 'llen', 'lrange', 'ltrim', 'mget', 'pexpireat', 'publish', 'scard', 'set', 'sismember', 'srem', 'time', 'type', 'unlink', 'zadd', 'zcard', 'zmscore', 'zpopmax', 'zrange', 'zrangebyscore', 'zrem', 'zremrangebyrank', 'zremrangebyscore', 'zrevrangebyscore', 'zscore'],
  complete: ['hdel', 'hincrby', 'hmget', 'hset', 'lindex', 'llen', 'lrange', 'ltrim', 'mget', 'publish', 'scard', 'set', 'sismember', 'srem', 'time', 'unlink', 'zadd', 'zpopmax', 'zrem'],
  dead: ['hgetall', 'hkeys', 'hlen', 'hmget', 'mget', 'zrange', 'zscore'],
  drop: ['hget', 'hincrby', 'hmget', 'hset', 'mget', 'set', 'type', 'unlink', 'zadd', 'zrem', 'zscore'],
  erase: ['hdel', 'hget', 'hincrby', 'hmget', 'hset', 'llen', 'mget', 'scard', 'set', 'srem', 'time', 'type', 'unlink', 'xack', 'xdel', 'xinfo|groups', 'xrange', 'zadd', 'zcard', 'zrangebylex', 'zrem', 'zscan', 'zscore'],
  extend: ['hmget', 'hset', 'llen', 'mget', 'time', 'zadd', 'zcard'],
  fail: ['hdel', 'hget', 'hincrby', 'hmget', 'hset', 'lindex', 'llen', 'lpush', 'lrange', 'ltrim', 'mget', 'publish', 'scard', 'set', 'sismember', 'srem', 'time', 'zadd', 'zcard', 'zpopmax', 'zrem'],
  forward: ['hdel', 'hget', 'hincrby', 'hmget', 'hset', 'lindex', 'llen', 'lrange', 'ltrim', 'mget', 'pexpireat', 'publish', 'scard', 'set', 'sismember', 'srem', 'time', 'type', 'unlink', 'xadd', 'xinfo|groups', 'xlen', 'xpending', 'xtrim', 'zadd', 'zcard', 'zmscore', 'zpopmax', 'zrange', 'zrangebyscore', 'zrem', 'zremrangebyrank', 'zremrangebyscore', 'zrevrangebyscore', 'zscore'],
  layout: ['hget', 'hmget', 'mget', 'zcard'],
  leave: ['hmget', 'hset', 'mget', 'publish', 'time', 'zpopmax', 'zrange', 'zrem'],
  partition: ['hdel', 'hmget', 'hset', 'mget', 'publish', 'time', 'zcard'],
  peek: ['hget', 'hmget', 'lindex', 'llen', 'lrange', 'mget', 'scard', 'sismember', 'time', 'zscore'],
  policy: ['hdel', 'hget', 'hmget', 'hset', 'mget', 'pexpireat', 'time'],
  present: ['hmget', 'mget', 'pexpireat', 'pubsub|numsub', 'time', 'zadd', 'zcard', 'zrange', 'zrem', 'zremrangebyrank'],
  release: ['hmget', 'hset', 'llen', 'mget', 'publish', 'set', 'time', 'zadd', 'zcard', 'zpopmax'],
  repair: ['hdel', 'hget', 'hkeys', 'hlen', 'hmget', 'hset', 'lindex', 'llen', 'lrange', 'mget', 'persist', 'pexpireat', 'pttl', 'publish', 'sadd', 'srem', 'time', 'type', 'unlink', 'zadd', 'zcard', 'zpopmax', 'zrange', 'zrem', 'zscore'],
  repartition: ['hdel', 'hget', 'hmget', 'hset', 'mget'],
  requeue: ['hdel', 'hget', 'hgetall', 'hincrby', 'hkeys', 'hlen', 'hmget', 'hset', 'lindex', 'linsert', 'llen', 'lpos', 'lpush', 'lrange', 'lrem', 'ltrim', 'mget', 'publish', 'rpushx', 'sadd', 'set', 'sismember', 'srem', 'time', 'unlink', 'zadd', 'zpopmax', 'zrem', 'zscore'],
  rights: [],
  stats: ['hmget', 'llen', 'mget', 'time', 'zcard', 'zcount', 'zrange'],
  version: [],
}
