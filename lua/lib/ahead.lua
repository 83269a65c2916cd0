--- The clock of Redis may go back. What was written before lies ahead of the time then, and would be looked at an hour late.

-- No call moves more entries than this, and no call looks at more than ten times as many.
local LOWERED = 100

-- The time of this look, for the root: `looked` tells the next one whether the clock has gone back since. It stays in the future until all is lowered.
local function looked_at(policy, now) return policy.looked > now + CLOCK_STEP and policy.looked or now end

-- The longest wait of the policy: a shortened one holds only from the next look on.
local function longest_wait(root, policy) return math.max(policy.wait, tonumber(redis.call('HGET', root, 'longestWait')) or 0) end

-- When a key is due that is in `due` at `score`, further ahead than the policy allows.
local function lowered_due(root, key, score, policy, now)
  -- Options of its messages may allow more.
  local head = head_of(messages_key(root, key), policy, is_overridden(root, key))
  return math.min(score, head and due_at(head, now) or now)
end

-- When the lease or pause of a claim ends that ends at `score`. It was granted for `span` from some moment that has passed.
local function lowered_active(stored, score, now)
  local claim = decode_claim(stored)
  if not claim then return score end
  return score > now + claim.span + CLOCK_STEP and now + claim.span or score
end

-- Entries that lie more than `from` ahead, a page at a time, the furthest first; `judge` returns their scores as they should be.
local function lower_index(index, from, left, judge)
  local call, at, looks = redis.call, 0, 0
  while left > 0 and looks < 10 * LOWERED do
    local found = call('ZREVRANGEBYSCORE', index, '+inf', string.format('(%.0f', from), 'WITHSCORES', 'LIMIT', at, LOWERED)
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
    if #moved > 0 then call('ZADD', index, unpack(moved)) end
    looks = looks + #keys
  end
  return left
end

-- Lowers what is further ahead than anything may be, when the last look was in the future: some of it in each call, until nothing is left.
local function lower_ahead(root, policy, now)
  if policy.looked <= now + CLOCK_STEP then return end
  local left = lower_index(due_key(root), now + longest_wait(root, policy), LOWERED, function(keys, scores)
    local right = {}
    for n = 1, #keys do right[n] = lowered_due(root, keys[n], scores[n], policy, now) end
    return right
  end)
  left = lower_index(active_key(root), now + CLOCK_STEP, left, function(keys, scores)
    local right, stored = {}, redis.call('HMGET', claims_key(root), unpack(keys))
    for n = 1, #keys do right[n] = lowered_active(stored[n], scores[n], now) end
    return right
  end)
  -- What the watcher has promised is as far ahead.
  policy.watchAt, policy.standbyUntil = 0, 0
  if left > 0 then policy.looked = now end
  redis.call('HSET', root, 'watchAt', 0, 'standbyUntil', 0, 'looked', policy.looked)
end
