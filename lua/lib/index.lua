--- What becomes of a key in `due` and `active` when its batch ends, one way or another.

-- Writes to an index. One of another type must not break off the end of a batch that is nearly told.
local function write_index(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call(...) end
end

-- A list that could not be read for another reason than its type is not empty: nothing may be concluded from it.
local function must_be_read(messages, list)
  if messages.err and not string.find(messages.err, 'WRONGTYPE', 1, true) then redis.call('LRANGE', list, 0, 0) end
end

-- Takes the first `count` messages off a key, and puts what is left into `due`. Returns its deadline, if any is left.
-- A key of another type has nothing left: it must not stop the queue. Whoever calls this takes the key out of `active` afterwards.
local function drop_prefix(root, key, count, policy, overrides)
  local list = messages_key(root, key)
  if count > 0 then redis.pcall('LTRIM', list, count, -1) end
  local overridden = overrides and is_overridden(root, key)
  local head, empty = head_of(list, policy, overridden)
  local deadline
  if head then
    policy.now = policy.now or now_ms()
    deadline = due_at(head, policy.now)
    write_index('ZADD', due_key(root), deadline, key)
  else
    must_be_read(empty, list)
    if overridden then redis.call('SREM', overrides_key(root), key) end
  end
  return deadline
end

-- Moves a batch that is given up to the dead ones; `cause`: 'failed' | 'lease' | 'unacknowledged'. Returns true, and the deadline of what
-- is left. False, and nothing is done, when `maxDead` are kept already: then it is tried again, since dropping it would lose messages,
-- and keeping it grow without a bound.
-- WHY this order: a call that is cut off may leave a batch in both places, never in none, and the next look buries it once more.
local function bury(root, key, claim, cause, text, now, policy, overrides)
  if redis.call('ZCARD', dead_key(root)) >= policy.maxDead then return false end
  local messages = redis.call('LRANGE', messages_key(root, key), 0, claim.count - 1)
  local dead = dead_key(root, claim.id)
  redis.call('HSET', dead, 'key', key, 'attempt', claim.attempt, 'claim', claim.claim, 'deadline', claim.deadline, 'reason', claim.reason,
    'cause', cause, 'error', text, 'count', #messages)
  for n = 1, #messages do redis.call('HSET', dead, n, messages[n]) end
  if redis.call('ZADD', dead_key(root), now, claim.id) == 1 then
    redis.call('HINCRBY', root, 'dead', 1)
    redis.call('HINCRBY', root, 'deadMessages', #messages)
  end
  redis.call('HDEL', claims_key(root), key)
  local deadline = drop_prefix(root, key, claim.count, policy, overrides)
  redis.call('ZREM', active_key(root), key)
  return true, deadline
end

-- An entry whose list is missing. While a cluster moves the slot, and a node dies meanwhile, the list may be on another node for a while: such
-- an entry is looked at again ten seconds later, and goes when the list is missing then as well. Its score ends in .5 in between.
-- Returns whether it is to go.
local function missing_twice(index, key, now)
  local score = redis.call('ZSCORE', index, key)
  if not score or string.find(score, '%.5$') then return true end
  redis.call('ZADD', index, string.format('%.0f.5', now + 10000), key)
  return false
end

-- Refuses when a key that the end of a batch writes to is of another type: found out half-way, that would break the call off.
local function foreign_type(root, key)
  for _, each in ipairs({
    { 'LLEN', messages_key(root, key), 'list' }, { 'ZCARD', active_key(root), 'zset' }, { 'ZCARD', due_key(root), 'zset' },
    { 'ZCARD', dead_key(root), 'zset' },
  }) do
    local found = redis.pcall(each[1], each[2])
    if type(found) == 'table' then return wrong_type(found, each[3], each[2]) end
  end
end
