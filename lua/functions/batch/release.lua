--- Give a claimed batch back, ready at once for others, without using up an attempt.
--
--   FCALL rapidfire_release 1 rapid-fire:{orders} 79001234567 1790000000000-17:1
--   FCALL rapidfire_release 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 REASON closing
--
-- KEYS
--   root    root key of the queue
-- ARGV
--   key     the conversation
--   token   proof of the claim, from claim_ready
--   REASON  why, at most 256 bytes: for those who read along (MONITOR, SLOWLOG), it is kept nowhere
--   NONCE   as in claim_ready: repeated with it, the call says what the first did
-- RETURNS
--   status  'released' | 'lost'; a second call says the same, until the batch is claimed again
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or one of the indexes, is a key of another type
--   MISSING_ARGUMENT  key, token or the value of a token is missing
--   UNKNOWN_ARGUMENT  not REASON or NONCE
--   BAD_ARGUMENT      the REASON is too long, or the NONCE is none
--
-- WHY the batch stays a batch: its id is the same in the next claim, and what arrives meanwhile stays behind it.
local RELEASE_OPTIONS = { REASON = OPTIONS.reason, NONCE = OPTIONS.nonce }

local function release(keys, args)
  local root, key, token = keys[1], args[1], args[2]
  local options, bad = read_options(args, 3, RELEASE_OPTIONS)
  local nonce, no_nonce = read_nonce(options.nonce)
  local queue, refusal = read_queue_for(keys, nonce)
  if refusal then return refusal end
  if not token then return fail('MISSING_ARGUMENT', 'expected a key and a token, got ' .. #args .. ' arguments') end
  if bad or no_nonce then return bad or no_nonce end
  local said = kept_reply(queue, nonce, 'release')
  if said ~= nil then return said or 'lost' end
  local stored = redis.pcall('HGET', claims_key(root), key)
  if type(stored) == 'table' then return wrong_type(stored, 'hash', claims_key(root)) end
  local claim = decode_claim(stored)
  if not claimed_count(stored, token) then
    return claim and claim.state == 'released' and token_of(claim) == token and 'released' or 'lost'
  end
  local _, foreign = size_of_claimed(root, key)
  if foreign then return foreign end
  queue.now = now_ms()

  -- first write
  put_off(queue, key, claim, 'released', 0)
  keep_reply(queue, nonce, 'release', 'released')
  wake_watcher(queue, queue.now)
  return 'released'
end

register('release', release, { 'allow-oom' }, 'Give a claimed batch back, ready at once for others, without using up an attempt.')
