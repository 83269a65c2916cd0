--- Take ready batches under a lease.
--
--   FCALL rapidfire_claim_ready 1 rapid-fire:{orders}
--   FCALL rapidfire_claim_ready 1 rapid-fire:{orders} LIMIT 50 LEASE 30000 ATTEMPTS 5
--   FCALL rapidfire_claim_ready 1 rapid-fire:{orders} WORKER w1 ECHO
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   LIMIT     at most this many batches, 1 to 1000 (10)
--   LEASE     ms until a batch that is neither completed nor failed is handed out again, at most a day (30000)
--   BEFORE    only what was due at this time, ms since 1970; for one pass over what is due now (no bound)
--   ATTEMPTS  a batch whose lease ran out in this attempt or a later one is dead, 1 to 1000 (5)
--   WORKER    name of a worker that is told by a message when it must look earlier than `next`, 1 to 64 bytes
--   ECHO      send that worker '<WORKER> echo', so that it knows that messages reach it
-- RETURNS
--   now       the time in Redis, ms
--   next      when to look next, ms: now or earlier when more is ready, 0 when nothing is pending; for a WORKER at most a second
--             from now, and no earlier when another worker watches already (lua/lib/watch.lua)
--   batch...  each batch is an array: key, token ('<batch id>:<attempt>'), what closed it ('wait' | 'maxWait' | 'size' | 'flush'),
--             its deadline, and an array of its messages, each '<receivedAt> <id length>[,options] <id><data>'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  none of these tokens
--   MISSING_ARGUMENT  a token without its value
--   BAD_ARGUMENT      a value is not an integer in its range
--
-- WHY returned batches come first: their keys are blocked until they are handled.
-- WHY scores lag: see add. A key that is looked at too early moves to its true deadline, once or twice a burst.
-- The cost depends on what is due. A call ends after LIMIT batches, a bounded number of looks, or a MiB of messages, those included that
-- were looked at too early or buried.
local CLAIM_TOKENS = {
  LIMIT = { 'limit', 1, 1000 },
  LEASE = { 'lease', 1, 86400000 },
  BEFORE = { 'before', 0, 9999999999999 },
  ATTEMPTS = { 'attempts', 1, 1000 },
  WORKER = { 'worker', text = 64 },
  ECHO = { 'echo', flag = true },
}
<<<<<<< HEAD
=======
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
      local messages = call('LRANGE', messages_key(root, key), 0, claim.count - 1)
      bytes = bytes + bytes_of(messages)
      if
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
  local closed_by, late_in, looks, stamp = {}, {}, 0, string.format('%.0f-', now)
  local lease = string.format('%.0f', now + options.lease)
  while #batches < options.limit and bytes < CLAIM_BYTES and looks < CLAIM_LOOKS do
    local keys = call('ZRANGEBYSCORE', due, '-inf', options.before, 'LIMIT', 0, options.limit - #batches)
    if #keys == 0 then break end
    local taken, leases, records, moved = {}, {}, {}, {}
    for n = 1, #keys do
      if bytes >= CLAIM_BYTES then break end
      local key = keys[n]
      local overridden = overrides and is_overridden(root, key)
      local count, deadline, reason, messages = head_batch(messages_key(root, key), policy, overridden)
      if not count then
        -- Somebody deleted the list by hand.
        taken[#taken + 1] = key
      elseif deadline > options.before then
        moved[#moved + 1], moved[#moved + 2] = deadline, key
        bytes = bytes + bytes_of(messages)
      else
        for extra = #messages, count + 1, -1 do messages[extra] = nil end
        sequence = sequence + 1
        local token = stamp .. sequence .. ':1'
        taken[#taken + 1] = key
        leases[#leases + 1], leases[#leases + 2] = lease, key
        records[#records + 1], records[#records + 2] = key, token .. ':' .. count .. ':' .. deadline .. ':' .. reason
        batches[#batches + 1] = { key, token, reason, deadline, messages }
        bytes = bytes + bytes_of(messages)
        local late = now - deadline
        sum = sum + late
        if late > max then max = late end
        closed_by[reason] = (closed_by[reason] or 0) + 1
        local bound = 1
        while LATENESS_BOUNDS[bound] and late > LATENESS_BOUNDS[bound] do bound = bound + 1 end
        late_in[bound] = (late_in[bound] or 0) + 1
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
    for bound, by in pairs(late_in) do call('HINCRBY', root, 'lateness:' .. (LATENESS_BOUNDS[bound] or 'more'), by) end
  end
end

>>>>>>> main
local function claim_ready(keys, args)
  local root = keys[1]
  local policy, refusal = read_policy(keys)
  if refusal then return refusal end
  local options, _, bad = read_tokens(args, 1, CLAIM_TOKENS)
  if bad then return bad end
  options = options or {}
  options.limit, options.lease, options.attempts = options.limit or 10, options.lease or 30000, options.attempts or 5
  local now = now_ms()
  options.before = math.min(options.before or now, now)

  -- first write
  local batches, next_at = take_ready(root, now, options, policy)
  return { now, next_at, unpack(batches) }
end

register('claim_ready', claim_ready, { 'allow-oom' }, 'Take ready batches under a lease.')
