--- Which batches a claim takes. The steps themselves are in lib/conversation.lua.
---
--- `take` is what the caller asks for: `limit` batches at most, their `lease` and `attempts`, `due_by` (what was due then, and nothing later), its
--- `nonce`, the `state` of a claim that it will acknowledge, and how much `work` each of the messages is for it.
--- `taken` is what it gets: `batches` and those that are `dead` now, each as claim_ready replies it, and how much `work` that was.

-- What a call has to know that claims; lib/watch.lua and lib/figures.lua find it by its place.
local function read_queue_to_claim(keys, nonce) return read_queue_for(keys, nonce, 'looked', 'batches', 'latenessSum', 'latenessMax', 'watcher') end

-- Work is counted in what it costs to hand out a small message, some 4000 instructions of a processor: a look at a key, handing out a batch and burying one,
-- besides its messages, and so many bytes that are read. A call ends when it has done LIMITS.claimWork: others wait meanwhile.
local LOOK_WORK, BATCH_WORK, BURY_WORK, WORK_BYTES = 12, 16, 100, 256

-- So many keys are asked for at a time, and first no more than may be taken: more might be asked for in vain.
local PAGE = 50

local function reading_work(messages, bytes) return messages / 2 + bytes / WORK_BYTES end

-- Of a batch that is handed out, with so many messages, besides reading it.
local function handing_work(take, messages) return BATCH_WORK + messages * (take.work - 0.5) end

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
-- else a list of them, each { key, claim, known, due }, with the `next_one` to be taken, whether one `began`, whether there may be `more`, and how many
-- are `urgent`, which stand in front: what was given back, and what is open again.
-- WHY what is open again is urgent: it may be in `due` as well, and must not be claimed there before its old claim is gone.
local function find_returned(queue, take, due_by)
  local most = math.min(take.limit, math.floor(LIMITS.claimWork / BATCH_WORK))
  local ended = redis.call('ZRANGEBYSCORE', active_key(queue.root), '-inf', due_by, 'WITHSCORES', 'LIMIT', '0', count_text(most))
  if #ended == 0 then return nil end
  local keys = {}
  for n = 1, #ended / 2 do keys[n] = ended[2 * n - 1] end
  local stored = redis.call('HMGET', claims_key(queue.root), unpack(keys))
  local known = acknowledged(queue.root, stored, take.nonce)
  local urgent, others = {}, {}
  for n = 1, #keys do
    local claim = decode_claim(stored[n])
    local state = claim and claim.state
    local some = (not claim or state == 'released' or state == 'done') and urgent or others
    some[#some + 1] = { key = keys[n], claim = claim, known = known[n], due = math.floor(ended[2 * n]) }
  end
  local found = { urgent = #urgent, next_one = 1, began = false, more = #keys == most }
  for n = 1, #keys do found[n] = urgent[n] or others[n - #urgent] end
  return found
end

-- Whether a batch, if its other messages are like those that were read, is more than a call has room for. It waits for the next one then, but not the
-- first of its kind: one `began` before it.
local function is_too_much(take, taken, head, began)
  if not began then return false end
  local count, read = head.count, #head.messages
  return taken.work + LOOK_WORK + handing_work(take, count) + reading_work(count, head.bytes * count / read) > taken.room
end

-- A batch that has come back, as claim_ready replies it.
local function handed_over(returned, messages)
  local claim = returned.claim
  return { returned.key, token_of(claim), claim.attempt, claim.reason, claim.deadline, messages, returned.due }
end

-- Takes batches that have come back, up to number `last` of them.
local function claim_returned(queue, take, taken, returned, last)
  local active, again = active_key(queue.root), {}
  while returned.next_one <= last and #taken.batches < taken.slots and taken.work < taken.room do
    local n = returned.next_one
    local key, claim = returned[n].key, returned[n].claim
    local count = claim and claim.count or 1
    local head, reply = claimed_head(queue, key, count)
    if head and is_too_much(take, taken, head, returned.began) then break end
    returned.next_one, returned.began = n + 1, true
    local messages = head and read_rest(queue, head) or {}
    taken.work = taken.work + LOOK_WORK + reading_work(#messages, head and head.bytes or 0)
    if not head then
      must_be_empty(messages_key(queue.root, key), reply)
      -- Somebody deleted the list by hand, or put a key of another type there: it must not stop the queue.
      forget(queue, key, active)
    elseif not claim or claim.state == 'done' then
      reopen(queue, key, claim)
    else
      claim.count = #messages
      local fate = count_end(claim, returned[n].known, take.attempts)
      taken.work = taken.work + handing_work(take, #messages)
      if fate and bury(queue, key, claim, fate, messages) then
        taken.work = taken.work + BURY_WORK + 3 * #messages
        taken.dead[#taken.dead + 1] = { fate.cause, fate.error, unpack(handed_over(returned[n], messages)) }
      else
        if fate and fate.cause == 'lease' then claim.attempt = claim.attempt + 1 end
        claim.claim = claim.claim + 1
        again[#again + 1] = returned[n]
        taken.batches[#taken.batches + 1] = handed_over(returned[n], messages)
      end
    end
  end
  hand_out_again(queue, again, take)
end

-- When a batch that is claimed now was due: at its deadline, or when its key was put into `due` behind that, with `score`, since a batch before it
-- ended then. What somebody else has written has no time, and is due now.
local function was_due(head, score, now)
  local deadline = head.deadline
  if deadline == now or deadline <= POLICY.WAIT.most then return now end
  -- A score that ends in .5 is one of an entry whose list was missing.
  local entered = math.floor(score)
  return entered > deadline and entered or deadline
end

-- Claims the first batch of a key: adds it to `look`, which hand_out writes, and to what is replied.
local function claim_head(queue, taken, look, key, head, score)
  local messages = read_batch(queue, head)
  local tally, reason, deadline = taken.tally, head.reason, head.deadline
  local leases, records, batches, n = look.leases, look.records, taken.batches, #look.leases
  tally.number = tally.number + 1
  local token, record = first_claim(taken.id_begins .. count_text(tally.number) .. taken.id_ends, head, taken.tail)
  look.gone[#look.gone + 1] = key
  leases[n + 1], leases[n + 2] = taken.lease_ends, key
  records[n + 1], records[n + 2] = key, record
  local due = was_due(head, score, queue.now)
  batches[#batches + 1] = { key, token, 1, reason, deadline, messages, due }
  count_claimed(tally, reason, queue.now - due)
end

-- Judges keys whose `scores` in `due`, as texts, have come. Returns what hand_out writes.
local function look_through(queue, take, taken, keys, scores)
  local root, now, due_by, work, room = queue.root, queue.now, take.due_by, taken.work, taken.room
  local look = { records = {}, leases = {}, gone = {}, passed = 0, ended = false }
  local active = queue.first_active and redis.call('ZMSCORE', active_key(root), unpack(keys)) or {}
  for n = 1, #keys do
    look.ended = work >= room or #taken.batches >= taken.slots
    if look.ended then break end
    local key, head, reply = keys[n], nil, nil
    -- A key in both indexes has a batch with a worker; or a call was cut off, and it has none; or its batch is done, and this is a new list.
    local record = active[n] and redis.call('HGET', claims_key(root), key)
    local held = record and not is_done(record)
    if not held then head, reply = head_of(queue, key, has_options(queue, key)) end
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
        taken.work = work
        look.ended = is_too_much(take, taken, head, taken.began)
        if look.ended then break end
        head.deadline, taken.began = at, true
        claim_head(queue, taken, look, key, head, scores[n])
        work = work + handing_work(take, head.count)
      end
      work = work + reading_work(#head.messages, head.bytes) + (head.parsed or 0)
    end
    work = work + LOOK_WORK
  end
  taken.work = work
  return look
end

-- What all new claims of a call share.
local function prepare(queue, take, taken)
  local partition = queue.partition
  taken.tally = begin_tally(queue)
  -- Ids must differ between the partitions of a queue, and a caller finds the partition by them.
  taken.id_begins, taken.id_ends = digits(queue.now) .. '-', partition ~= '' and '-' .. partition or ''
  taken.lease_ends, taken.tail = digits(queue.now + take.lease), claim_tail(take.lease, take.state)
end

-- Batches of keys whose time has come.
-- WHY all are looked at whose scores have come, also those that were not due BEFORE: what is left of a batch that this pass has handed out, and was
-- due then, has the time at which it was left as its score.
local function claim_due(queue, take, taken, now)
  local passed, most = 0, taken.slots - #taken.batches
  while #taken.batches < taken.slots and taken.work < taken.room do
    local wanted = math.min(most, math.ceil((taken.room - taken.work) / LOOK_WORK), PAGE)
    most = PAGE
    local found = redis.call(
      'ZRANGEBYSCORE', due_key(queue.root), '-inf', now, 'WITHSCORES', 'LIMIT', count_text(passed), count_text(wanted)
    )
    if #found == 0 then break end
    if not taken.tally then prepare(queue, take, taken) end
    local keys, scores = {}, {}
    for n = 1, #found / 2 do keys[n], scores[n] = found[2 * n - 1], found[2 * n] end
    local look = look_through(queue, take, taken, keys, scores)
    hand_out(queue, look, taken.tally)
    if look.unclaimed then queue.active_moved = true end
    passed = passed + look.passed
    taken.lagging = taken.lagging or look.later ~= nil
    if look.ended or #keys < wanted then break end
  end
end

-- Takes what has come back beside what is due: what was given back first, and of the slots and the work that are left each kind gets half, while
-- there are both, and all when there is one. Who begins, and gets the odd slot, alternates with each batch that is handed out.
-- WHY not the older first: what fails comes back again and again, and would leave nothing for those whose first attempt is due.
local function share(queue, take, taken, returned, now)
  claim_returned(queue, take, taken, returned, returned.urgent)
  if returned.urgent == #returned then return end
  local counters = redis.call('HMGET', queue.root, 'batches', 'redelivered')
  local count, work = #taken.batches, taken.work
  local due_begins = ((tonumber(counters[1]) or 0) + (tonumber(counters[2]) or 0) + count) % 2 == 1
  taken.slots, taken.room = count + math.ceil((take.limit - count) / 2), work + (LIMITS.claimWork - work) / 2
  if due_begins then
    claim_due(queue, take, taken, now)
  else
    claim_returned(queue, take, taken, returned, #returned)
  end
  taken.slots, taken.room = take.limit, LIMITS.claimWork
  if not due_begins then claim_due(queue, take, taken, now) end
  claim_returned(queue, take, taken, returned, #returned)
end

-- Whether anything has come that may be taken by `due_by`; most looks of those who are idle end here. The queue notes what was seen: `first_active`, when
-- the first lease or pause ends, nil if there is none; `active_moved` when this call may change that otherwise than by the leases that it grants, as
-- where some have come back; and `next_at` when nothing has come, false if nothing is pending.
local function has_ready(queue, due_by)
  lower_ahead(queue)
  local active, due = first_in(active_key(queue.root)), first_in(due_key(queue.root))
  queue.first_active, queue.active_moved = active, active ~= nil and active <= due_by
  if queue.active_moved or due and due <= queue.now then return true end
  queue.next_at = earlier(due, active) or false
  return false
end

-- Takes what is ready under a lease. Returns the batches, and those that are dead now since their last lease has run out.
local function take_ready(queue, take)
  -- `lagging`: it has looked too early at a key; `slots` and `room`: how many batches and how much work it may have by then; `began`: it has taken some of
  -- what is due. The others prepare sets.
  local taken = {
    batches = {}, dead = {}, work = 0, slots = take.limit, room = LIMITS.claimWork,
    lagging = nil, began = false, tally = nil, id_begins = nil, id_ends = nil, lease_ends = nil, tail = nil,
  }
  local now = digits(queue.now)
  local due_by = take.due_by == queue.now and now or digits(take.due_by)
  -- WHY again: those that are dead now, or whose lists are gone, hold nothing up that stands behind them.
  local returned = queue.active_moved and find_returned(queue, take, due_by)
  while returned do
    share(queue, take, taken, returned, now)
    if not returned.more or returned.next_one <= #returned or #taken.batches == take.limit then break end
    returned = find_returned(queue, take, due_by)
  end
  claim_due(queue, take, taken, now)
  local tally, batches = taken.tally, taken.batches
  if taken.lagging and #batches == 0 then move_lagging(queue, math.floor((LIMITS.claimWork - taken.work) / LOOK_WORK)) end
  local first_claims = tally and tally.claimed or 0
  if #batches > first_claims then count_up(queue.root, 'redelivered', #batches - first_claims) end
  if first_claims > 0 then write_tally(queue, tally) end
  return batches, taken.dead
end

-- What a look does that has found nothing to do.
local function tidy(queue)
  drop_slices(queue)
  settle_options(queue)
end

-- When a caller looks next that has taken so many batches, or 0: nothing is pending. `caller`: { worker, rest, echo }, and `full`: it has no slot left.
local function next_look(queue, caller, full)
  local next_at, active = queue.next_at, queue.first_active
  if next_at == nil then
    if queue.active_moved then active = first_in(active_key(queue.root)) end
    next_at = earlier(first_in(due_key(queue.root)), active)
  end
  -- In a root that serves no more, nothing is left to watch for when nothing is pending: the worker learns that it is drained.
  if not caller.worker or not next_at and refuses_new(queue) then
    -- What this call has made due, or has left, may be due before the watcher means to look.
    wake_watcher(queue, next_at)
    return next_at or 0
  end
  if full then
    leave_watch(queue, caller.worker, next_at)
  else
    next_at = keep_watch(queue, caller.worker, next_at, caller.rest or OPTIONS.rest.default)
  end
  if caller.echo then send(queue, caller.worker, 'echo') end
  return next_at or 0
end
