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
--   ID       message id, 1 to 512 bytes: a second message with it is refused as a duplicate within `dedupe`
--   WAIT     ms of quiet after this message instead of the policy's; like MAXWAIT and MAXSIZE, until the next message of the key
--   MAXWAIT  ms from the first message of the batch instead of the policy's
--   MAXSIZE  messages a batch instead of the policy's
--   FLUSH    the batch ends with this message and is ready at once
--   NEXT     another message follows: key, data and its tokens
--   GENERATION  number of the change of partitions by which the caller has found this root: the last two arguments; none without partitions
-- RETURNS
--   status   for each message: 'added' | 'duplicate', or an error when this one of several was refused
--   size     for each message: messages that the key holds now, those of a batch in work included
-- ERRORS
--   BAD_ROOT           not exactly one root key with a hash tag
--   WRONG_TYPE         the root, or the list of the key, is a key of another type
--   MISSING_ARGUMENT   key, data or the value of a token is missing
--   UNKNOWN_ARGUMENT   something else stands where a token was expected
--   BAD_ARGUMENT       WAIT, MAXWAIT or MAXSIZE is out of range, or MAXWAIT is shorter than WAIT
--   BAD_KEY            the key is empty or too long
--   BAD_ID             the id is empty or too long
--   MESSAGE_TOO_LARGE  the data has more than maxMessageBytes
--   BACKLOG_FULL       the key holds maxBacklog messages; nothing is stored and the id is not remembered
--   REPARTITIONED      this root does not serve, and the key has no messages left here, or it goes by another generation: ask rapidfire_layout
--
-- WHY a burst costs one RPUSH a message: only the first message of an empty list can need an index entry, and an active
-- key's list is never empty. The entry then lags behind the deadline and is put right by claim_ready.
-- WHY each message of several stands alone: they may come from callers that know nothing of each other.
local ADD_TOKENS = {
  ID = { 'id', text = 512, code = 'BAD_ID' },
  WAIT = { 'wait', 1, POLICY.WAIT[3] },
  MAXWAIT = { 'maxWait', 1, POLICY.MAXWAIT[3] },
  MAXSIZE = { 'maxSize', 1, POLICY.MAXSIZE[3] },
  FLUSH = { 'flush', flag = true },
  GENERATION = { 'generation', 1, 999999 },
}
-- Lua's stack bounds how many values `unpack` can give.
local UNPACKED = 1000

-- Returns by message: the position of its key, its id, its other options, its refusal; or a refusal of the whole call. At the end the generation.
local function read_messages(args)
  local starts, ids, options, refusals = {}, {}, {}, {}
  local at, count, generation = 1, 0, nil
  repeat
    count = count + 1
    starts[count] = at
    if not args[at + 1] then
      return nil, nil, nil, nil, fail('MISSING_ARGUMENT', 'expected a key and its data; got ' .. (args[at] and 'a key alone' or 'nothing'))
    end
    at = at + 2
    -- An id and nothing else, or no token at all, is nearly every message: read without a table of its own.
    if args[at] == 'ID' and args[at + 1] and #args[at + 1] <= 512 and (args[at + 2] == nil or args[at + 2] == 'NEXT') then
      ids[count] = args[at + 1]
      at = at + 2
    elseif args[at] ~= 'NEXT' then
      local own, stopped, refusal = read_tokens(args, at, ADD_TOKENS, 'NEXT')
      if not stopped then return nil, nil, nil, nil, refusal end
      at = stopped
      if own then
        if not refusal and own.wait and own.maxWait and own.maxWait < own.wait then
          refusal = fail('BAD_ARGUMENT', string.format('MAXWAIT must not be shorter than WAIT (%.0f), got %.0f', own.wait, own.maxWait))
        end
        ids[count], own.id = own.id, nil
        generation, own.generation = own.generation or generation, nil
        if next(own) then options[count] = own end
      end
      refusals[count] = refusal
    end
    local more = args[at]
    at = at + 1
  until not more
  return starts, ids, options, refusals, nil, generation
end

-- Those of the ids that are remembered. Asked for together: a call for each would cost half of what storing the message does.
local function remembered_ids(ids, count, sets)
  local asked, known = {}, {}
  for n = 1, count do
    if ids[n] then asked[#asked + 1] = ids[n] end
  end
  for from = 1, #asked, UNPACKED do
    for _, set in ipairs(sets) do
      local found = redis.call('SMISMEMBER', set, unpack(asked, from, math.min(from + UNPACKED - 1, #asked)))
      for n = 1, #found do
        if found[n] == 1 then known[asked[from + n - 1]] = true end
      end
    end
  end
  return known
end

local function bad_message(key, data, id, policy)
  if #key < 1 or #key > 1024 then return bad_key(key) end
  if id == '' then return fail('BAD_ID', 'an id must have 1 to 512 bytes, got 0') end
  if #data > policy.maxMessageBytes then
    return fail('MESSAGE_TOO_LARGE', string.format('data must have at most %d bytes, got %d', policy.maxMessageBytes, #data))
  end
end

local function add(keys, args)
  local call, pcall, root = redis.call, redis.pcall, keys[1]
  local policy, refusal = read_policy(keys)
  if refusal then return refusal end
  local starts, ids, options, refusals, bad, generation = read_messages(args)
  bad = bad or other_generation(root, policy, generation)
  if bad then return bad end

  local now = now_ms()
  local due, prefix = due_key(root), messages_key(root, '')
  local overrides = has_overrides(root)
  local slice, before = policy.slice, policy.sliceBefore
  if not slice or now >= slice + policy.dedupe then slice, before = now, slice end
  local seen = seen_key(root, string.format('%.0f', slice))
  local known = remembered_ids(ids, #starts, { seen, before and seen_key(root, string.format('%.0f', before)) })
  local reply, added, duplicates, fresh, headers, soonest = {}, 0, 0, {}, {}, nil
  local opened = policy.maxSize == 1 and now or now + policy.wait
  local full_at, due_at = string.format('%.0f', now), string.format('%.0f', opened)

  -- first write
  for n = 1, #starts do
    local at = starts[n]
    local key, data, id, own = args[at], args[at + 1], ids[n], options[n]
    local status, size
    local refused = refusals[n] or bad_message(key, data, id, policy)
    if not refused then
      local list = prefix .. key
      local duplicate = id and known[id]
      if duplicate then
        size = pcall('LLEN', list)
      else
        local length = id and #id or 0
        local header = not own and headers[length] or message_header(now, length, own)
        if not own then headers[length] = header end
        size = pcall('RPUSH', list, header .. (id or '') .. data)
      end
      if type(size) == 'table' then
        refused = wrong_type(size, 'list', list)
      elseif duplicate then
        status, duplicates = 'duplicate', duplicates + 1
      elseif size == 1 and policy.closed then
        -- While messages of the key are left here, newer ones must stay behind them.
        call('RPOP', list)
        refused = not_serving(root)
      elseif size > policy.maxBacklog then
        call('RPOP', list)
        refused = fail('BACKLOG_FULL', 'the key holds ' .. (size - 1) .. ' messages, maxBacklog is ' .. policy.maxBacklog)
      else
        status, added = 'added', added + 1
        if id then
          known[id] = true
          fresh[#fresh + 1] = id
        end
        if own then
          call('SADD', overrides_key(root), key)
          overrides = true
        end
        if overrides and (own or is_overridden(root, key)) then
          -- XX: an active key gets its entry when its batch is done.
          local _, deadline = head_batch(list, policy, true)
          local changed = size == 1 and call('ZADD', due, deadline, key) or call('ZADD', due, 'XX', 'CH', deadline, key)
          if changed == 1 then soonest = math.min(soonest or deadline, deadline) end
        elseif size == 1 then
          call('ZADD', due, due_at, key)
          soonest = math.min(soonest or opened, opened)
        elseif size >= policy.maxSize and call('ZADD', due, 'XX', 'LT', 'CH', full_at, key) == 1 then
          soonest = now
        end
      end
    end
    if refused then status, size = refused, 0 end
    reply[2 * n - 1], reply[2 * n] = status, size
  end
  for from = 1, #fresh, UNPACKED do call('SADD', seen, unpack(fresh, from, math.min(from + UNPACKED - 1, #fresh))) end
  if #fresh > 0 then
    call('PEXPIREAT', seen, string.format('%.0f', slice + 2 * policy.dedupe))
    if slice ~= policy.slice then
      call('HSET', root, 'slice', slice)
      if before then call('HSET', root, 'sliceBefore', before) end
    end
  end
  if added > 0 then call('HINCRBY', root, 'added', added) end
  if duplicates > 0 then call('HINCRBY', root, 'duplicates', duplicates) end
  if soonest then wake(root, policy, soonest, now) end
  if #starts == 1 and type(reply[1]) == 'table' then return reply[1] end
  return reply
end

register('add', add, {}, 'Append messages to the open batches of their keys.')
