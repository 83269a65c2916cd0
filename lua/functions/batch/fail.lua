--- Give claimed batches back for a later attempt, or bury those whose attempts are used up.
--
--   FCALL rapidfire_fail 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 DELAY 1000 ATTEMPTS 5 ERROR 'timeout'
--   FCALL rapidfire_fail 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 KEEP 2,5
--   FCALL rapidfire_fail 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 NEXT 79007654321 1790000000000-18:1 DELAY 5000
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   key       the conversation
--   token     proof of the claim, from claim_ready
--   DELAY     ms until the next attempt, 0 to a year (1000)
--   ATTEMPTS  a batch that fails in this attempt or a later one is dead, 1 to 1000 (5)
--   ERROR     why, at most 4096 bytes: kept with a dead batch, and the first 256 of them while it pauses
--   KEEP      which messages failed, ascending positions from 1, with commas: the others are done (all)
--   NEXT      behind it stand the key, the token and the options of another batch, at most 64 in all
--   NONCE     as in claim_ready: repeated with it, the call says what the first did
-- RETURNS
--   status    'retry' | 'dead' | 'lost'; a second call with the same token says the same and changes nothing
--   status... with NEXT, an array: the same for each batch, or its refusal, or 'again': so many messages were moved for those before it that
--             nothing was done for this one; ask for it again
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, or the list of the key is a key of another type
--   MISSING_ARGUMENT  key, token or the value of a token is missing
--   UNKNOWN_ARGUMENT  not DELAY, ATTEMPTS, ERROR, KEEP, NONCE or NEXT
--   BAD_ARGUMENT      a value is out of range, KEEP is not made of ascending positions in the batch, or there are more than 64 batches
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

-- What is said of a batch whose token proves no claim: the same as by the call before with that token.
local function said_before(root, stored, token)
  local claim, id, number = decode_claim(stored), parts_of_token(token)
  if claim and claim.state == 'retry' and token_of(claim) == token then return 'retry' end
  if id and redis.call('HGET', dead_key(root, id), 'claim') == number then return 'dead' end
  return 'lost'
end

-- Judges a batch. What it says of one that has not failed now. Else nil, and `batch` has the `head` of its record, its `pause` and the `count` of its
-- messages, whether it `ends`, and, when some of its messages move, its `weight`: for how many it counts.
local function judge_failure(root, batch, stored)
  if batch.refusal then return batch.refusal end
  local options = batch.options
  local count, attempt, head = claimed_parts(stored, batch.token)
  if not count then return said_before(root, stored, batch.token) end
  local size, foreign = size_of(root, batch.key)
  if foreign then return foreign end
  batch.head, batch.pause, batch.count, batch.failed = head, options.delay or OPTIONS.delay.default, count, options.error
  batch.attempt = attempt
  -- What is not there can neither be taken out nor be buried: the list may be on another node for a while, see LOOK_AGAIN.
  batch.whole = size >= count
  batch.ends = size > 0 and attempt >= (options.attempts or OPTIONS.attempts.default)
  if options.keep or batch.ends then batch.weight = count + LIMITS.movedBatch end
end

-- Takes the messages that are done out of a batch, and buries it when its attempts are used up. Returns whether it is dead, and when what is behind it
-- is due; or nil and a refusal. `moved` counts the weight and the bytes of all.
-- WHY the positions are read here: of a call there may be more than it can do.
local function move_failed(queue, batch, stored, moved)
  local key, keep, claim, dead, at = batch.key, batch.options.keep, decode_claim(stored), false, nil
  local kept = keep and positions(keep, batch.count)
  moved.weight = moved.weight + batch.weight
  if keep and not kept then
    return nil, fail('BAD_ARGUMENT', string.format('KEEP must be ascending positions from 1 to %d, got %s', batch.count, shown(keep)))
  end
  local left, bytes
  if kept and batch.whole then
    left, bytes = shrink(queue, key, claim, kept)
    moved.bytes, batch.left = moved.bytes + bytes, #kept
    batch.head = encode_head(claim)
  end
  if batch.ends then
    dead, at = bury(queue, key, claim, { cause = 'failed', error = batch.options.error or '' }, left)
    moved.bytes = moved.bytes + (dead or 0)
  end
  return dead, at
end

-- Notes what has become of a batch that has failed. Of its messages `done` are, when some are: all but those at the positions in `kept`.
local function note_failure(queue, batch, dead)
  local count, id = batch.left or batch.count, parts_of_token(batch.token)
  local fields = { 'batch', id, 'attempt', count_text(batch.attempt), 'count', count_text(count) }
  if batch.left then
    for _, value in ipairs({ 'done', count_text(batch.count - count), 'kept', batch.options.keep }) do fields[#fields + 1] = value end
  end
  fields[#fields + 1] = dead and 'cause' or 'until'
  fields[#fields + 1] = dead and 'failed' or digits(queue.now + batch.pause)
  note_event(queue, dead and 'dead' or 'failed', batch.key, unpack(fields))
end

local function fail_batches(keys, args)
  local root = keys[1]
  local batches, nonce, bad = read_ends(args, FAIL_OPTIONS)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or bad
  if refusal then return refusal end
  local said, owners = kept_reply(queue, nonce, 'fail'), {}
  if said then return said end
  for n = 1, #batches do owners[n] = batches[n].key end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(owners))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local reply, failed = {}, {}
  for n = 1, #batches do
    reply[n] = said == false and 'lost' or judge_failure(root, batches[n], stored[n])
    if not reply[n] then failed[#failed + 1] = n end
  end
  if #failed == 0 then return #batches == 1 and reply[1] or reply end
  refusal = foreign_index(root)
  if refusal then return refusal end
  queue.now = now_ms()

  -- first write
  local paused, moved, soonest, ended = {}, { weight = 0, bytes = 0 }, nil, {}
  for _, n in ipairs(failed) do
    local batch, dead, at = batches[n], false, nil
    local weight = batch.weight
    if ended[batch.key] then
      -- One that is named twice has failed once.
      reply[n] = ended[batch.key]
    elseif weight and moved.weight > 0 and (moved.weight + weight > LIMITS.moved or moved.bytes >= LIMITS.movedBytes) then
      reply[n] = 'again'
    else
      if weight then dead, at = move_failed(queue, batch, stored[n], moved) end
      if dead == nil then
        reply[n] = at
      else
        if not dead then paused[#paused + 1], at = batch, queue.now + batch.pause end
        reply[n] = dead and 'dead' or 'retry'
        ended[batch.key] = reply[n]
        if queue.events > 0 then note_failure(queue, batch, dead) end
        if at then soonest = math.min(soonest or at, at) end
      end
    end
  end
  put_off(queue, 'retry', paused)
  if #paused > 0 then count_up(root, 'failed', #paused) end
  local answer = #batches == 1 and reply[1] or reply
  if next(ended) then keep_reply(queue, nonce, 'fail', answer) end
  wake_watcher(queue, soonest)
  if queue.told then write_events(queue) end
  return answer
end

register('fail', fail_batches, { 'allow-oom' }, 'Give claimed batches back for a later attempt, or bury those whose attempts are used up.')
