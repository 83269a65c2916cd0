--- Finish claimed batches: drop their messages and open what has arrived behind them.
--
--   FCALL rapidfire_complete 1 rapid-fire:{orders} 79001234567 1790000000000-17:1
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   key      the conversation
--   token    proof of the claim, from claim_ready
--   more...  further pairs of key and token, at most 1000 pairs in all
-- RETURNS
--   status   for each pair: 'completed' | 'lost'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   MISSING_ARGUMENT  no pair, or a key without its token
--   BAD_ARGUMENT      more than 1000 pairs
--
-- WHY a lost batch is a result and not an error: the worker expects it, and the other pairs must not suffer.
local function complete(keys, args)
  local call, root = redis.call, keys[1]
  local policy, refusal = read_policy(keys)
  if refusal then return refusal end
  if #args == 0 or #args % 2 == 1 then
    return fail('MISSING_ARGUMENT', 'expected pairs of key and token, got ' .. #args .. ' arguments')
  end
  if #args > 2000 then return fail('BAD_ARGUMENT', 'expected at most 1000 pairs, got ' .. #args / 2) end
  local fields, tokens = {}, {}
  for n = 1, #args, 2 do
    fields[#fields + 1], tokens[#tokens + 1] = args[n], args[n + 1]
  end
  local stored = call('HMGET', claims_key(root), unpack(fields))
  local reply, counts, done = {}, {}, {}
  for n = 1, #fields do
    local count = claimed_count(stored[n], tokens[n])
    if count and counts[fields[n]] then count = nil end
    reply[n] = count and 'completed' or 'lost'
    if count then
      counts[fields[n]] = count
      done[#done + 1] = fields[n]
    end
  end
  if #done == 0 then return reply end

  -- first write
  local soonest = finish(root, done, counts, policy)
  if soonest then wake(root, policy, soonest, now_ms()) end
  return reply
end

register('complete', complete, { 'allow-oom' }, 'Finish claimed batches: drop their messages and open what has arrived behind them.')
