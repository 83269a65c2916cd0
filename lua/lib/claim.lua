--- Taking ready batches and finishing them: what `claim_ready`, `complete` and `forward` have in common.

local CLAIM_BYTES, CLAIM_LOOKS = 1048576, 2000
local LATENESS_BOUNDS = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000 }

local function bytes_of(messages)
  local bytes = 0
  for n = 1, #messages do bytes = bytes + #messages[n] end
  return bytes
end

-- Batches whose lease has run out or whose pause has ended: same id, same messages, next attempt.
local function claim_returned(root, now, options, policy, batches)
  local call, active, claims = redis.call, active_key(root), claims_key(root)
  local keys = call('ZRANGEBYSCORE', active, '-inf', options.before, 'LIMIT', 0, options.limit)
  if #keys == 0 then return 0 end
  local overrides, stored = has_overrides(root), call('HMGET', claims, unpack(keys))
  local bytes = 0
  for n = 1, #keys do
    if bytes >= CLAIM_BYTES then break end
    local key, claim = keys[n], decode_claim(stored[n])
    if not claim then
      -- Somebody deleted the claim by hand: the messages open a batch again.
      call('ZREM', active, key)
      drop_prefix(root, key, 0, policy, overrides)
    else
      local messages = redis.pcall('LRANGE', messages_key(root, key), 0, claim.count - 1)
      bytes = bytes + bytes_of(messages)
      if #messages == 0 then
        -- Somebody deleted the list by hand, or put a key of another type there: it must not stop the queue.
        call('ZREM', active, key)
        call('HDEL', claims, key)
      elseif
        claim.retry or claim.attempt < options.attempts
        or not bury(root, key, claim, 'the lease of attempt ' .. claim.attempt .. ' ran out', now, policy, overrides)
      then
        claim.attempt, claim.retry = claim.attempt + 1, false
        call('ZADD', active, now + options.lease, key)
        call('HSET', claims, key, encode_claim(claim))
        batches[#batches + 1] = { key, claim.id .. ':' .. claim.attempt, claim.reason, claim.deadline, messages }
      end
    end
  end
  if #batches > 0 then call('HINCRBY', root, 'redelivered', #batches) end
  return bytes
end

-- Batches of keys whose time has come.
local function claim_due(root, now, options, policy, batches, bytes)
  local call, due, overrides = redis.call, due_key(root), has_overrides(root)
  local counters = call('HMGET', root, 'batches', 'latenessSum', 'latenessMax')
  local sequence, sum, max = tonumber(counters[1]) or 0, tonumber(counters[2]) or 0, tonumber(counters[3]) or 0
  local closed_by, late_by, looks, stamp = {}, {}, 0, string.format('%.0f-', now)
  -- Ids must differ between the partitions of a queue, and a caller finds the partition by them.
  local partition = partition_of(root)
  local behind = partition and '-' .. partition or ''
  local lease = string.format('%.0f', now + options.lease)
  while #batches < options.limit and bytes < CLAIM_BYTES and looks < CLAIM_LOOKS do
    local keys = call('ZRANGEBYSCORE', due, '-inf', options.before, 'LIMIT', 0, options.limit - #batches)
    if #keys == 0 then break end
    local active = call('ZMSCORE', active_key(root), unpack(keys))
    local taken, leases, records, moved = {}, {}, {}, {}
    for n = 1, #keys do
      if bytes >= CLAIM_BYTES then break end
      local key = keys[n]
      local overridden = overrides and is_overridden(root, key)
      local count, deadline, reason, messages
      if not active[n] then count, deadline, reason, messages = head_batch(messages_key(root, key), policy, overridden) end
      if not count then
        -- Somebody deleted the list by hand, or put a key here whose batch is with a worker.
        taken[#taken + 1] = key
      elseif deadline > options.before then
        moved[#moved + 1], moved[#moved + 2] = deadline, key
        bytes = bytes + bytes_of(messages)
      else
        for extra = #messages, count + 1, -1 do messages[extra] = nil end
        sequence = sequence + 1
        -- Formatted: to join a number to a text takes Lua twice as long.
        local token = stamp .. string.format('%d', sequence) .. behind .. ':1'
        taken[#taken + 1] = key
        leases[#leases + 1], leases[#leases + 2] = lease, key
        records[#records + 1], records[#records + 2] = key, token .. string.format(':%d:%.0f:', count, deadline) .. reason
        batches[#batches + 1] = { key, token, reason, deadline, messages }
        bytes = bytes + bytes_of(messages)
        local late = now - deadline
        sum = sum + late
        if late > max then max = late end
        closed_by[reason] = (closed_by[reason] or 0) + 1
        late_by[late] = (late_by[late] or 0) + 1
      end
    end
    if #taken > 0 then call('ZREM', due, unpack(taken)) end
    if #moved > 0 then call('ZADD', due, unpack(moved)) end
    if #leases > 0 then
      call('ZADD', active_key(root), unpack(leases))
      call('HSET', claims_key(root), unpack(records))
    end
    looks = looks + #keys
  end
  if next(closed_by) then
    call('HSET', root, 'batches', sequence, 'latenessSum', sum, 'latenessMax', max)
    for reason, by in pairs(closed_by) do call('HINCRBY', root, 'closedBy:' .. reason, by) end
    local late_in = {}
    for late, by in pairs(late_by) do
      local bound = 1
      while LATENESS_BOUNDS[bound] and late > LATENESS_BOUNDS[bound] do bound = bound + 1 end
      late_in[bound] = (late_in[bound] or 0) + by
    end
    for bound, by in pairs(late_in) do call('HINCRBY', root, 'lateness:' .. (LATENESS_BOUNDS[bound] or 'more'), by) end
  end
end

-- Takes what is ready under a lease. Returns the batches, each { key, token, reason, deadline, messages }.
local function take_ready(root, now, options, policy)
  local batches = {}
  local bytes = claim_returned(root, now, options, policy, batches)
  claim_due(root, now, options, policy, batches, bytes)
  return batches
end

-- When who has taken so many batches looks next, or 0: nothing is pending.
local function next_look(root, now, options, policy, taken)
  local next_at
  for _, index in ipairs({ due_key(root), active_key(root) }) do
    local head = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
    local at = head[2] and tonumber(head[2])
    if at and (not next_at or at < next_at) then next_at = at end
  end
  -- In a root that serves no more, nothing is left to watch for when nothing is pending: the worker learns that it is drained.
  if options.worker and (next_at or not policy.closed) then
    next_at = watch(root, policy, options.worker, now, next_at, taken >= options.limit, options.rest or 1000)
    if options.echo then say(root, options.worker, 'echo') end
  end
  return next_at or 0
end

-- Finishes claimed batches, `counts[key]` messages of each key: opens what is left behind them, and returns when the first of that is due.
local function finish(root, keys, counts, policy)
  local call, overrides, messages, emptied, soonest = redis.call, has_overrides(root), 0, {}, nil
  call('ZREM', active_key(root), unpack(keys))
  call('HDEL', claims_key(root), unpack(keys))
  for n = 1, #keys do
    local key, list = keys[n], messages_key(root, keys[n])
    if not overrides and redis.pcall('LLEN', list) == counts[key] then
      emptied[#emptied + 1] = list
    else
      local deadline = drop_prefix(root, key, counts[key], policy, overrides)
      if deadline then soonest = math.min(soonest or deadline, deadline) end
    end
    messages = messages + counts[key]
  end
  if #emptied > 0 then call('UNLINK', unpack(emptied)) end
  call('HINCRBY', root, 'completed', #keys)
  call('HINCRBY', root, 'completedMessages', messages)
  return soonest
end
