--- Which batches a claim takes. The steps themselves are in lib/conversation.lua.
---
--- `take` is what the caller asks for: `limit` batches at most, their `lease` and `attempts`, `due_by` (what was due then, and nothing later), its
--- `nonce`, the `state` of a claim that it will acknowledge; and of a worker `worker`, `echo`, `rest`. `taken` is what it gets: `batches`, each as
--- claim_ready replies it, and how many `bytes` were read for them.

local function bytes_of(messages)
  local bytes = 0
  for n = 1, #messages do bytes = bytes + #messages[n] end
  return bytes
end

-- Counts the end of a claim. Returns the fate of a batch that is to be buried; `known`: somebody has acknowledged the claim.
local function count_end(claim, known, attempts)
  if claim.state == 'released' then return nil end
  if not known then
    claim.lost = claim.lost + 1
    if claim.lost < 4 * attempts then return nil end
    return { cause = 'unacknowledged', error = 'nobody has said that a claim of it arrived, ' .. claim.lost .. ' times' }
  end
  if claim.state == 'retry' or claim.attempt < attempts then
    claim.attempt = claim.attempt + 1
    return nil
  end
  return { cause = 'lease', error = 'the lease of attempt ' .. claim.attempt .. ' ran out' }
end

-- Batches whose lease has run out, whose pause has ended, or which were given back.
local function claim_returned(queue, take, taken)
  local active = active_key(queue.root)
  local keys = redis.call('ZRANGEBYSCORE', active, '-inf', taken.due_by, 'LIMIT', '0', count_text(take.limit))
  if #keys == 0 then return end
  local stored = redis.call('HMGET', claims_key(queue.root), unpack(keys))
  local known = acknowledged(queue.root, stored, take.nonce)
  for n = 1, #keys do
    if taken.bytes >= LIMITS.claimBytes then break end
    local key, claim = keys[n], decode_claim(stored[n])
    local list = messages_key(queue.root, key)
    local messages = redis.pcall('LRANGE', list, 0, (claim and claim.count or 1) - 1)
    must_be_empty(list, messages)
    taken.bytes = taken.bytes + bytes_of(messages)
    if #messages == 0 then
      -- Somebody deleted the list by hand, or put a key of another type there: it must not stop the queue.
      forget(queue, key, active)
    elseif not claim or claim.state == 'done' then
      reopen(queue, key, claim)
    else
      claim.count = #messages
      local fate = count_end(claim, known[n], take.attempts)
      if not fate or not bury(queue, key, claim, fate) then
        if fate and fate.cause == 'lease' then claim.attempt = claim.attempt + 1 end
        hand_out_again(queue, key, claim, take)
        taken.batches[#taken.batches + 1] = { key, token_of(claim), claim.attempt, claim.reason, claim.deadline, messages }
      end
    end
  end
  if #taken.batches > 0 then redis.call('HINCRBY', queue.root, 'redelivered', #taken.batches) end
end

-- Claims the first batch of a key: adds it to `look`, which hand_out writes, and to what is replied.
local function claim_head(queue, taken, look, key, head)
  local tally, messages, reason, deadline = taken.tally, head.messages, head.reason, head.deadline
  local leases, records, batches, n = look.leases, look.records, taken.batches, #look.leases
  for extra = #messages, head.count + 1, -1 do messages[extra] = nil end
  tally.number = tally.number + 1
  local token, record = first_claim(taken.id_begins .. count_text(tally.number) .. taken.id_ends, head, taken.tail)
  look.gone[#look.gone + 1] = key
  leases[n + 1], leases[n + 2] = taken.lease_ends, key
  records[n + 1], records[n + 2] = key, record
  batches[#batches + 1] = { key, token, 1, reason, deadline, messages }
  -- What somebody else has written has no time, and is not late.
  count_claimed(tally, reason, deadline > POLICY.WAIT.most and queue.now - deadline or 0)
end

-- Judges keys whose score in `due` has come. Returns what hand_out writes.
local function look_through(queue, take, taken, keys)
  local root, now, due_by, bytes, look = queue.root, queue.now, take.due_by, taken.bytes, { records = {}, leases = {}, gone = {} }
  local active, plain = redis.call('ZMSCORE', active_key(root), unpack(keys)), not any_options(queue)
  for n = 1, #keys do
    if bytes >= LIMITS.claimBytes then break end
    local key, head, reply = keys[n], nil, nil
    -- A key in both indexes has a batch with a worker; or a call was cut off, and it has none; or its batch is done, and this is a new list.
    local record = active[n] and redis.call('HGET', claims_key(root), key)
    local held = record and not is_done(record)
    if not held then head, reply = head_of(queue, key, not plain and has_options(queue, key)) end
    if held then
      look.gone[#look.gone + 1] = key
    elseif not head then
      -- Somebody deleted the list by hand, or put a key of another type there.
      must_be_empty(messages_key(root, key), reply)
      forget(queue, key, due_key(root))
    else
      -- Another time than its deadline, which is now, when the clock has gone back.
      local deadline = head.deadline
      local at = deadline > now and due_at(head, now) or deadline
      if at > due_by and at == deadline then
        look.later = look.later or {}
        look.later[#look.later + 1], look.later[#look.later + 2] = at, key
        if active[n] then
          look.unclaimed = look.unclaimed or {}
          look.unclaimed[#look.unclaimed + 1] = key
        end
      else
        head.deadline = at
        claim_head(queue, taken, look, key, head)
      end
      bytes = bytes + bytes_of(head.messages)
    end
  end
  taken.bytes = bytes
  return look
end

-- What all new claims of a call share.
local function prepare(queue, take, taken)
  local partition = partition_of(queue.root)
  taken.tally = begin_tally(queue)
  -- Ids must differ between the partitions of a queue, and a caller finds the partition by them.
  taken.id_begins, taken.id_ends = digits(queue.now) .. '-', partition and '-' .. partition or ''
  taken.lease_ends, taken.tail = digits(queue.now + take.lease), claim_tail(take.lease, take.state)
end

-- Batches of keys whose time has come.
local function claim_due(queue, take, taken)
  local looks = 0
  while #taken.batches < take.limit and taken.bytes < LIMITS.claimBytes and looks < LIMITS.claimLooks do
    local wanted = take.limit - #taken.batches
    local keys = redis.call('ZRANGEBYSCORE', due_key(queue.root), '-inf', taken.due_by, 'LIMIT', '0', count_text(wanted))
    if #keys == 0 then break end
    if not taken.tally then prepare(queue, take, taken) end
    hand_out(queue, look_through(queue, take, taken, keys), taken.tally)
    looks = looks + #keys
    if #keys < wanted then break end
  end
  if taken.tally and next(taken.tally.closed_by) then write_tally(queue, taken.tally) end
end

-- Takes what is ready under a lease. Returns the batches.
local function take_ready(queue, take)
  -- The others are those that prepare sets.
  local taken = { batches = {}, bytes = 0, due_by = digits(take.due_by), tally = nil, id_begins = nil, id_ends = nil, lease_ends = nil, tail = nil }
  lower_ahead(queue)
  claim_returned(queue, take, taken)
  claim_due(queue, take, taken)
  return taken.batches
end

-- The keys and tokens of batches in turn: what is kept of a claim.
local function proofs_of(batches)
  local proofs = {}
  for n = 1, #batches do proofs[2 * n - 1], proofs[2 * n] = batches[n][1], batches[n][2] end
  return proofs
end

-- The batches of a claim that is made again, by the proofs of the first: those that it still holds, under a lease that begins anew, since
-- nobody can tell when the first reply was lost.
local function take_again(queue, take, proofs)
  local keys, held, batches = {}, {}, {}
  for n = 1, #proofs, 2 do keys[#keys + 1] = proofs[n] end
  local stored = redis.call('HMGET', claims_key(queue.root), unpack(keys))
  for n = 1, #keys do
    local key, token = keys[n], proofs[2 * n]
    local count = claimed_count(stored[n], token)
    local messages = count and redis.pcall('LRANGE', messages_key(queue.root, key), 0, count - 1) or {}
    if #messages > 0 then
      local claim = decode_claim(stored[n])
      held[#held + 1] = { key = key, claim = claim }
      batches[#batches + 1] = { key, token, claim.attempt, claim.reason, claim.deadline, messages }
    end
  end
  extend_leases(queue, held, take.lease, false)
  return batches
end

-- When who has taken so many batches looks next, or 0: nothing is pending.
local function next_look(queue, take, count)
  local next_at = next_due(queue)
  -- In a root that serves no more, nothing is left to watch for when nothing is pending: the worker learns that it is drained.
  if not take.worker or not next_at and queue.refuses_new then
    -- What this call has made due, or has left, may be due before the watcher means to look.
    wake_watcher(queue, next_at)
    return next_at or 0
  end
  if count >= take.limit then
    leave_watch(queue, take.worker, next_at)
  else
    next_at = keep_watch(queue, take.worker, next_at, take.rest or OPTIONS.rest.default)
  end
  if take.echo then send(queue.root, take.worker, 'echo') end
  return next_at or 0
end
