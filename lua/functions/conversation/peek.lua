--- Show the messages, state and deadline of one key.
--
--   FCALL_RO rapidfire_peek 1 rapid-fire:{orders} 79001234567
--   FCALL_RO rapidfire_peek 1 rapid-fire:{orders} 79001234567 LIMIT 1
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   key       the conversation
--   LIMIT     at most this many messages, oldest first, 1 to 1000 (100)
-- RETURNS
--   state     'empty' | 'collecting' | 'ready' | 'active' | 'retry'; a batch that was given back is ready
--   now       the time in Redis, ms
--   deadline  of the batch at the head, ms; 0 when empty
--   until     ms at which the lease or the pause before the next attempt ends; 0 when neither holds
--   token     '<batch id>:<number of the claim>' when active, or of the last claim when a retry waits or the batch was given back; else ''
--   count     messages of the batch at the head
--   size      messages of the key
--   messages  array of messages, as in claim_ready: no more when they have 256 KiB together, whatever LIMIT says
--   error     what the last attempt has failed with, its first 256 bytes, while a retry waits; else ''
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   BAD_KEY           the key is empty or too long
--   MISSING_ARGUMENT  the key, or the value of LIMIT, is missing
--   UNKNOWN_ARGUMENT  not LIMIT
--   BAD_ARGUMENT      LIMIT is not an integer in its range
local PEEK_OPTIONS = { LIMIT = OPTIONS.shown }

-- The first messages of a list, at most `limit`: as many at a time as surely fit, or one, until what fits is there.
local function first_messages(queue, list, limit)
  local messages, bytes, read = {}, 0, 0
  while read < limit and bytes < LIMITS.shownBytes do
    local step = math.max(1, math.floor((LIMITS.shownBytes - bytes) / queue.largest))
    local some = redis.call('LRANGE', list, count_text(read), count_text(math.min(read + step, limit) - 1))
    if #some == 0 then break end
    for n = 1, #some do messages[read + n], bytes = some[n], bytes + #some[n] end
    read = read + #some
  end
  return messages
end

local function peek(keys, args)
  local call, root, key = redis.call, keys[1], args[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local bad = bad_key(key)
  if bad then return bad end
  local options, unreadable = read_options(args, 2, PEEK_OPTIONS)
  if unreadable then return unreadable end
  local list, now = messages_key(root, key), now_ms()
  local size = call('LLEN', list)
  if size == 0 then return { 'empty', now, 0, 0, '', 0, 0, {}, '' } end
  local messages = first_messages(queue, list, options.limit or OPTIONS.shown.default)
  local claim = decode_claim(call('HGET', claims_key(root), key))
  if claim then
    local ends = tonumber(call('ZSCORE', active_key(root), key)) or 0
    local state = claim.state == 'retry' and 'retry' or claim.state == 'released' and 'ready' or 'active'
    return { state, now, claim.deadline, math.ceil(ends), token_of(claim), claim.count, size, messages, claim.failed or '' }
  end
  local head = head_of(queue, key, has_options(queue, key))
  if not head then return { 'empty', now, 0, 0, '', 0, 0, messages, '' } end
  read_batch(queue, head)
  local deadline = due_at(head, now)
  return { deadline <= now and 'ready' or 'collecting', now, deadline, 0, '', head.count, size, messages, '' }
end

register('peek', peek, { 'no-writes' }, 'Show the messages, state and deadline of one key.')
