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
-- RETURNS
--   status    'retry' | 'dead' | 'lost'; a second call with the same token says the same and changes nothing
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   MISSING_ARGUMENT  key, token or the value of a token is missing
--   UNKNOWN_ARGUMENT  not DELAY, ATTEMPTS, ERROR or KEEP
--   BAD_ARGUMENT      a value is out of range, or KEEP is not made of ascending positions in the batch
--
-- WHY the key stays blocked until the next attempt: a later message must not overtake the batch that failed.
-- WHY a batch may be tried more often than ATTEMPTS: when maxDead batches are dead already, see bury in lua/lib/batch.lua.
local FAIL_TOKENS = {
  DELAY = { 'delay', 0, POLICY.WAIT[3] },
  ATTEMPTS = { 'attempts', 1, 1000 },
  ERROR = { 'error', text = 4096 },
  KEEP = { 'keep', text = 8192 },
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

-- Takes the messages that are done out of a claimed batch: those that are kept go back in front of the newer ones.
local function keep_only(root, key, claim, kept)
  local list = messages_key(root, key)
  local messages = redis.call('LRANGE', list, 0, claim.count - 1)
  redis.call('LTRIM', list, claim.count, -1)
  for n = #kept, 1, -1 do redis.call('LPUSH', list, messages[kept[n]]) end
  redis.call('HINCRBY', root, 'completedMessages', claim.count - #kept)
  claim.count = #kept
end

local function fail_batch(keys, args)
  local root, key, token = keys[1], args[1], args[2]
  local policy, refusal = read_policy(keys)
  if refusal then return refusal end
  if not token then return fail('MISSING_ARGUMENT', 'expected a key and a token, got ' .. #args .. ' arguments') end
  local options, _, bad = read_tokens(args, 3, FAIL_TOKENS)
  if bad then return bad end
  options = options or {}
  local stored = redis.call('HGET', claims_key(root), key)
  if not claimed_count(stored, token) then
    local claim, id, attempt = decode_claim(stored), string.match(token, '^([%d%-]+):(%d+)$')
    if claim and claim.retry and claim.id .. ':' .. claim.attempt == token then return 'retry' end
    if id and redis.call('HGET', dead_key(root, id), 'attempt') == attempt then return 'dead' end
    return 'lost'
  end
  local claim, now = decode_claim(stored), now_ms()
  local kept = options.keep and positions(options.keep, claim.count)
  if options.keep and not kept then
    return fail('BAD_ARGUMENT', string.format('KEEP must be ascending positions from 1 to %d, got %s', claim.count, shown(options.keep)))
  end

  -- first write
  if kept then keep_only(root, key, claim, kept) end
  if claim.attempt >= (options.attempts or 5) then
    local buried, deadline = bury(root, key, claim, options.error or '', now, policy, has_overrides(root))
    if deadline then wake(root, policy, deadline, now) end
    if buried then return 'dead' end
  end
  claim.retry = true
  redis.call('HSET', claims_key(root), key, encode_claim(claim))
  redis.call('ZADD', active_key(root), now + (options.delay or 1000), key)
  redis.call('HINCRBY', root, 'failed', 1)
  wake(root, policy, now + (options.delay or 1000), now)
  return 'retry'
end

register('fail', fail_batch, { 'allow-oom' }, 'Give a claimed batch back for a later attempt, or bury it when its attempts are used up.')
