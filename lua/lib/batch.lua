--- Batches: how messages are written, when the batch at the head of a list is ready, and how one is taken off.

-- '<receivedAt> <id length>[,R<place>][,W<wait>][,X<maxWait>][,S<maxSize>][,F] <id><data>'. 13 digits first, so that one `match` reads the
-- time. The options travel with their message: nothing has to be kept in step when messages are taken, given back or buried.
-- Here all that stands before id and data. `died`: with which batch the message died first, as place_among_dead writes it.
local function message_header(now, id_length, own, died)
  local header = string.format('%013.0f %d', now, id_length)
  if died then header = header .. ',R' .. died end
  if own then
    if own.wait then header = header .. string.format(',W%.0f', own.wait) end
    if own.maxWait then header = header .. string.format(',X%.0f', own.maxWait) end
    if own.maxSize then header = header .. string.format(',S%.0f', own.maxSize) end
    if own.flush then header = header .. ',F' end
  end
  return header .. ' '
end

-- The options that a message carries, as message_header wrote them, or nil. Where it died is none.
local function own_options(message)
  local own = string.match(message, '^%d%d%d%d%d%d%d%d%d%d%d%d%d %d+(,[^ ]*) ')
  if own and string.sub(own, 2, 2) == 'R' then own = string.match(own, '^,R[%d.]+(,.*)$') end
  return own
end

-- One of these options, or `default` where a message has none that could be right.
local function own_number(own, option, most, default)
  local value = tonumber(string.match(own, ',' .. option .. '(%d+)'))
  return value and value >= 1 and value <= most and value or default
end

-- A message that begins otherwise was written by somebody else: it counts as old, so that it is handed over, and holds nobody up.
-- Only digits: Lua takes 'nan', 'inf' and '0x1' for numbers too.
local function received_at(message) return tonumber(string.match(message, '^(%d%d%d%d%d%d%d%d%d%d%d%d%d) ')) or 0 end

-- The batch at the head of a list: how many messages it has, its deadline, what closes it, and the messages read
-- (which may be more). Nil when the list is empty, and why when it cannot be read. `overridden`: a message of the key may carry options of its own.
local function head_batch(list, policy, overridden)
  local messages = redis.pcall('LRANGE', list, '0', policy.last)
  local count = #messages
  -- A key of another type counts as empty (an error has no elements): one foreign key must not stop the queue.
  if count == 0 then return nil, nil, nil, messages end
  local wait, maxWait, closer, closed_by = policy.wait, policy.maxWait, nil, 'size'
  if not overridden then
    if count == policy.maxSize then closer = count end
  else
    count = 0
    while messages[count + 1] do
      local n = count + 1
      local own = own_options(messages[n]) or ''
      local size = own_number(own, 'S', POLICY.MAXSIZE.most, policy.maxSize)
      if n > size then
        -- This message found more in the batch than it allows: it opens the next one.
        closer = n
        break
      end
      count = n
      wait = own_number(own, 'W', POLICY.WAIT.most, policy.wait)
      maxWait = own_number(own, 'X', POLICY.MAXWAIT.most, policy.maxWait)
      local flush = string.find(own, ',F', 1, true)
      if n == size or flush then
        closer, closed_by = n, flush and 'flush' or 'size'
        break
      end
      -- It allows more than was read. Twice as much each time: a thousand large messages are read only for those who ask for them.
      if n >= policy.maxSize and n == #messages then messages = redis.call('LRANGE', list, 0, 2 * n - 1) end
    end
  end
  local last = received_at(messages[count])
  local closed = closer and (closer == count and last or received_at(messages[closer]))
  local deadline, reason = last + wait, 'wait'
  if closed and closed < deadline then deadline, reason = closed, closed_by end
  local latest = received_at(messages[1]) + maxWait
  if deadline > latest then deadline, reason = latest, 'maxWait' end
  -- 0 would say that nothing is due, ever.
  if deadline < 1 then deadline = 1 end
  return count, deadline, reason, messages
end

-- Whether any key of the queue has messages with options of their own: asked once a call, since most queues have none.
local function has_overrides(root) return redis.call('SCARD', overrides_key(root)) > 0 end

local function is_overridden(root, key) return redis.call('SISMEMBER', overrides_key(root), key) == 1 end

-- The time, id and data of a message. What was not written by add has neither time nor id: all of it is data.
local function parts_of(message)
  -- Without an id and options: nothing has to be measured.
  if string.find(message, '^%d%d%d%d%d%d%d%d%d%d%d%d%d 0 ') then return string.sub(message, 1, 13), '', string.sub(message, 17) end
  local blank, length, start = string.match(message, '^%d+() (%d+)[^ ]* ()')
  if blank ~= 14 or start + length > #message + 1 then return '0', '', message end
  local at = string.sub(message, 1, 13)
  return at, string.sub(message, start, start + length - 1), string.sub(message, start + length)
end

-- A claim as it is stored: '<batch id>:<claim>:<attempt>:<lost>:<count>:<deadline>:<reason>:<span>[:<state>]'. The token is its
-- beginning, '<batch id>:<claim>'. Claims are counted apart from attempts: one that nobody has heard of is no attempt.
-- `span` is the length of the lease or pause, so no score in `active` is further ahead than that. `state` says what the claim is
-- waiting for: 'retry' (pauses after a failure), 'released' (given back), 'by=<name>/<number>' (nobody has acknowledged it yet, see
-- lib/nonce.lua), and nothing when it is acknowledged.
local function encode_claim(claim)
  return string.format(
    '%s:%d:%d:%d:%d:%.0f:%s:%.0f%s', claim.id, claim.claim, claim.attempt, claim.lost, claim.count, claim.deadline, claim.reason,
    claim.span, claim.state and ':' .. claim.state or ''
  )
end

local function decode_claim(text)
  local id, number, attempt, lost, count, deadline, reason, span, state =
    string.match(text or '', '^([%d%-]+):(%d+):(%d+):(%d+):(%d+):(%d+):(%a+):(%d+)(.*)$')
  if not id or not (state == '' or state == ':retry' or state == ':released' or string.find(state, '^:by=[%w_-]+/%d+$')) then return nil end
  return {
    id = id, claim = tonumber(number), attempt = tonumber(attempt), lost = tonumber(lost), count = tonumber(count),
    deadline = tonumber(deadline), reason = reason, span = tonumber(span), state = state ~= '' and string.sub(state, 2) or nil,
  }
end

local function token_of(claim) return string.format('%s:%d', claim.id, claim.claim) end

-- How many messages the batch has whose token this is, or nil when the token no longer proves a claim.
local function claimed_count(stored, token)
  if not stored or string.sub(stored, 1, #token) ~= token then return nil end
  local count, state = string.match(stored, '^:%d+:%d+:(%d+):%d+:%a+:%d+(:?r?)', #token + 1)
  return state ~= ':r' and tonumber(count) or nil
end

-- An error that Redis replied, told as ours, or nil.
local function error_of(reply, expected, name) return type(reply) == 'table' and reply.err and wrong_type(reply, expected, name) or nil end

-- Where a message belongs among others: its time and, within one ms, the batch with which it died first and its position there. One that has
-- never been dead came later. What somebody else wrote has no time: it counts as older than all others, and so stays behind what it stands behind.
local function place_of(message)
  return { received_at(message), tonumber(string.match(message, '^%d+ %d+,R(%d+%.%d+)')) or math.huge }
end

-- '<number of a batch>.<position in it>', so that it can be compared as a number: numbers rise in the order in which batches of a key are
-- claimed, and none has 10,000 messages. Nil when this is no id of a batch.
local function place_among_dead(batch, position)
  local number = string.match(batch, '^%d+%-(%d+)')
  return number and string.format('%s.%04d', number, position)
end

-- A message with its place among the dead, if it has none yet.
local function with_place(message, place)
  local behind = place and string.match(message, '^%d%d%d%d%d%d%d%d%d%d%d%d%d %d+()[, ]')
  if not behind or string.find(message, '^,R%d', behind) then return message end
  return string.sub(message, 1, behind - 1) .. ',R' .. place .. string.sub(message, behind)
end

local function is_behind(one, other) return one[1] > other[1] or one[1] == other[1] and one[2] > other[2] end

-- Puts elements in front of a list, the first of them first.
local function push_front(list, elements)
  local some = {}
  for at = #elements, 1, -1 do
    some[#some + 1] = elements[at]
    if #some == 500 or at == 1 then
      local done = redis.pcall('LPUSH', list, unpack(some))
      if type(done) == 'table' then return done end
      some = {}
    end
  end
end

-- Puts messages, which are in order, into a list: each behind what is older, and behind the first `claimed`, which are a batch in work.
-- Returns what takes them out again; or nil and an error, and the list is as it was.
-- WHY what is older is taken off and put back in front: Redis cannot insert behind a position. The cost is that of what is older,
-- which is little, since most messages that died are older than what waits. LINSERT would look for the text of a message, which may stand there twice.
local function insert_by_time(list, claimed, messages)
  local ahead = claimed > 0 and redis.pcall('LRANGE', list, 0, claimed - 1) or {}
  if ahead.err then return nil, error_of(ahead, 'list', list) end
  local front, following, passed, step = { unpack(ahead) }, {}, 0, 8
  for n = 1, #messages do
    local place = place_of(messages[n])
    while true do
      if passed == #following and step > 0 then
        following, passed = redis.pcall('LRANGE', list, #ahead, #ahead + step - 1), 0
        if following.err then return nil, error_of(following, 'list', list) end
        step = #following == step and math.min(2 * step, 64) or 0
      end
      local older = following[passed + 1]
      if not older or is_behind(place_of(older), place) then break end
      passed = passed + 1
      ahead[#ahead + 1], front[#front + 1] = older, older
    end
    front[#front + 1] = messages[n]
  end

  local failed
  if #ahead == 0 then
    failed = push_front(list, messages)
  else
    -- Whether both commands are allowed must be known before something is taken off.
    failed = redis.pcall('LTRIM', list, 0, -1)
    if not failed.err then failed = push_front(list, { messages[1] }) end
    if not failed then
      redis.call('LTRIM', list, #ahead + 1, -1)
      push_front(list, front)
    end
  end
  if failed then return nil, error_of(failed, 'list', list) end
  return function()
    redis.pcall('LTRIM', list, #front, -1)
    push_front(list, ahead)
  end
end

-- Puts messages that have died back into the list of their key, and the key into due unless a worker has a batch of it. Returns what undoes
-- it, and when the key is due then; or nil and an error, and nothing is written.
local function bring_back(root, key, messages, policy)
  local pcall, list, own = redis.pcall, messages_key(root, key), false
  for n = 1, #messages do own = own or own_options(messages[n]) ~= nil end
  local stored = pcall('HGET', claims_key(root), key)
  local failed = error_of(stored, 'hash', claims_key(root))
  if failed then return nil, failed end
  local claim, deadline = decode_claim(stored), nil
  local take_out, refused = insert_by_time(list, claim and claim.count or 0, messages)
  if not take_out then return nil, refused end
  local overridden = own and pcall('SADD', overrides_key(root), key)
  local function undo()
    take_out()
    if overridden == 1 then pcall('SREM', overrides_key(root), key) end
  end
  failed = error_of(overridden, 'set', overrides_key(root))
  -- A claim that has lost its lease holds nobody up: the key must be looked at.
  local held = claim and not failed and pcall('ZSCORE', active_key(root), key)
  failed = failed or error_of(held, 'zset', active_key(root))
  if not failed and not held then
    local known = own and 1 or pcall('SISMEMBER', overrides_key(root), key)
    failed = error_of(known, 'set', overrides_key(root))
    if not failed then
      local _, at, _, found = head_batch(list, policy, known == 1)
      deadline = at
      failed = error_of(found, 'list', list) or error_of(pcall('ZADD', due_key(root), deadline, key), 'zset', due_key(root))
    end
  end
  if failed then
    undo()
    return nil, failed
  end
  return undo, deadline
end

-- At which positions a dead batch has messages, ascending. Nil when the key has more fields than a batch, or is of another type.
local function dead_positions(name)
  local size = redis.pcall('HLEN', name)
  if type(size) ~= 'number' or size > 2000 then return nil end
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if string.find(field, '^[1-9]%d?%d?%d?$') then found[#found + 1] = tonumber(field) end
  end
  table.sort(found)
  return found
end

-- The messages of a dead batch, oldest first: those that are there, whatever its count says.
local function dead_messages(root, id)
  local name, messages = dead_key(root, id), {}
  for n, at in ipairs(dead_positions(name) or {}) do messages[n] = redis.call('HGET', name, at) end
  return messages
end

-- Messages in the lists of all open keys and in all dead batches, or nil when there are too many to be counted in one call, or when an
-- index is a key of another type.
local function count_messages(root)
  local due, active, dead = redis.pcall('ZCARD', due_key(root)), redis.pcall('ZCARD', active_key(root)), redis.pcall('ZCARD', dead_key(root))
  if type(due) ~= 'number' or type(active) ~= 'number' or type(dead) ~= 'number' or due + active + dead > 5000 then return nil end
  local held, buried, counted = 0, 0, {}
  for _, index in ipairs({ due_key(root), active_key(root) }) do
    for _, key in ipairs(redis.call('ZRANGE', index, 0, -1)) do
      local size = redis.pcall('LLEN', messages_key(root, key))
      -- Put into both by hand, a key must not count twice.
      if type(size) == 'number' and not counted[key] then held, counted[key] = held + size, true end
    end
  end
  for _, id in ipairs(redis.call('ZRANGE', dead_key(root), 0, -1)) do
    local count = redis.pcall('HGET', dead_key(root, id), 'count')
    buried = buried + (type(count) == 'string' and tonumber(count) or 0)
  end
  return held, buried
end
