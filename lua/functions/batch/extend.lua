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
--   WRONG_TYPE        the root, one of the indexes, or the list of a key is a key of another type
--   BAD_LEASE         lease is not an integer from 1 to 86400000
--   MISSING_ARGUMENT  no pair, or a key without its token
--   BAD_ARGUMENT      more than 1000 pairs
--
-- A lease that ends later already stays as it is.
--
-- WHY a lost lease is a result and not an error: the worker expects it and stops quietly.
local function extend(keys, args)
  local root, lease = keys[1], integer(args[1], 1, 86400000)
  local _, refusal = read_queue(keys)
  if refusal then return refusal end
  if not lease then return fail('BAD_LEASE', 'lease must be an integer of ms from 1 to 86400000, got ' .. shown(args[1])) end
  if #args < 3 or #args % 2 == 0 then
    return fail('MISSING_ARGUMENT', 'expected a lease and pairs of key and token, got ' .. #args .. ' arguments')
  end
  if #args > 2001 then return fail('BAD_ARGUMENT', 'expected at most 1000 pairs, got ' .. (#args - 1) / 2) end
  local fields, reply, held, claims = {}, {}, {}, {}
  for n = 2, #args, 2 do fields[#fields + 1] = args[n] end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(fields))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local leases = redis.pcall('ZCARD', active_key(root))
  if type(leases) == 'table' then return wrong_type(leases, 'zset', active_key(root)) end
  for n = 1, #fields do
    local key = fields[n]
    local count = claimed_count(stored[n], args[2 * n + 1])
    local size = count and redis.pcall('LLEN', messages_key(root, key)) or 0
    if type(size) == 'table' then return wrong_type(size, 'list', messages_key(root, key)) end
    if count then held[#held + 1], claims[#claims + 1] = key, decode_claim(stored[n]) end
    reply[2 * n - 1], reply[2 * n] = count and 'extended' or 'lost', count and math.max(size - count, 0) or 0
  end

  -- first write
  lengthen(root, held, claims, lease, now_ms(), true)
  return reply
end

register('extend', extend, { 'allow-oom' }, 'Lengthen the leases of claimed batches.')
