--- Messages that their author has edited or taken back while they were open: the batch is then what it would be had they been sent so, or never.
--- They are steps of a conversation as those of lib/conversation.lua:
---
---   replaced    open, or behind the batch of a worker → the same, with other data
---   withdrawn   the same, with a message less; or open → empty
--
-- WHY neither begins the wait anew: deadlines are made of when messages came, and an edited one keeps its time. So the batch is handed over when it
-- would have been, as its author has left it. When somebody has edited would have to be kept somewhere, and everybody would pay for that.

-- What is wrong with the tokens of a message that edits or withdraws another one, or nil.
local function bad_change(options)
  local id = options.edits or options.withdraws
  if id == '' then return fail('BAD_ID', 'EDITS and WITHDRAWS must name an id of 1 to ' .. OPTIONS.id.bytes .. ' bytes, got 0') end
  if id == options.id then return fail('BAD_ARGUMENT', 'EDITS and WITHDRAWS must name another message, got its own ID') end
  if options.edits and options.withdraws or options.requeued then
    return fail('BAD_ARGUMENT', 'EDITS, WITHDRAWS and REQUEUED exclude each other')
  end
end

-- Sees to it that a key is looked at now of which a message is about to change, if its batch may be due earlier then: without its last message, or, when
-- messages close their batch by options, with fewer bytes. Returns when it is due, if that has changed, and a refusal.
-- WHY before it changes: a look that comes too early does no harm, so nothing has to be taken back.
local function look_again_now(queue, key, takes_away)
  local listed = takes_away and 1 or queue.options ~= false and redis.pcall('SISMEMBER', overrides_key(queue.root), key) or 0
  if listed == 0 then return nil end
  if listed ~= 1 then return nil, wrong_type(listed, 'set', overrides_key(queue.root)) end
  return look_by(queue, key, queue.now)
end

-- Notes that a key is empty. What cannot be written is put right by the next look, as of a list that is missing.
local function leave_empty(queue, key)
  redis.pcall('ZREM', due_key(queue.root), key)
  redis.pcall('SREM', overrides_key(queue.root), key)
end

-- Changes the message that `change` names, if it is still open: behind what a worker has, or has failed with. `element`: what would be stored instead,
-- which has the new data. Returns 'replaced' or 'withdrawn', how many messages the key has then, and when it is due if that has changed; or a refusal
-- and 0, and nothing is written; or nil when that message is not found there.
local function change_open(queue, key, element, change, digest, ids)
  local list, claims = messages_key(queue.root, key), claims_key(queue.root)
  local size, claim = redis.pcall('LLEN', list), redis.pcall('HGET', claims, key)
  local failed = error_of(size, 'list', list) or error_of(claim, 'hash', claims)
  local before, old, at
  if not failed then
    claim = decode_claim(claim)
    before, old = find_newest(queue, list, claim and claim.count or 0, size, change.of)
    failed = not before and old
  end
  if not before and not failed then return nil end
  local is_only = size == 1
  if not failed and digest then failed = begin_slice(queue, ids) end
  if not failed and not is_only then at, failed = look_again_now(queue, key, change.takes_away) end
  if not failed then failed = put_for(list, before, old, not change.takes_away and with_data_of(old, element)) end
  if failed then
    if digest then forget_id(ids, digest) end
    return failed, 0
  end
  if digest then ids.known[digest] = true end
  local status = change.takes_away and 'withdrawn' or 'replaced'
  note_event(queue, status, key, 'id', old)
  if change.takes_away then
    size = size - 1
    redis.pcall('HINCRBY', queue.root, 'droppedMessages', '1')
    if is_only then leave_empty(queue, key) end
  end
  return status, size, at
end
