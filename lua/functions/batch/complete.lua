--- Finish claimed batches: drop their messages and open what has arrived behind them.
--
--   FCALL rapidfire_complete 1 rapid-fire:{orders} 79001234567 1790000000000-17:1
--   FCALL rapidfire_complete 1 rapid-fire:{orders} NONCE w1/7 79001234567 1790000000000-17:1
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   NONCE    in front of all: '<name>/<number>', who calls and the number of the call; repeated with it, the call says what the first did
--   key      the conversation
--   token    proof of the claim, from claim_ready
--   more...  further pairs of key and token, at most 1000 pairs in all
-- RETURNS
--   status   for each pair: 'completed' | 'lost'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or that of the claims, is a key of another type
--   MISSING_ARGUMENT  no pair, or a key without its token
--   BAD_ARGUMENT      more than 1000 pairs, or the NONCE is none
--
-- WHY a lost batch is a result and not an error: the worker expects it, and the other pairs must not suffer.
local function complete(keys, args)
  local root = keys[1]
  local nonce, first, no_nonce = leading_nonce(args)
  local policy, refusal = read_queue(keys, nonce and nonce.name)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local given = #args - first + 1
  if given == 0 or given % 2 == 1 then
    return fail('MISSING_ARGUMENT', 'expected pairs of key and token, got ' .. given .. ' arguments')
  end
  if given > 2000 then return fail('BAD_ARGUMENT', 'expected at most 1000 pairs, got ' .. given / 2) end
  local fields, tokens = {}, {}
  for n = first, #args, 2 do
    fields[#fields + 1], tokens[#tokens + 1] = args[n], args[n + 1]
  end
  local kept = kept_reply(policy, nonce, 'complete')
  if kept then return kept end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(fields))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local reply, counts, done = {}, {}, {}
  for n = 1, #fields do
    local count = kept == nil and claimed_count(stored[n], tokens[n])
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
  keep_reply(root, nonce, 'complete', reply)
  if soonest then wake(root, policy, soonest, policy.now) end
  return reply
end

register('complete', complete, { 'allow-oom' }, 'Finish claimed batches: drop their messages and open what has arrived behind them.')
