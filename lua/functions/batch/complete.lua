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
--   more...  further pairs of key and token, at most 50 pairs in all
-- RETURNS
--   status   for each pair: 'completed' | 'lost'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or that of the claims, is a key of another type
--   MISSING_ARGUMENT  no pair, or a key without its token
--   BAD_ARGUMENT      more than 50 pairs, or the NONCE is none
--
-- WHY a lost batch is a result and not an error: the worker expects it, and the other pairs must not suffer.
local function complete(keys, args)
  local root = keys[1]
  local nonce, first, no_nonce = leading_nonce(args)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local owners, tokens, bad = read_pairs(args, first, 'pairs of key and token')
  if bad then return bad end
  local kept = kept_reply(queue, nonce, 'complete')
  if kept then return kept end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(owners))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local reply, named, done, counts, records = {}, {}, {}, {}, {}
  for n = 1, #owners do
    local key = owners[n]
    -- One that is named twice is completed once.
    local count = kept == nil and not named[key] and claimed_count(stored[n], tokens[n])
    reply[n] = count and 'completed' or 'lost'
    if count then
      local at = #done + 1
      named[key], done[at], counts[at], records[at] = true, key, count, stored[n]
    end
  end
  if #done == 0 then return reply end

  -- first write
  local soonest = finish(queue, done, counts, records)
  if queue.events > 0 then
    for n = 1, #done do
      note_event(queue, 'completed', done[n], 'batch', string.match(records[n], '^[^:]+'), 'count', count_text(counts[n]))
    end
  end
  keep_reply(queue, nonce, 'complete', reply)
  wake_watcher(queue, soonest)
  if queue.told then write_events(queue) end
  return reply
end

register('complete', complete, { 'allow-oom' }, 'Finish claimed batches: drop their messages and open what has arrived behind them.')
