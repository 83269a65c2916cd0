--- Lengthen the leases of claimed batches.
--
--   FCALL rapidfire_extend 1 rapid-fire:{orders} 30000 79001234567 1790000000000-17:1
--
-- KEYS
--   root     root key of the queue; every other key is this one plus a part (lua/README.md)
-- ARGV
--   lease    ms from now, 1 to a day
--   key      the conversation
--   token    proof of the claim, from claim_ready
--   more...  further pairs of key and token, at most 1000 pairs in all
-- RETURNS
--   status   for each pair: 'extended' | 'lost'
--   queued   for each pair: messages that have arrived behind this batch, 0 when lost
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   BAD_LEASE         lease is not an integer from 1 to 86400000
--   MISSING_ARGUMENT  no pair, or a key without its token
--   BAD_ARGUMENT      more than 1000 pairs
--
-- WHY a lost lease is a result and not an error: the worker expects it and stops quietly.
local function extend(keys, args)
  local root, lease = keys[1], integer(args[1], 1, 86400000)
  local _, refusal = read_policy(keys)
  if refusal then return refusal end
  if not lease then return fail('BAD_LEASE', 'lease must be an integer of ms from 1 to 86400000, got ' .. shown(args[1])) end
  if #args < 3 or #args % 2 == 0 then
    return fail('MISSING_ARGUMENT', 'expected a lease and pairs of key and token, got ' .. #args .. ' arguments')
  end
  if #args > 2001 then return fail('BAD_ARGUMENT', 'expected at most 1000 pairs, got ' .. (#args - 1) / 2) end
  local ends, reply = now_ms() + lease, {}
  for n = 2, #args, 2 do
    local key = args[n]
    local count = claimed_count(redis.call('HGET', claims_key(root), key), args[n + 1])
    reply[n - 1], reply[n] = count and 'extended' or 'lost', count and redis.call('LLEN', messages_key(root, key)) - count or 0
    -- first write (each pair stands alone)
    if count then redis.call('ZADD', active_key(root), ends, key) end
  end
  return reply
end

register('extend', extend, { 'allow-oom' }, 'Lengthen the leases of claimed batches.')
