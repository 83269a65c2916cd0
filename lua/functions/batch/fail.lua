--- Give a claimed batch back for a later attempt, or bury it when its attempts are used up.
--
--   FCALL rapidfire_fail 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 DELAY 1000 ATTEMPTS 5 ERROR 'timeout'
--   FCALL rapidfire_fail 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 KEEP 2,5
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   key       the conversation
--   token     proof of the claim, from claim_ready
--   DELAY     ms until the next attempt, 0 to a year (1000)
--   ATTEMPTS  a batch that fails in this attempt or a later one is dead, 1 to 1000 (5)
--   ERROR     why, kept with a dead batch, at most 4096 bytes
--   KEEP      which messages failed, ascending positions from 1, with commas: the others are done (all)
--   NONCE     as in claim_ready: repeated with it, the call says what the first did
-- RETURNS
--   status    'retry' | 'dead' | 'lost'; a second call with the same token says the same and changes nothing
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, or the list of the key is a key of another type
--   MISSING_ARGUMENT  key, token or the value of a token is missing
--   UNKNOWN_ARGUMENT  not DELAY, ATTEMPTS, ERROR or KEEP
--   BAD_ARGUMENT      a value is out of range, or KEEP is not made of ascending positions in the batch
--
-- WHY the key stays blocked until the next attempt: a later message must not overtake the batch that failed.
-- WHY a batch may be tried more often than ATTEMPTS: when maxDead batches are dead already, see bury in lua/lib/conversation.lua, or its list is missing.
local FAIL_OPTIONS = {
  DELAY = OPTIONS.delay, ATTEMPTS = OPTIONS.attempts, ERROR = OPTIONS.error, KEEP = OPTIONS.keep, NONCE = OPTIONS.nonce,
}

-- The positions in `text` as numbers, or nil when they are not ascending positions from 1 to `count`.
local function positions(text, count)
  local found = {}
  for part in string.gmatch(text .. ',', '([^,]*),') do
    local at = integer(part, (found[#found] or 0) + 1, count)
    if not at then return nil end
    found[#found + 1] = at
  end
  return found
end

-- What a call says whose token proves no claim: the same as the call before it with that token.
local function said_before(root, stored, token)
  local claim, id, number = decode_claim(stored), parts_of_token(token)
  if claim and claim.state == 'retry' and token_of(claim) == token then return 'retry' end
  if id and redis.call('HGET', dead_key(root, id), 'claim') == number then return 'dead' end
  return 'lost'
end

local function fail_batch(keys, args)
  local root, key, token = keys[1], args[1], args[2]
  local options, bad = read_options(args, 3, FAIL_OPTIONS)
  local nonce, no_nonce = read_nonce(options.nonce)
  local queue, refusal = read_queue_for(keys, nonce)
  if refusal then return refusal end
  if not token then return fail('MISSING_ARGUMENT', 'expected a key and a token, got ' .. #args .. ' arguments') end
  if bad or no_nonce then return bad or no_nonce end
  local said = kept_reply(queue, nonce, 'fail')
  if said ~= nil then return said or 'lost' end
  local stored = redis.pcall('HGET', claims_key(root), key)
  if type(stored) == 'table' then return wrong_type(stored, 'hash', claims_key(root)) end
  local count = claimed_count(stored, token)
  if not count then return said_before(root, stored, token) end
  local size, foreign = size_of_claimed(root, key)
  if foreign then return foreign end
  local kept = options.keep and positions(options.keep, count)
  if options.keep and not kept then
    return fail('BAD_ARGUMENT', string.format('KEEP must be ascending positions from 1 to %d, got %s', count, shown(options.keep)))
  end
  local claim, delay = decode_claim(stored), options.delay or OPTIONS.delay.default
  queue.now = now_ms()

  -- first write
  -- What is not there can neither be taken out nor be buried: the list may be on another node for a while, see LOOK_AGAIN.
  if kept and size >= count then shrink(queue, key, claim, kept) end
  if size > 0 and claim.attempt >= (options.attempts or OPTIONS.attempts.default) then
    local buried, at = bury(queue, key, claim, { cause = 'failed', error = options.error or '' })
    if buried then
      keep_reply(queue, nonce, 'fail', 'dead')
      wake_watcher(queue, at)
      return 'dead'
    end
  end
  put_off(queue, key, claim, 'retry', delay)
  redis.call('HINCRBY', root, 'failed', 1)
  keep_reply(queue, nonce, 'fail', 'retry')
  wake_watcher(queue, queue.now + delay)
  return 'retry'
end

register('fail', fail_batch, { 'allow-oom' }, 'Give a claimed batch back for a later attempt, or bury it when its attempts are used up.')
