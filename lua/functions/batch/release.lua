--- Give claimed batches back, ready at once for others, without using up an attempt.
--
--   FCALL rapidfire_release 1 rapid-fire:{orders} 79001234567 1790000000000-17:1
--   FCALL rapidfire_release 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 REASON closing
--   FCALL rapidfire_release 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 NEXT 79007654321 1790000000000-18:1
--
-- KEYS
--   root    root key of the queue
-- ARGV
--   key     the conversation
--   token   proof of the claim, from claim_ready
--   REASON  why, at most 256 bytes: for those who read along (MONITOR, SLOWLOG), it is kept nowhere
--   NEXT    behind it stand the key, the token and the REASON of another batch, at most 64 in all
--   NONCE   as in claim_ready: repeated with it, the call says what the first did
-- RETURNS
--   status     'released' | 'lost'; a second call says the same, until the batch is claimed again
--   status...  with NEXT, an array: the same for each batch, or its refusal
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, or the list of the key is a key of another type
--   MISSING_ARGUMENT  key, token or the value of a token is missing
--   UNKNOWN_ARGUMENT  not REASON, NONCE or NEXT
--   BAD_ARGUMENT      the REASON is too long, the NONCE is none, or there are more than 64 batches
--
-- WHY the batch stays a batch: its id is the same in the next claim, and what arrives meanwhile stays behind it.
local RELEASE_OPTIONS = { REASON = OPTIONS.reason, NONCE = OPTIONS.nonce }

-- Judges a batch. What it says of one that is not given back now; else nil, and `batch` has the `head` of its record.
local function judge_release(root, batch, stored)
  if batch.refusal then return batch.refusal end
  local count, _, head = claimed_parts(stored, batch.token)
  if not count then
    local claim = decode_claim(stored)
    return claim and claim.state == 'released' and token_of(claim) == batch.token and 'released' or 'lost'
  end
  local _, foreign = size_of(root, batch.key)
  batch.head, batch.pause = head, 0
  return foreign
end

local function release(keys, args)
  local root = keys[1]
  local batches, nonce, bad = read_ends(args, RELEASE_OPTIONS)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or bad
  if refusal then return refusal end
  local said, owners = kept_reply(queue, nonce, 'release'), {}
  if said then return said end
  for n = 1, #batches do owners[n] = batches[n].key end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(owners))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local reply, released = {}, {}
  for n = 1, #batches do
    reply[n] = said == false and 'lost' or judge_release(root, batches[n], stored[n])
    if not reply[n] then reply[n], released[#released + 1] = 'released', batches[n] end
  end
  local answer = #batches == 1 and reply[1] or reply
  if #released == 0 then return answer end
  refusal = foreign_index(root)
  if refusal then return refusal end
  queue.now = now_ms()

  -- first write
  put_off(queue, 'released', released)
  if queue.events > 0 then
    for n = 1, #released do note_event(queue, 'released', released[n].key, 'batch', (parts_of_token(released[n].token))) end
  end
  keep_reply(queue, nonce, 'release', answer)
  wake_watcher(queue, queue.now)
  if queue.told then write_events(queue) end
  return answer
end

register('release', release, { 'allow-oom' }, 'Give claimed batches back, ready at once for others, without using up an attempt.')
