--- Taking ready batches and finishing them: what `claim_ready`, `complete` and `forward` have in common.

local CLAIM_BYTES, CLAIM_LOOKS = 1048576, 2000
local LATENESS_BOUNDS = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000 }

local function bytes_of(messages)
  local bytes = 0
  for n = 1, #messages do bytes = bytes + #messages[n] end
  return bytes
end

-- Counts the end of a claim, and says whether the batch is to be buried, and of what; `known`: somebody has acknowledged the claim.
local function count_end(claim, known, options)
  if claim.state == 'released' then return nil end
  if not known then
    claim.lost = claim.lost + 1
    if claim.lost < 4 * options.attempts then return nil end
    return 'unacknowledged', 'nobody has said that a claim of it arrived, ' .. claim.lost .. ' times'
  end
  if claim.state == 'retry' or claim.attempt < options.attempts then
    claim.attempt = claim.attempt + 1
    return nil
  end
  return 'lease', 'the lease of attempt ' .. claim.attempt .. ' ran out'
end

-- Batches whose lease has run out or whose pause has ended: same id, same messages, a new token.
local function claim_returned(root, now, options, policy, batches)
  local call, active, claims = redis.call, active_key(root), claims_key(root)
  local keys = call('ZRANGEBYSCORE', active, '-inf', options.before, 'LIMIT', 0, options.limit)
  if #keys == 0 then return 0 end
  local overrides, stored = has_overrides(root), call('HMGET', claims, unpack(keys))
  local known, bytes = acknowledged(root, stored, options.nonce), 0
  for n = 1, #keys do
    if bytes >= CLAIM_BYTES then break end
    local key, claim = keys[n], decode_claim(stored[n])
    local list = messages_key(root, key)
    local messages = redis.pcall('LRANGE', list, 0, (claim and claim.count or 1) - 1)
    must_be_read(messages, list)
    bytes = bytes + bytes_of(messages)
    if #messages == 0 then
      -- Somebody deleted the list by hand, or put a key of another type there: it must not stop the queue.
      if missing_twice(active, key, now) then
        call('HDEL', claims, key)
        call('ZREM', active, key)
      end
    elseif not claim then
      -- Somebody deleted the claim by hand, or a call was cut off: the messages open a batch again.
      drop_prefix(root, key, 0, policy, overrides)
      call('ZREM', active, key)
    else
      claim.count = #messages
      local cause, text = count_end(claim, known[n], options)
      if not cause or not bury(root, key, claim, cause, text, now, policy, overrides) then
        if cause == 'lease' then claim.attempt = claim.attempt + 1 end
        claim.claim, claim.span, claim.state = claim.claim + 1, options.lease, options.by
        call('HSET', claims, key, encode_claim(claim))
        call('ZADD', active, now + options.lease, key)
        batches[#batches + 1] = { key, token_of(claim), claim.attempt, claim.reason, claim.deadline, messages }
      end
    end
  end
  if #batches > 0 then call('HINCRBY', root, 'redelivered', #batches) end
  return bytes
end

-- Batches of keys whose time has come.
local function claim_due(root, now, options, policy, batches, bytes)
  local call, due, overrides = redis.call, due_key(root), has_overrides(root)
  policy.overrides = overrides
  local counters = call('HMGET', root, 'batches', 'latenessSum', 'latenessMax')
  local sequence, sum, max = tonumber(counters[1]) or 0, tonumber(counters[2]) or 0, tonumber(counters[3]) or 0
  local closed_by, late_by, looks, stamp = {}, {}, 0, string.format('%.0f-', now)
  -- Ids must differ between the partitions of a queue, and a caller finds the partition by them.
  local partition = partition_of(root)
  local behind = (partition and '-' .. partition or '') .. ':1'
  local lease = string.format('%.0f', now + options.lease)
  local tail = string.format(':%.0f', options.lease) .. (options.by and ':' .. options.by or '')
  while #batches < options.limit and bytes < CLAIM_BYTES and looks < CLAIM_LOOKS do
    local wanted = options.limit - #batches
    local keys = call('ZRANGEBYSCORE', due, '-inf', options.before, 'LIMIT', 0, wanted)
    if #keys == 0 then break end
    local active = call('ZMSCORE', active_key(root), unpack(keys))
    local taken, leases, records, moved = {}, {}, {}, {}
    for n = 1, #keys do
      if bytes >= CLAIM_BYTES then break end
      local key = keys[n]
      -- A key in both indexes has a batch with a worker; or a call was cut off, and it has none.
      local held = active[n] and call('HEXISTS', claims_key(root), key) == 1
      local overridden = overrides and is_overridden(root, key)
      local head, empty
      if not held then head, empty = head_of(messages_key(root, key), policy, overridden) end
      local deadline = head and head.deadline
      local ahead = head and deadline > now and due_at(head, now) == now
      if held then
        taken[#taken + 1] = key
      elseif not head then
        must_be_read(empty, messages_key(root, key))
        -- Somebody deleted the list by hand, or put a key of another type there.
        if missing_twice(due, key, now) then
          taken[#taken + 1] = key
          if overridden then call('SREM', overrides_key(root), key) end
        end
      elseif deadline > options.before and not ahead then
        moved[#moved + 1], moved[#moved + 2] = deadline, key
        bytes = bytes + bytes_of(head.messages)
        if active[n] then call('ZREM', active_key(root), key) end
      else
        local messages, count, reason = head.messages, head.count, head.reason
        for extra = #messages, count + 1, -1 do messages[extra] = nil end
        if ahead then deadline = now end
        sequence = sequence + 1
        -- Formatted: to join a number to a text takes Lua twice as long.
        local token = stamp .. string.format('%d', sequence) .. behind
        taken[#taken + 1] = key
        leases[#leases + 1], leases[#leases + 2] = lease, key
        records[#records + 1], records[#records + 2] = key, token .. string.format(':1:0:%d:%.0f:', count, deadline) .. reason .. tail
        batches[#batches + 1] = { key, token, 1, reason, deadline, messages }
        bytes = bytes + bytes_of(messages)
        -- What somebody else has written has no time, and is not late.
        local late = deadline > POLICY.WAIT.most and now - deadline or 0
        sum = sum + late
        if late > max then max = late end
        closed_by[reason] = (closed_by[reason] or 0) + 1
        late_by[late] = (late_by[late] or 0) + 1
      end
    end
    -- Out of `due` last: what a call that is cut off leaves in both indexes, the next one puts right.
    if #leases > 0 then
      call('HSET', claims_key(root), unpack(records))
      call('ZADD', active_key(root), unpack(leases))
    end
    if #moved > 0 then call('ZADD', due, unpack(moved)) end
    if #taken > 0 then call('ZREM', due, unpack(taken)) end
    looks = looks + #keys
    if #keys < wanted then break end
  end
  if next(closed_by) then
    call('HSET', root, 'batches', sequence, 'latenessSum', sum, 'latenessMax', max, 'looked', looked_at(policy, now))
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

-- Takes what is ready under a lease. Returns the batches, each { key, token, attempt, reason, deadline, messages }.
-- `options.by` is the state of a claim that the caller will acknowledge, `options.nonce` its nonce.
local function take_ready(root, now, options, policy)
  local batches = {}
  policy.now = now
  lower_ahead(root, policy, now)
  local bytes = claim_returned(root, now, options, policy, batches)
  claim_due(root, now, options, policy, batches, bytes)
  return batches
end

-- Leases of claims, `ends[n]` and `spans[n]` for each of the keys: never shortened. `known`: the caller has them, which acknowledges them.
local function lengthen(root, keys, claims, lease, now, known)
  if #keys == 0 then return end
  local records, ends = {}, {}
  for n = 1, #keys do
    local claim = claims[n]
    if claim.span < lease or known and claim.state then
      claim.span = math.max(claim.span, lease)
      if known then claim.state = nil end
      records[#records + 1], records[#records + 2] = keys[n], encode_claim(claim)
    end
    ends[#ends + 1], ends[#ends + 2] = now + lease, keys[n]
  end
  if #records > 0 then redis.call('HSET', claims_key(root), unpack(records)) end
  redis.call('ZADD', active_key(root), 'GT', unpack(ends))
end

-- The batches of a claim that is made again, `pairs` being the keys and tokens of the first: those that it still holds, under a lease that
-- begins anew, since nobody can tell when the first reply was lost.
local function take_again(root, now, options, pairs)
  local keys, held, claims, batches, kept = {}, {}, {}, {}, {}
  for n = 1, #pairs, 2 do keys[#keys + 1] = pairs[n] end
  local stored = redis.call('HMGET', claims_key(root), unpack(keys))
  for n = 1, #keys do
    local count = claimed_count(stored[n], pairs[2 * n])
    local messages = count and redis.pcall('LRANGE', messages_key(root, keys[n]), 0, count - 1) or {}
    if #messages > 0 then
      local claim = decode_claim(stored[n])
      held[#held + 1], claims[#claims + 1] = keys[n], claim
      kept[#kept + 1], kept[#kept + 2] = keys[n], pairs[2 * n]
      batches[#batches + 1] = { keys[n], pairs[2 * n], claim.attempt, claim.reason, claim.deadline, messages }
    end
  end
  lengthen(root, held, claims, options.lease, now, false)
  return batches, kept
end

-- The keys and tokens of batches in turn: what is kept of a claim.
local function proofs_of(batches)
  local proofs = {}
  for n = 1, #batches do proofs[2 * n - 1], proofs[2 * n] = batches[n][1], batches[n][2] end
  return proofs
end

-- When who has taken so many batches looks next, or 0: nothing is pending.
local function next_look(root, now, options, policy, taken)
  local next_at
  for _, index in ipairs({ due_key(root), active_key(root) }) do
    local head = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
    -- A score that ends in .5 is one of an entry whose list is missing.
    local at = head[2] and math.ceil(tonumber(head[2]))
    if at and (not next_at or at < next_at) then next_at = at end
  end
  -- In a root that serves no more, nothing is left to watch for when nothing is pending: the worker learns that it is drained.
  if options.worker and (next_at or not policy.closed) then
    next_at = watch(root, policy, options.worker, now, next_at, taken >= options.limit, options.rest or OPTIONS.rest.default)
    if options.echo then say(root, options.worker, 'echo') end
  elseif next_at then
    -- What this call has made due, or has left, may be due before the watcher means to look.
    wake(root, policy, next_at, now)
  end
  return next_at or 0
end

-- Finishes claimed batches, `counts[key]` messages of each key: opens what is left behind them, and returns when the first of that is due.
-- The claims go first, since a token must not prove anything once the messages are gone; `active` last, so that no key is in no index.
local function finish(root, keys, counts, policy)
  local call, overrides, messages, emptied, soonest = redis.call, policy.overrides, 0, {}, nil
  if overrides == nil then overrides = has_overrides(root) end
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
  write_index('ZREM', active_key(root), unpack(keys))
  call('HINCRBY', root, 'completed', #keys)
  call('HINCRBY', root, 'completedMessages', messages)
  return soonest
end
