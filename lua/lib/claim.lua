--- Which batches a claim takes. The steps themselves are in lib/conversation.lua.
---
--- `take` is what the caller asks for: `limit` batches at most, their `lease` and `attempts`, `due_by` (what was due then, and nothing later), its
--- `nonce`, the `state` of a claim that it will acknowledge; and of a worker `worker`, `echo`, `rest`. `taken` is what it gets: `batches`, each as
--- claim_ready replies it, and how many `bytes` were read for them.

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

-- What has come back by `due_by`, a text: batches whose lease has run out, whose pause has ended, or which were given back. Nil when nothing has,
-- else a list of them, each { key, claim, known }, with the `next_one` to be taken, and how many are `urgent`, which stand in front: what was given
-- back, and what is open again.
-- WHY what is open again is urgent: it may be in `due` as well, and must not be claimed there before its old claim is gone.
local function find_returned(queue, take, due_by)
  local keys = redis.call('ZRANGEBYSCORE', active_key(queue.root), '-inf', due_by, 'LIMIT', '0', count_text(take.limit))
  if #keys == 0 then return nil end
  local stored = redis.call('HMGET', claims_key(queue.root), unpack(keys))
  local known = acknowledged(queue.root, stored, take.nonce)
  local urgent, others = {}, {}
  for n = 1, #keys do
    local claim = decode_claim(stored[n])
    local state = claim and claim.state
    local some = (not claim or state == 'released' or state == 'done') and urgent or others
    some[#some + 1] = { key = keys[n], claim = claim, known = known[n] }
  end
  local found = { urgent = #urgent, next_one = 1 }
  for n = 1, #keys do found[n] = urgent[n] or others[n - #urgent] end
  return found
end

-- Takes batches that have come back, up to number `last` of them.
local function claim_returned(queue, take, taken, returned, last)
  local active = active_key(queue.root)
  while returned.next_one <= last and #taken.batches < taken.slots and taken.bytes < taken.room do
    local n = returned.next_one
    returned.next_one = n + 1
    local key, claim = returned[n].key, returned[n].claim
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
      local fate = count_end(claim, returned[n].known, take.attempts)
      if not fate or not bury(queue, key, claim, fate) then
        if fate and fate.cause == 'lease' then claim.attempt = claim.attempt + 1 end
        hand_out_again(queue, key, claim, take)
        taken.batches[#taken.batches + 1] = { key, token_of(claim), claim.attempt, claim.reason, claim.deadline, messages }
      end
    end
  end
end

-- How late a batch is that is claimed now, ms: it was due at its deadline, or when its key was put into `due` behind that, with `score`, since a
-- batch before it ended then. What somebody else has written has no time, and is not late.
local function lateness(head, score, now)
  local deadline = head.deadline
  if deadline == now or deadline <= POLICY.WAIT.most then return 0 end
  -- A score that ends in .5 is one of an entry whose list was missing.
  local entered = math.floor(score)
  return now - (entered > deadline and entered or deadline)
end

-- Claims the first batch of a key: adds it to `look`, which hand_out writes, and to what is replied.
local function claim_head(queue, taken, look, key, head, score)
  local tally, messages, reason, deadline = taken.tally, head.messages, head.reason, head.deadline
  local leases, records, batches, n = look.leases, look.records, taken.batches, #look.leases
  for extra = #messages, head.count + 1, -1 do messages[extra] = nil end
  tally.number = tally.number + 1
  local token, record = first_claim(taken.id_begins .. count_text(tally.number) .. taken.id_ends, head, taken.tail)
  look.gone[#look.gone + 1] = key
  leases[n + 1], leases[n + 2] = taken.lease_ends, key
  records[n + 1], records[n + 2] = key, record
  batches[#batches + 1] = { key, token, 1, reason, deadline, messages }
  count_claimed(tally, reason, lateness(head, score, queue.now))
end

-- Judges keys whose `scores` in `due`, as texts, have come. Returns what hand_out writes.
local function look_through(queue, take, taken, keys, scores)
  local root, now, due_by, bytes, look = queue.root, queue.now, take.due_by, taken.bytes, { records = {}, leases = {}, gone = {}, passed = 0 }
  local active, plain = redis.call('ZMSCORE', active_key(root), unpack(keys)), not any_options(queue)
  for n = 1, #keys do
    if bytes >= taken.room then break end
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
      local at = head.deadline
      if at > now then at = due_at(head, now) end
      if at > due_by then
        if tonumber(scores[n]) < at then
          look.later = look.later or {}
          look.later[#look.later + 1], look.later[#look.later + 2] = at, key
        else
          -- It is due, and was not due BEFORE.
          look.passed = look.passed + 1
        end
        if active[n] then
          look.unclaimed = look.unclaimed or {}
          look.unclaimed[#look.unclaimed + 1] = key
        end
      else
        head.deadline = at
        claim_head(queue, taken, look, key, head, scores[n])
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
-- WHY all are looked at whose scores have come, also those that were not due BEFORE: what is left of a batch that this pass has handed out, and was
-- due then, has the time at which it was left as its score.
local function claim_due(queue, take, taken, now)
  local looks, passed = 0, 0
  while #taken.batches < taken.slots and taken.bytes < taken.room and looks < LIMITS.claimLooks do
    local wanted = taken.slots - #taken.batches
    local found = redis.call(
      'ZRANGEBYSCORE', due_key(queue.root), '-inf', now, 'WITHSCORES', 'LIMIT', count_text(passed), count_text(wanted)
    )
    if #found == 0 then break end
    if not taken.tally then prepare(queue, take, taken) end
    local keys, scores = {}, {}
    for n = 1, #found / 2 do keys[n], scores[n] = found[2 * n - 1], found[2 * n] end
    local look = look_through(queue, take, taken, keys, scores)
    hand_out(queue, look, taken.tally)
    passed = passed + look.passed
    taken.lagging = taken.lagging or look.later ~= nil
    looks = looks + #keys
    if #keys < wanted then break end
  end
end

-- Takes what has come back beside what is due: what was given back first, and of the slots and the bytes that are left each kind gets half, while
-- there are both, and all when there is one. Who begins, and gets the odd slot, alternates with each batch that is handed out.
-- WHY not the older first: what fails comes back again and again, and would leave nothing for those whose first attempt is due.
local function share(queue, take, taken, returned, now)
  claim_returned(queue, take, taken, returned, returned.urgent)
  if returned.urgent == #returned then return end
  local counters = redis.call('HMGET', queue.root, 'batches', 'redelivered')
  local count, bytes = #taken.batches, taken.bytes
  local due_begins = ((tonumber(counters[1]) or 0) + (tonumber(counters[2]) or 0) + count) % 2 == 1
  taken.slots, taken.room = count + math.ceil((take.limit - count) / 2), bytes + (LIMITS.claimBytes - bytes) / 2
  if due_begins then
    claim_due(queue, take, taken, now)
  else
    claim_returned(queue, take, taken, returned, #returned)
  end
  taken.slots, taken.room = take.limit, LIMITS.claimBytes
  if not due_begins then claim_due(queue, take, taken, now) end
  claim_returned(queue, take, taken, returned, #returned)
end

-- Takes what is ready under a lease. Returns the batches.
local function take_ready(queue, take)
  -- `lagging`: it has looked too early at a key; `slots` and `room`: how many batches and bytes it may have by then. The others prepare sets.
  local taken = {
    batches = {}, bytes = 0, slots = take.limit, room = LIMITS.claimBytes,
    lagging = nil, tally = nil, id_begins = nil, id_ends = nil, lease_ends = nil, tail = nil,
  }
  local now = digits(queue.now)
  lower_ahead(queue)
  local returned = find_returned(queue, take, take.due_by == queue.now and now or digits(take.due_by))
  if returned then share(queue, take, taken, returned, now) end
  claim_due(queue, take, taken, now)
  local tally, batches = taken.tally, taken.batches
  if taken.lagging and #batches == 0 then move_lagging(queue) end
  local first_claims = tally and tally.claimed or 0
  if #batches > first_claims then redis.call('HINCRBY', queue.root, 'redelivered', count_text(#batches - first_claims)) end
  if first_claims > 0 then write_tally(queue, tally) end
  return batches
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
