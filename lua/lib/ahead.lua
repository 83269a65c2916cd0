--- The clock of Redis may go back. What was written before lies ahead of the time then, and would be looked at an hour late.

-- The longest wait of the policy: a shortened one holds only from the next look on.
local function longest_wait(queue) return math.max(queue.wait, tonumber(redis.call('HGET', queue.root, 'longestWait')) or 0) end

-- When a key is due that is in `due` at `score`, further ahead than the policy allows.
local function lowered_due(queue, key, score)
  -- Options of its messages may allow more.
  local head = head_of(queue, key, has_options(queue, key))
  return math.min(score, head and due_at(head, queue.now) or queue.now)
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
    move(index, moved)
    looks = looks + #keys
  end
  return left
end

-- Lowers what is further ahead than anything may be, when the last look was in the future: some of it in each call, until nothing is left.
local function lower_ahead(queue)
  local root, now = queue.root, queue.now
  if queue.looked <= now + CLOCK_STEP then return end
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
  -- What the watcher has promised is as far ahead.
  queue.watchAt, queue.standbyUntil = 0, 0
  if left > 0 then queue.looked = now end
  redis.call('HSET', root, 'watchAt', 0, 'standbyUntil', 0, 'looked', queue.looked)
end
