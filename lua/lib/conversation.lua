--- The states of a conversation, and every step from one of them to another, but for messages that are edited or withdrawn (lib/change.lua). Beside
--- both and lib/recover.lua, which puts broken ones right, nothing else writes `due`, `active`, `claims` and `overrides`, or says when a list is written
--- (lib/list.lua).
--
--   empty     no messages, in no index, no claim
--   open      in `due`: collecting, and ready when its time has come
--   active    in `active` with the end of its lease, and a claim: a worker has the first messages
--   retry     as active, with the end of a pause: the worker has failed
--   released  as active, with a time that has come: the worker has given the batch back
--   done      as active, without messages: the batch was completed while its list was missing
--
--   append, index_appended   empty → open; one message more in any other state
--   hand_out                 open → active
--   move_lagging             open, looked at later
--   hand_out_again           active, retry, released → active, when their time has come
--   extend_leases            active, for longer
--   shrink                   active → retry, without the messages that are done
--   put_off                  active → retry, or released
--   bury                     active, retry → dead, and what is behind → open, or empty
--   finish                   active → completed, and what is behind → open, or empty; or done
--   bring_back, revive       dead → open, or behind the batch of a worker
--   forget                   in an index, and without messages → empty
--   erase_messages           any → empty
--
-- WHY each step says in which order it writes: Redis does not undo. A command may be refused in the middle of a call, for want of a right, and
-- then the call ends between two writes. What it leaves must be such that nothing is lost and the next look puts it right (lua/README.md has
-- the table). So a key goes into its new index before it leaves the old one, a claim is void before its messages go, and messages are in their
-- new place before they leave the old one.

-- One message more at the end of the list of its key. Returns how many the key has then; or nil and a refusal, and nothing is written.
local append = push_back

-- Takes back what append has just done. False when that is not allowed: then the message stays, and keep_indexed sees to its key.
local function take_back(queue, key) return pop_back(messages_key(queue.root, key)) end

-- When a batch is due that is opened now.
local function opens_at(queue) return queue.maxSize == 1 and queue.now or queue.now + queue.wait end

local function keep_indexed(queue, key) redis.pcall('ZADD', due_key(queue.root), 'NX', opens_at(queue), key) end

-- Lets a key be looked at by `at`, which is now or later; what is due before keeps its turn. When nothing moves, the key is due before, or active, or
-- its entry was lost, by hand or with a failover: nobody would ever look at it then, and it is looked at now, since an earlier message may have
-- closed its batch. Returns when the key is due, if that has changed or is refused, and the refusal.
local function look_by(queue, key, at)
  local due = due_key(queue.root)
  local done = redis.pcall('ZADD', due, 'XX', 'LT', 'CH', digits(at), key)
  if done ~= 0 then return at, error_of(done, 'zset', due) end
  for _, index in ipairs({ due, active_key(queue.root) }) do
    local found = redis.pcall('ZSCORE', index, key)
    if found then return nil, error_of(found, 'zset', index) end
  end
  return queue.now, error_of(redis.pcall('ZADD', due, digits(queue.now), key), 'zset', due)
end

-- Notes that messages of a key may have options. Returns 1 when that is new, 0 when it is known; or nil and a refusal, and nothing is written.
local function note_options(queue, key)
  local overrides, before = overrides_key(queue.root), queue.stored.options
  local noted = before ~= 1 and write_settings(queue, { options = 1 })
  if type(noted) == 'table' then return nil, wrong_type(noted, 'hash', queue.root) end
  local listed = redis.pcall('SADD', overrides, key)
  if type(listed) ~= 'table' then return listed end
  write_settings(queue, { options = before or false })
  return nil, wrong_type(listed, 'set', overrides)
end

-- Takes that back; `before`: what the settings have said.
local function forget_options(queue, key, before)
  redis.pcall('SREM', overrides_key(queue.root), key)
  write_settings(queue, { options = before or false })
end

-- Notes that no key has options any more, if that is so, at a look that has found nothing to do.
local function settle_options(queue)
  if queue.options and redis.pcall('SCARD', overrides_key(queue.root)) == 0 then write_settings(queue, { options = 0 }) end
end

-- When a key with options has to be looked at that has just got its message number `size`, with these `options` or none: never later than its batch
-- is due, but perhaps earlier, when an earlier message has closed the batch. Or nil and a refusal.
-- WHY not the deadline itself: whoever closes the batch is found by reading all of it, and this is asked for each message.
local function due_with_options(queue, key, size, options)
  local now, maxWait = queue.now, options.maxWait or queue.maxWait
  if options.flush or size >= (options.maxSize or queue.maxSize) then return now end
  local at = now + (options.wait or queue.wait)
  if size == 1 then return math.min(at, now + maxWait) end
  -- A call reads so much of first messages, which may be large; the next claim looks at the others.
  if queue.first_bytes > LIMITS.firstBytes then return now end
  local list = messages_key(queue.root, key)
  local first = redis.pcall('LINDEX', list, '0')
  if type(first) ~= 'string' then return nil, error_of(first, 'list', list) end
  queue.first_bytes = queue.first_bytes + #first
  return math.max(math.min(at, received_at(first) + maxWait), now)
end

-- Sees to it that a key is looked at in time whose messages may have options; `options`: those of the message that was just appended. Nothing is left
-- when it refuses.
local function index_by_options(queue, key, size, options)
  local root, before, listed, failed = queue.root, queue.stored.options, nil, nil
  if options then listed, failed = note_options(queue, key) end
  local at
  if not failed then at, failed = due_with_options(queue, key, size, options or queue) end
  if at and size == 1 then
    failed = error_of(redis.pcall('ZADD', due_key(root), digits(at), key), 'zset', due_key(root))
  elseif at then
    at, failed = look_by(queue, key, at)
  end
  if failed and listed == 1 then forget_options(queue, key, before) end
  return at, failed
end

-- Sees to it that a key is looked at in time that has got its message number `size`. Returns when it is due, if that has changed, and a refusal.
-- WHY a burst costs one RPUSH a message: only the first message of an empty list can need an index entry, and an active key's list is never
-- empty. The entry then lags behind the deadline and is put right by the next claim.
local function index_appended(queue, key, size, options)
  local root = queue.root
  local listed = options and 1 or any_options(queue) and redis.pcall('SISMEMBER', overrides_key(root), key) or 0
  if listed == 1 then return index_by_options(queue, key, size, options) end
  if listed ~= 0 then return nil, wrong_type(listed, 'set', overrides_key(root)) end
  if size == 1 then
    -- The same for all messages of a call, so made once.
    local opens = queue.opens
    if not opens then
      opens = opens_at(queue)
      queue.opens, queue.opens_text, queue.due = opens, digits(opens), due_key(root)
    end
    local done = redis.pcall('ZADD', queue.due, queue.opens_text, key)
    if done == 1 then
      if queue.stored.options == nil then write_settings(queue, { options = queue.options and 1 or 0 }) end
      return opens
    end
    return opens, error_of(done, 'zset', due_key(root))
  end
  -- Once a call is enough for a key that is flooded: it is ready.
  if size < queue.maxSize or queue.filled == key then return nil end
  local at, failed = look_by(queue, key, queue.now)
  if not failed then queue.filled = key end
  return at, failed
end

-- Takes the first `count` messages off a key, and puts what is left into `due`, behind all that is due already. Returns when it is due, if anything
-- is left. A key of another type has nothing left: it must not stop the queue. Whoever calls this takes the key out of `active` afterwards.
-- WHY where much would have to be read for it, it comes into `due` without a look at it: the next claim looks, perhaps too early.
local function open_rest(queue, key, count)
  local root, list = queue.root, messages_key(queue.root, key)
  cut_front(list, count)
  queue.now = queue.now or now_ms()
  local with_options, at = has_options(queue, key), nil
  -- What will be read to learn its deadline: all of it, or the first message and the last.
  local size = with_options and redis.pcall('LLEN', list) or 2
  if type(size) ~= 'table' and (queue.read or 0) + size * (queue.largest + (with_options and OPTIONS_READ or 0)) > LIMITS.windowBytes then
    size = with_options and size or redis.pcall('LLEN', list)
    if size ~= 0 and type(size) ~= 'table' then at = queue.now end
  end
  if not at then
    local head, reply = window_of(queue, key, with_options)
    if not head then
      must_be_empty(list, reply)
      if with_options then write_unless_foreign('SREM', overrides_key(root), key) end
      return nil
    end
    at = enters_at(head, queue.now)
  end
  write_unless_foreign('ZADD', due_key(root), digits(at), key)
  return at
end

-- While a cluster moves the slot, and a node dies meanwhile, a list may be on another node for a while. An entry of an index whose list is
-- missing is looked at again so much later, ms. Its score ends in .5 until then.
local LOOK_AGAIN = 10000

local function look_again(queue, key, index) write_unless_foreign('ZADD', index, string.format('%.0f.5', queue.now + LOOK_AGAIN), key) end

-- Takes an entry without a list, which the caller has found there, out of an index, when the list was missing the last time as well.
local function forget(queue, key, index)
  local score = redis.call('ZSCORE', index, key)
  if not string.find(score, '%.5$') then return look_again(queue, key, index) end
  if has_options(queue, key) then write_unless_foreign('SREM', overrides_key(queue.root), key) end
  if index == active_key(queue.root) then redis.call('HDEL', claims_key(queue.root), key) end
  redis.call('ZREM', index, key)
  note_event(queue, 'missing', key)
end

-- Hands out what one look at `due` has found; `tally` has the number of the newest batch. In `look` each is a list of arguments: `records` has keys
-- and claims, `leases` their ends and keys, `later` true deadlines and keys of what is not ready yet, `gone` keys that are to leave `due`, and
-- `unclaimed` open keys that are to leave `active`.
-- WHY batches are counted first: no two may have the same id. And out of `due` last: what a call that is cut off leaves in both indexes, the next
-- look puts right.
local function hand_out(queue, look, tally)
  local root = queue.root
  if #look.leases > 0 then
    write_numbers(queue, tally)
    redis.call('HSET', claims_key(root), unpack(look.records))
    redis.call('ZADD', active_key(root), unpack(look.leases))
  end
  if look.later then redis.call('ZADD', due_key(root), unpack(look.later)) end
  if look.unclaimed then
    redis.call('HDEL', claims_key(root), unpack(look.unclaimed))
    redis.call('ZREM', active_key(root), unpack(look.unclaimed))
  end
  if #look.gone > 0 then redis.call('ZREM', due_key(root), unpack(look.gone)) end
end

-- Moves scores that lag behind, and are to come within the next LIMITS.lagAhead ms, to the deadlines, so that one look does for many keys: at
-- `most` so many.
-- WHY no batch is late for it: each goes where a look at its time would put it, unless it is due by then.
local function move_lagging(queue, most)
  local due, now, later = due_key(queue.root), queue.now, {}
  most = math.min(most, LIMITS.lagging)
  if most < 1 then return end
  local keys = redis.call(
    'ZRANGEBYSCORE', due, '(' .. digits(now), digits(now + LIMITS.lagAhead), 'LIMIT', '0', count_text(most)
  )
  for n = 1, #keys do
    if (queue.read or 0) >= LIMITS.windowBytes then break end
    local head = window_of(queue, keys[n], has_options(queue, keys[n]))
    if head then later[#later + 1], later[#later + 2] = digits(enters_at(head, now)), keys[n] end
  end
  if #later > 0 then redis.call('ZADD', due, 'GT', unpack(later)) end
end

-- Hands batches, each { key, claim }, out once more: the same ids and messages, new tokens.
local function hand_out_again(queue, again, take)
  if #again == 0 then return end
  local records, leases, ends = {}, {}, digits(queue.now + take.lease)
  for n = 1, #again do
    local key, claim = again[n].key, again[n].claim
    claim.span, claim.state = take.lease, take.state
    records[2 * n - 1], records[2 * n] = key, encode_claim(claim)
    leases[2 * n - 1], leases[2 * n] = ends, key
  end
  redis.call('HSET', claims_key(queue.root), unpack(records))
  redis.call('ZADD', active_key(queue.root), unpack(leases))
end

-- Lengthens leases, each { key, claim }: none is ever shortened. `known`: the caller has them, which acknowledges them.
-- WHY the span first: a lease may end sooner than its claim says, but not later.
local function extend_leases(queue, held, lease, known)
  if #held == 0 then return end
  local records, ends, text = {}, {}, digits(queue.now + lease)
  for n = 1, #held do
    local key, claim = held[n].key, held[n].claim
    if claim.span < lease or known and claim.state then
      claim.span = math.max(claim.span, lease)
      if known then claim.state = nil end
      records[#records + 1], records[#records + 2] = key, encode_claim(claim)
    end
    ends[#ends + 1], ends[#ends + 2] = text, key
  end
  if #records > 0 then redis.call('HSET', claims_key(queue.root), unpack(records)) end
  redis.call('ZADD', active_key(queue.root), 'GT', unpack(ends))
end

-- Puts claimed batches off, each { key, head, pause, failed }: the beginning of its claim's record, ms, and what it has failed with, if it has; `state`:
-- 'retry' or 'released'.
-- WHY the claims first: from then on the tokens prove nothing, and the batches come when their leases end at the latest.
local function put_off(queue, state, batches)
  if #batches == 0 then return end
  local records, ends = {}, {}
  for n = 1, #batches do
    local key, pause = batches[n].key, batches[n].pause
    records[2 * n - 1], records[2 * n] = key, batches[n].head .. claim_tail(pause, state, batches[n].failed)
    ends[2 * n - 1], ends[2 * n] = digits(queue.now + pause), key
  end
  redis.call('HSET', claims_key(queue.root), unpack(records))
  redis.call('ZADD', active_key(queue.root), unpack(ends))
end

-- Takes the messages that are done out of a batch that has failed: all but those at the positions in `kept`. Returns those that are left, and how many
-- bytes the batch had.
-- WHY the claim first: its token is void from then on, since made again the call would take other messages for those at its positions.
local function shrink(queue, key, claim, kept)
  local root, list, count = queue.root, messages_key(queue.root, key), claim.count
  local done = count - #kept
  claim.count, claim.state = #kept, 'retry'
  redis.call('HSET', claims_key(root), key, encode_claim(claim))
  local left, bytes = keep_front(list, count, kept)
  count_up(root, 'completedMessages', done)
  return left, bytes
end

-- Moves a batch that is given up to the dead ones; `fate` and `messages`, if they were read, as keep_dead takes them. Returns its bytes, and when what
-- is behind it is due. False, and nothing is done, when `maxDead` are kept already, or somebody else has a key where it would lie: then it is tried
-- again, since dropping it would lose messages, and keeping it grow without a bound.
-- WHY this order: a call that is cut off may leave a batch in both places, never in none, and the next look buries it once more.
local function bury(queue, key, claim, fate, messages)
  local root = queue.root
  if redis.call('ZCARD', dead_key(root)) >= queue.maxDead then return false end
  local bytes = keep_dead(queue, key, claim, fate, messages)
  if not bytes then return false end
  redis.call('HDEL', claims_key(root), key)
  local at = open_rest(queue, key, claim.count)
  redis.call('ZREM', active_key(root), key)
  return bytes, at
end

-- A batch that is completed while its list is missing: the claim stays as one that is done. When the list comes back, the batch is taken off it,
-- and what is behind the batch is handed over.
local function finish_without_list(queue, key, record)
  local claim = decode_claim(record)
  queue.now = queue.now or now_ms()
  claim.state, claim.span = 'done', LOOK_AGAIN
  redis.call('HSET', claims_key(queue.root), key, encode_claim(claim))
  look_again(queue, key, active_key(queue.root))
end

-- Finishes claimed batches: of each key so many messages of `counts`, by the claim in `records`. Opens what is left behind them, and returns when
-- the first of that is due.
-- WHY this order: the claims go first, since a token must not prove anything once the messages are gone; `active` last, so that no key is in
-- no index.
local function finish(queue, keys, counts, records)
  local root, messages, ended, emptied, lists, soonest = queue.root, 0, {}, {}, {}, nil
  redis.call('HDEL', claims_key(root), unpack(keys))
  for n = 1, #keys do
    local key, count = keys[n], counts[n]
    local list = messages_key(root, key)
    local size = redis.pcall('LLEN', list)
    if size == count then
      lists[#lists + 1], emptied[#emptied + 1], ended[#ended + 1] = list, key, key
    elseif size == 0 then
      finish_without_list(queue, key, records[n])
    else
      local at = open_rest(queue, key, count)
      if at then soonest = math.min(soonest or at, at) end
      ended[#ended + 1] = key
    end
    messages = messages + count
  end
  if #lists > 0 then
    redis.call('UNLINK', unpack(lists))
    if any_options(queue) then write_unless_foreign('SREM', overrides_key(root), unpack(emptied)) end
  end
  if #ended > 0 then write_unless_foreign('ZREM', active_key(root), unpack(ended)) end
  count_up(root, 'completed', #keys)
  count_up(root, 'completedMessages', messages)
  return soonest
end

-- Puts a key into `due` that messages were brought back to, unless a worker has a batch of it. Returns when it is due, and a refusal.
local function index_brought_back(queue, key, claim, with_options)
  local root = queue.root
  -- A claim that has lost its lease, or is done, holds nobody up: the key must be looked at.
  local held = claim and claim.state ~= 'done' and redis.pcall('ZSCORE', active_key(root), key)
  if held then return nil, error_of(held, 'zset', active_key(root)) end
  local listed = with_options and 1 or redis.pcall('SISMEMBER', overrides_key(root), key)
  if type(listed) == 'table' then return nil, wrong_type(listed, 'set', overrides_key(root)) end
  local at, due = queue.now, due_key(root)
  -- What options make of it only all of its messages could tell: the next claim reads them.
  if listed ~= 1 then
    local head, reply = window_of(queue, key, false)
    if not head then return nil, error_of(reply, 'list', messages_key(root, key)) end
    at = enters_at(head, queue.now)
  end
  -- A key that is due already keeps its turn.
  local done = at <= queue.now and redis.pcall('ZADD', due, 'LT', digits(at), key) or redis.pcall('ZADD', due, digits(at), key)
  return at, error_of(done, 'zset', due)
end

-- Puts messages that have died, which are in order, back where their times belong, and never into a claimed batch; `with_options`: some of them have
-- options. Returns what undoes it, and when the key is due, if that has changed; or nil and a refusal, and nothing is written.
local function bring_back(queue, key, messages, with_options)
  local root = queue.root
  local stored = redis.pcall('HGET', claims_key(root), key)
  if type(stored) == 'table' then return nil, wrong_type(stored, 'hash', claims_key(root)) end
  local claim = decode_claim(stored)
  local take_out, refused = insert_by_time(root, messages_key(root, key), claim and claim.count or 0, messages)
  if not take_out then return nil, refused end
  local before, listed, at, failed = queue.stored.options, nil, nil, nil
  if with_options then listed, failed = note_options(queue, key) end
  if not failed then at, failed = index_brought_back(queue, key, claim, with_options) end
  local function undo()
    take_out()
    if listed == 1 then forget_options(queue, key, before) end
  end
  if failed then
    undo()
    return nil, failed
  end
  return undo, at
end

-- Brings a whole batch back from the dead. Returns how many messages it has, and when their key is due, if that has changed; nil when there is
-- no such batch; or nil and a refusal, and then it is as dead as before.
-- WHY out of the dead first: a call that is cut off there has moved nothing, and the batch is put back or mended.
local function revive(queue, id, key)
  local root = queue.root
  local died = redis.call('ZSCORE', dead_key(root), id)
  local messages, with_options = {}, false
  if died then messages, with_options = placed_messages(root, id) end
  if #messages == 0 then return nil end
  redis.call('ZREM', dead_key(root), id)
  local undo, at = bring_back(queue, key, messages, with_options)
  local failed = not undo and at
  if undo then
    failed = error_of(redis.pcall('UNLINK', dead_key(root, id)), 'hash', dead_key(root, id))
    if failed then undo() end
  end
  if failed then
    redis.call('ZADD', dead_key(root), died, id)
    return nil, failed
  end
  redis.pcall('HINCRBY', root, 'deadMessages', -#messages)
  return #messages, at
end

-- Takes away the messages of a key, `size` of them, and what says in which state it is.
-- WHY the claim first: its token proves nothing from then on, whatever becomes of the rest. And the counter right behind the list: all others are
-- taken away once more by the next try.
local function erase_messages(queue, key, size)
  local root = queue.root
  redis.call('HDEL', claims_key(root), key)
  delete_list(messages_key(root, key))
  if size > 0 then count_up(root, 'droppedMessages', size) end
  redis.call('SREM', overrides_key(root), key)
  redis.call('ZREM', active_key(root), key)
  redis.call('ZREM', due_key(root), key)
end
