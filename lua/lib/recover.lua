--- What puts right that which calls that were cut off, the clock, a failover or a hand has left. Beside lib/conversation.lua and lib/change.lua, with
--- whose steps it agrees, nothing else writes `due`, `active`, `claims` and `overrides`.

-- Opens an active key that no worker has: its claim was deleted, by hand or by a call that was cut off, and its messages are an open batch
-- again. Or the batch is done and its list has come back: then it is taken off, unless a message has begun a new list since, and put the key
-- into `due`.
local function reopen(queue, key, claim)
  local root = queue.root
  local done = claim and not redis.call('ZSCORE', due_key(root), key)
  redis.call('HDEL', claims_key(root), key)
  open_rest(queue, key, done and claim.count or 0)
  redis.call('ZREM', active_key(root), key)
  note_event(queue, 'reopened', key)
end

-- The clock of Redis may go back. What was written before lies ahead of the time then, and would be looked at an hour late. So the first who
-- looks lowers what is further ahead than anything may be.

-- The longest wait of the policy: a shortened one holds only from the next look on.
local function longest_wait(queue) return math.max(queue.wait, tonumber(redis.call('HGET', queue.root, 'longestWait')) or 0) end

-- When a key is due that is in `due` at `score`, further ahead than the policy allows.
local function lowered_due(queue, key, score)
  -- Options of its messages may allow more.
  local head = window_of(queue, key, has_options(queue, key))
  return math.min(score, head and enters_at(head, queue.now) or queue.now)
end

-- Lowers entries of an index that lie later than `latest`, at most `left`, a page at a time, the furthest first. `judge` returns their scores as
-- they should be. Returns how many more may be lowered.
local function lower_index(index, latest, left, judge)
  local at, looks = 0, 0
  while left > 0 and looks < 10 * LIMITS.lowered do
    local found = redis.call('ZREVRANGEBYSCORE', index, '+inf', string.format('(%.0f', latest), 'WITHSCORES', 'LIMIT', at, LIMITS.lowered)
    local keys, scores, moved = {}, {}, {}
    for n = 1, #found, 2 do keys[#keys + 1], scores[#scores + 1] = found[n], tonumber(found[n + 1]) end
    if #keys == 0 then break end
    local right = judge(keys, scores)
    for n = 1, #keys do
      if right[n] < scores[n] and left > 0 then
        moved[#moved + 1], moved[#moved + 2] = right[n], keys[n]
        left = left - 1
      else
        at = at + 1
      end
    end
    if #moved > 0 then redis.call('ZADD', index, unpack(moved)) end
    looks = looks + #keys
  end
  return left
end

-- Lowers what is further ahead than anything may be, when the last look was in the future: some of it in each call, until nothing is left.
local function lower_ahead(queue)
  local root, now = queue.root, queue.now
  if looked_before(queue) <= now + CLOCK_STEP then return end
  local left = lower_index(due_key(root), now + longest_wait(queue), LIMITS.lowered, function(keys, scores)
    local right = {}
    for n = 1, #keys do right[n] = lowered_due(queue, keys[n], scores[n]) end
    return right
  end)
  left = lower_index(active_key(root), now + CLOCK_STEP, left, function(keys, scores)
    local right, stored = {}, redis.call('HMGET', claims_key(root), unpack(keys))
    for n = 1, #keys do
      local claim = decode_claim(stored[n])
      right[n] = claim and latest_end(claim, scores[n], now) or scores[n]
    end
    return right
  end)
  -- What the watcher has promised, and until when others stand by, is as far ahead.
  queue.watchAt = 0
  if left > 0 then queue.looked = now end
  redis.pcall('ZREMRANGEBYRANK', watch_key(root, 'standby'), 0, -1)
  redis.call('HSET', root, 'watchAt', 0, 'looked', queue.looked)
end

-- Puts in order what says that a key is active: its claim holds.
local function mend_active(queue, key, claim, size, done)
  local root, active = queue.root, active_key(queue.root)
  -- A call that buried the batch was cut off: its messages are here as well, and a worker may have them again. What is no hash somebody else has put
  -- there, and it stays.
  local removed, grave = redis.call('ZREM', dead_key(root), claim.id), dead_key(root, claim.id)
  if redis.call('TYPE', grave).ok == 'hash' then removed = redis.call('UNLINK', grave) end
  if removed > 0 then done[#done + 1] = 'removed from dead' end
  if claim.count > size then
    claim.count = size
    redis.call('HSET', claims_key(root), key, encode_claim(claim))
    done[#done + 1] = 'claim cut to the messages that are there'
  end
  if redis.call('ZREM', due_key(root), key) == 1 then done[#done + 1] = 'removed from due' end
  -- A lease that ends now: the batch is handed out again.
  if redis.call('ZADD', active, 'NX', queue.now, key) == 1 then done[#done + 1] = 'added to active' end
  local score = tonumber(redis.call('ZSCORE', active, key))
  local right = latest_end(claim, score, queue.now)
  if right < score then
    redis.call('ZADD', active, right, key)
    done[#done + 1] = 'lowered to the lease that was granted'
  end
end

-- Puts in order what says that a key is open, or empty: no claim of it holds.
local function mend_open(queue, key, with_options, done)
  local root, due = queue.root, due_key(queue.root)
  if redis.call('HDEL', claims_key(root), key) == 1 then done[#done + 1] = 'claim removed' end
  if redis.call('ZREM', active_key(root), key) == 1 then done[#done + 1] = 'removed from active' end
  local head = window_of(queue, key, with_options)
  if not head then
    if redis.call('ZREM', due, key) == 1 then done[#done + 1] = 'removed from due' end
    return
  end
  local at, score = enters_at(head, queue.now), tonumber(redis.call('ZSCORE', due, key))
  if not score or score > at then
    redis.call('ZADD', due, digits(at), key)
    wake_watcher(queue, at)
    done[#done + 1] = score and 'moved to its deadline' or 'added to due'
  end
end

-- Makes what is kept about a key follow its list, which is the truth. Adds to `done` what was mended, in words.
local function mend(queue, key, done)
  local root, list = queue.root, messages_key(queue.root, key)
  local kind = redis.call('TYPE', list).ok
  -- Only its owner can say what a foreign key is for.
  if kind ~= 'none' and kind ~= 'list' then return end
  local size = redis.call('LLEN', list)
  queue.looks = queue.looks + math.min(size, POLICY.MAXSIZE.most)
  local claim, with_options = decode_claim(redis.call('HGET', claims_key(root), key)), carries_options(list, size)
  -- Its list was missing when it was completed, and a message has begun a new one since.
  if claim and claim.state == 'done' and redis.call('ZSCORE', due_key(root), key) then claim = nil end
  if with_options and note_options(queue, key) == 1 then done[#done + 1] = 'added to overrides' end
  if size == 0 and redis.call('SREM', overrides_key(root), key) == 1 then done[#done + 1] = 'removed from overrides' end
  if claim and size > 0 and claim.count > 0 then
    mend_active(queue, key, claim, size, done)
  else
    mend_open(queue, key, with_options, done)
  end
end
