--- Append messages to the open batches of their keys.
--
--   FCALL rapidfire_add 1 rapid-fire:{orders} 79001234567 '{"text":"Hi"}'
--   FCALL rapidfire_add 1 rapid-fire:{orders} 79001234567 '{"text":"book me"}' ID wamid.2 WAIT 5000
--   FCALL rapidfire_add 1 rapid-fire:{orders} 79001234567 '{"text":"stop"}' FLUSH NEXT 79007654321 '{"text":"Hello"}' ID wamid.4
--
-- KEYS
--   root     root key of the queue; every other key is this one plus a part (lua/README.md)
-- ARGV
--   key      the conversation, 1 to 1024 bytes
--   data     the message, any bytes, at most maxMessageBytes of the policy; never decoded here
--   ID       message id, 1 to 512 bytes, unique in the conversation: a second message of the key with it is a duplicate within `dedupe`
--   WAIT     ms of quiet after this message instead of the policy's; like MAXWAIT and MAXSIZE, until the next message of the key
--   MAXWAIT  ms from the first message of the batch instead of the policy's
--   MAXSIZE  messages a batch instead of the policy's
--   FLUSH    the batch ends with this message and is ready at once
--   REQUEUED '<ms>:<name>', of a message that died in another partition: received at <ms>, remembered by <name> instead of ID, bound by no maxBacklog
--   NEXT     another message follows: key, data and its tokens
--   GENERATION  number of the change of partitions by which the caller has found this root: the last two arguments; none without partitions
-- RETURNS
--   status   for each message: 'added' | 'duplicate', or an error when this one of several was refused
--   size     for each message: messages that the key holds now, those of a batch in work included
-- ERRORS
--   BAD_ROOT           not exactly one root key with a hash tag
--   WRONG_TYPE         the root, an index, what remembers ids, or the list of the key, is a key of another type
--   MISSING_ARGUMENT   key, data or the value of a token is missing
--   UNKNOWN_ARGUMENT   something else stands where a token was expected
--   BAD_ARGUMENT       WAIT, MAXWAIT or MAXSIZE is out of range, MAXWAIT is shorter than WAIT, or REQUEUED is no time and name
--   BAD_KEY            the key is empty or too long
--   BAD_ID             the id is empty or too long
--   MESSAGE_TOO_LARGE  the data has more than maxMessageBytes
--   BACKLOG_FULL       the key holds maxBacklog messages; nothing is stored and the id is not remembered
--   REPARTITIONED      this root does not serve, and the key has no messages left here, or it goes by another generation: ask rapidfire_layout
--
-- WHY a burst costs one RPUSH a message: only the first message of an empty list can need an index entry, and an active
-- key's list is never empty. The entry then lags behind the deadline and is put right by claim_ready.
-- WHY each message of several stands alone: they may come from callers that know nothing of each other.
-- WHY ids are remembered before the messages are stored, and each write can be taken back: a command may fail half-way, because the caller
-- lacks the right or a key is of another type. Then id and message must both be there or neither, or the next try would lose or double it.
-- WHY an id is remembered as a digest of it and its key, 32 of the 40 hex digits of SHA-1: the same id in two conversations is two messages,
-- and a long id costs no more than a short one. As 16 raw bytes it would take 64 bytes of memory instead of 80, and Lua, which has
-- to make them of the digits, 2.0 us instead of 1.1 us for each message (Redis 7.0, sets of 500,000 ids).
local ADD_OPTIONS = {
  ID = OPTIONS.id, WAIT = OPTIONS.wait, MAXWAIT = OPTIONS.maxWait, MAXSIZE = OPTIONS.maxSize, FLUSH = OPTIONS.flush,
  REQUEUED = OPTIONS.requeued, GENERATION = OPTIONS.generation,
}
-- Lua's stack bounds how many values `unpack` can give.
local UNPACKED = 1000

-- Times that are the same in call after call as texts: to format one costs a tenth of what storing a message does.
local TEXTS = {}
local function text_of(what, ms)
  local kept = TEXTS[what]
  if not kept or kept.ms ~= ms then
    kept = { ms = ms, text = string.format('%.0f', ms) }
    TEXTS[what] = kept
  end
  return kept.text
end

-- '<ms>:<name>' as a table. The name of a message of a dead batch is the id of that and its position from 1, with a colon between.
local function read_requeued(text)
  local at, name = string.match(text, '^(%d+):(.+)$')
  at = integer(at, 0, 9999999999999)
  if not at then return nil, fail('BAD_ARGUMENT', 'REQUEUED must be a time in ms and a name, <ms>:<name>, got ' .. shown(text)) end
  local batch, position = string.match(name, '^(.*):(%d%d?%d?%d?)$')
  return { at = at, name = name, died = batch and place_among_dead(batch, position) }
end

-- Returns by message: the position of its key, its id, its other options, its refusal, what REQUEUED says (nil when no message
-- has it), and the generation; or nil and a refusal of the whole call.
local function read_messages(args)
  local starts, ids, options, refusals, requeued = {}, {}, {}, {}, nil
  local at, count, generation = 1, 0, nil
  repeat
    count = count + 1
    starts[count] = at
    if not args[at + 1] then
      return nil, fail('MISSING_ARGUMENT', 'expected a key and its data; got ' .. (args[at] and 'a key alone' or 'nothing'))
    end
    at = at + 2
    -- An id and nothing else, or no token at all, is nearly every message: read without a table of its own.
    if args[at] == 'ID' and args[at + 1] and #args[at + 1] <= 512 and (args[at + 2] == nil or args[at + 2] == 'NEXT') then
      ids[count] = args[at + 1]
      at = at + 2
    elseif args[at] ~= 'NEXT' then
      local own, stopped, refusal = read_tokens(args, at, ADD_OPTIONS, 'NEXT')
      if not stopped then return nil, refusal end
      at = stopped
      if own then
        if not refusal and own.wait and own.maxWait and own.maxWait < own.wait then
          refusal = fail('BAD_ARGUMENT', string.format('MAXWAIT must not be shorter than WAIT (%.0f), got %.0f', own.wait, own.maxWait))
        end
        if own.requeued then
          local again, bad = read_requeued(own.requeued)
          requeued, refusal = requeued or {}, refusal or bad
          requeued[count] = again
        end
        ids[count], own.id, own.requeued = own.id, nil, nil
        generation, own.generation = own.generation or generation, nil
        if next(own) then options[count] = own end
      end
      refusals[count] = refusal
    end
    local more = args[at]
    at = at + 1
  until not more
  return starts, ids, options, refusals, requeued, generation
end

local function bad_message(key, data, id, policy)
  if #key < 1 or #key > 1024 then return bad_key(key) end
  if id == '' then return fail('BAD_ID', 'an id must have 1 to 512 bytes, got 0') end
  if #data > policy.maxMessageBytes then
    return fail('MESSAGE_TOO_LARGE', string.format('data must have at most %d bytes, got %d', policy.maxMessageBytes, #data))
  end
end

-- By what a message is remembered. The name of a requeued message must not be taken for an id.
local function digest_of(key, id, again)
  local text = again and 'requeued ' .. #key .. ':' .. key .. again.name or #key .. ':' .. key .. id
  return string.sub(redis.sha1hex(text), 1, 32)
end

-- Adds those of the digests to `known` that are in the set. Asked for together: a call for each would cost half of what storing the message
-- does. Returns an error when they cannot be asked for.
local function look_up(set, asked, known)
  for from = 1, #asked, UNPACKED do
    local found = redis.pcall('SMISMEMBER', set, unpack(asked, from, math.min(from + UNPACKED - 1, #asked)))
    if found.err then return wrong_type(found, 'set', set) end
    for n = 1, #found do
      if found[n] == 1 then known[asked[from + n - 1]] = true end
    end
  end
end

-- Remembers those of the digests that are not known. Returns an error when that cannot be done, or the set would not expire.
local function remember(set, asked, known, expires)
  local fresh = asked
  if next(known) then
    fresh = {}
    for n = 1, #asked do
      if not known[asked[n]] then fresh[#fresh + 1] = asked[n] end
    end
    if #fresh == 0 then return nil end
  end
  local failed, from = nil, 1
  while from <= #fresh and not failed do
    failed = error_of(redis.pcall('SADD', set, unpack(fresh, from, math.min(from + UNPACKED - 1, #fresh))), 'set', set)
    if not failed then from = from + UNPACKED end
  end
  failed = failed or error_of(redis.pcall('PEXPIREAT', set, expires), 'set', set)
  -- Only what was written is taken back: over maxmemory a script may write all it likes behind its first command that frees memory.
  while failed and from > 1 do
    from = from - UNPACKED
    redis.pcall('SREM', set, unpack(fresh, from, math.min(from + UNPACKED - 1, #fresh)))
  end
  return failed
end

-- Moves a key in due, if it is there; with a policy, which is then all that its messages go by, only to an earlier time. Nothing moves when it
-- has that score, when it is active, or when its index entry was lost, by hand or with a failover: then nobody would ever look at it, and it
-- is put in. Returns whether it was moved, and an error.
local function move_in_due(root, key, score, policy)
  local due = due_key(root)
  local done = policy and redis.pcall('ZADD', due, 'XX', 'LT', 'CH', score, key) or redis.pcall('ZADD', due, 'XX', 'CH', score, key)
  if done ~= 0 then return done == 1, error_of(done, 'zset', due) end
  for _, index in ipairs({ due, active_key(root) }) do
    local found = redis.pcall('ZSCORE', index, key)
    if found then return false, error_of(found, 'zset', index) end
  end
  -- The batch may have been full before this message came.
  local head = policy and head_of(messages_key(root, key), policy, false)
  done = redis.pcall('ZADD', due, head and head.deadline or score, key)
  return done == 1, error_of(done, 'zset', due)
end

-- The same for a key whose messages may have options; `own`: the one that was just stored has some. Returns when the key is due, if that has
-- changed, and an error, and then nothing of this is left.
local function index_overridden(root, key, size, own, policy)
  local list, overrides = messages_key(root, key), overrides_key(root)
  local listed, deadline, failed, moved
  if own then
    listed = redis.pcall('SADD', overrides, key)
    failed = error_of(listed, 'set', overrides)
  end
  if not failed then
    local head, empty = head_of(list, policy, true)
    deadline = head and head.deadline
    if not head then
      failed = error_of(empty, 'list', list)
    elseif size == 1 then
      moved, failed = true, error_of(redis.pcall('ZADD', due_key(root), deadline, key), 'zset', due_key(root))
    else
      moved, failed = move_in_due(root, key, deadline)
    end
  end
  if failed and listed == 1 then redis.pcall('SREM', overrides, key) end
  return moved and deadline or nil, failed
end

-- From now on ids are remembered in the set of this slice. Returns an error when that cannot be written.
local function begin_slice(root, slice, before)
  if before then return error_of(redis.pcall('HSET', root, 'slice', slice, 'sliceBefore', before), 'hash', root) end
  return error_of(redis.pcall('HSET', root, 'slice', slice), 'hash', root)
end

-- Puts a message that died in another partition where its time belongs. Returns how many the key holds, what takes it out again, and when
-- the key is due; or nil and an error, and nothing is written.
local function store_requeued(root, key, message, policy)
  local list = messages_key(root, key)
  local size = redis.pcall('LLEN', list)
  local failed = error_of(size, 'list', list) or size == 0 and policy.closed and not_serving(root)
  if failed then return nil, failed end
  local undo, deadline = bring_back(root, key, { message }, policy)
  if not undo then return nil, deadline end
  return size + 1, undo, deadline
end

-- Remembers what was taken back: the set may have been empty then, and gone.
local function remember_again(set, digest, expires)
  redis.pcall('SADD', set, digest)
  redis.pcall('PEXPIREAT', set, expires)
end

-- Takes back what is remembered of a message, and the message: by `undo`, or it is the last of its list. False when that is not allowed:
-- then it counts as stored, since half of it would be worse.
local function take_back(set, digest, expires, list, undo)
  if digest and type(redis.pcall('SREM', set, digest)) == 'table' then return false end
  if undo then
    undo()
    return true
  end
  if type(redis.pcall('RPOP', list)) ~= 'table' then return true end
  if digest then remember_again(set, digest, expires) end
  return false
end

local function add(keys, args)
  local pcall, root = redis.pcall, keys[1]
  local policy, refusal = read_queue(keys)
  if refusal then return refusal end
  local starts, ids, options, refusals, requeued, generation = read_messages(args)
  if not starts then return ids end
  refusal = other_generation(root, policy, generation)
  if refusal then return refusal end
  local digests, asked = {}, nil
  for n = 1, #starts do
    local key, id, again = args[starts[n]], ids[n], requeued and requeued[n]
    refusals[n] = refusals[n] or bad_message(key, args[starts[n] + 1], id, policy)
    if (id or again) and not refusals[n] then
      asked = asked or {}
      digests[n] = digest_of(key, id, again)
      asked[#asked + 1] = digests[n]
    end
  end

  local now = now_ms()
  local due, prefix = due_key(root), messages_key(root, '')
  local overrides = pcall('SCARD', overrides_key(root))
  if type(overrides) == 'table' then return wrong_type(overrides, 'set', overrides_key(root)) end
  overrides = overrides > 0
  local slice, before = policy.slice, policy.sliceBefore
  local begins = not slice or now >= slice + policy.dedupe
  if begins then slice, before = now, slice end
  local seen, expires, known, taken_back, forgetful = nil, nil, {}, nil, nil
  if asked then
    seen, expires = seen_key(root, text_of('slice', slice)), text_of('expires', slice + 2 * policy.dedupe)
    forgetful = look_up(seen, asked, known) or before and look_up(seen_key(root, text_of('before', before)), asked, known)
  end
  local reply, added, duplicates, headers, soonest = {}, 0, 0, {}, nil
  local opened = policy.maxSize == 1 and now or now + policy.wait
  -- Formatted only when it is needed.
  local opens_at, full_at

  -- first write
  if asked and not forgetful then forgetful = remember(seen, asked, known, expires) end
  for n = 1, #starts do
    local at, digest, refused, status, size = starts[n], digests[n], refusals[n], nil, nil
    local key = args[at]
    if digest and forgetful then refused = forgetful end
    if not refused then
      local list, own = prefix .. key, options[n]
      if digest and known[digest] then
        size = pcall('LLEN', list)
        if type(size) == 'table' then
          refused = wrong_type(size, 'list', list)
        else
          status, duplicates = 'duplicate', duplicates + 1
        end
      else
        local id, again, undo, at_once = ids[n], requeued and requeued[n], nil, nil
        local length = id and #id or 0
        if taken_back and digest and taken_back[digest] then remember_again(seen, digest, expires) end
        if again then
          local header = message_header(math.min(again.at, now), length, own, again.died)
          size, undo, at_once = store_requeued(root, key, header .. (id or '') .. args[at + 1], policy)
          if not size then refused = undo end
        else
          local header = not own and headers[length] or message_header(now, length, own)
          if not own then headers[length] = header end
          size = pcall('RPUSH', list, header .. (id or '') .. args[at + 1])
          if type(size) == 'table' then refused = wrong_type(size, 'list', list) end
        end
        if refused then
          if digest then pcall('SREM', seen, digest) end
        else
          if not again and size == 1 and policy.closed then
            -- While messages of the key are left here, newer ones must stay behind them.
            refused = not_serving(root)
          elseif not again and size > policy.maxBacklog then
            refused = fail('BACKLOG_FULL', 'the key holds ' .. (size - 1) .. ' messages, maxBacklog is ' .. policy.maxBacklog)
          end
          if begins and digest and not refused then
            refused = begin_slice(root, slice, before)
            begins = refused ~= nil
          end
          if not refused and not again then
            local listed = own and 1 or overrides and pcall('SISMEMBER', overrides_key(root), key) or 0
            if listed == 1 then
              at_once, refused = index_overridden(root, key, size, own, policy)
              overrides = true
            elseif listed ~= 0 then
              refused = wrong_type(listed, 'set', overrides_key(root))
            elseif size == 1 then
              opens_at = opens_at or string.format('%.0f', opened)
              local done = pcall('ZADD', due, opens_at, key)
              if type(done) == 'table' then refused = wrong_type(done, 'zset', due) else at_once = opened end
            elseif size >= policy.maxSize then
              local moved
              full_at = full_at or string.format('%.0f', now)
              moved, refused = move_in_due(root, key, full_at, policy)
              if moved then at_once = now end
            end
          end
          if refused and not take_back(seen, digest, expires, list, undo) then
            pcall('ZADD', due, 'NX', opened, key)
            refused = nil
          end
          if not refused then
            status, added = 'added', added + 1
            if digest then known[digest] = true end
            if at_once and (not soonest or at_once < soonest) then soonest = at_once end
          end
        end
        if refused and digest then
          taken_back = taken_back or {}
          taken_back[digest] = true
        end
      end
    end
    if refused then status, size = refused, 0 end
    reply[2 * n - 1], reply[2 * n] = status, size
  end
  -- All is stored: nothing that fails from here on may hide it.
  if added > 0 then pcall('HINCRBY', root, 'added', added) end
  if duplicates > 0 then pcall('HINCRBY', root, 'duplicates', duplicates) end
  if soonest then wake(root, policy, soonest, now) end
  if #starts == 1 and type(reply[1]) == 'table' then return reply[1] end
  return reply
end

register('add', add, {}, 'Append messages to the open batches of their keys.')
