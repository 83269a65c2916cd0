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
--   more...  further pairs of key and token, at most 50 pairs in all
-- RETURNS
--   status   for each pair: 'extended' | 'lost'
--   queued   for each pair: messages that have arrived behind this batch, 0 when lost
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, or the list of a key is a key of another type
--   BAD_LEASE         lease is not an integer from 1 to 86400000
--   MISSING_ARGUMENT  no pair, or a key without its token
--   BAD_ARGUMENT      more than 50 pairs
--
-- A lease that ends later already stays as it is.
--
-- WHY a lost lease is a result and not an error: the worker expects it and stops quietly.
local function extend(keys, args)
  local root, lease = keys[1], integer(args[1], OPTIONS.lease.least, OPTIONS.lease.most)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if not lease then
    return fail('BAD_LEASE', string.format('lease must be an integer of ms from 1 to %.0f, got %s', OPTIONS.lease.most, shown(args[1])))
  end
  local owners, tokens, bad = read_pairs(args, 2, 'a lease and pairs of key and token')
  if bad then return bad end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(owners))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local leases = redis.pcall('ZCARD', active_key(root))
  if type(leases) == 'table' then return wrong_type(leases, 'zset', active_key(root)) end
  local reply, held = {}, {}
  for n = 1, #owners do
    local count, size = claimed_count(stored[n], tokens[n]), nil
    if count then
      local list = messages_key(root, owners[n])
      size = redis.pcall('LLEN', list)
      if type(size) == 'table' then return wrong_type(size, 'list', list) end
      held[#held + 1] = { key = owners[n], claim = decode_claim(stored[n]) }
    end
    reply[2 * n - 1], reply[2 * n] = count and 'extended' or 'lost', count and math.max(size - count, 0) or 0
  end
  queue.now = now_ms()

  -- first write
  extend_leases(queue, held, lease, true)
  return reply
end

register('extend', extend, { 'allow-oom' }, 'Lengthen the leases of claimed batches.')
