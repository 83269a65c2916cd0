--- Batches: how messages are written, when the batch at the head of a list is ready, and how one is taken off.

-- '<receivedAt> <id length>[,W<wait>][,X<maxWait>][,S<maxSize>][,F] <id><data>'. 13 digits first, so that one `sub` reads the time.
-- The options travel with their message: nothing has to be kept in step when messages are taken, given back or buried.
-- Here all that stands before id and data.
local function message_header(now, id_length, own)
  local header = string.format('%013.0f %d', now, id_length)
  if own then
    if own.wait then header = header .. string.format(',W%.0f', own.wait) end
    if own.maxWait then header = header .. string.format(',X%.0f', own.maxWait) end
    if own.maxSize then header = header .. string.format(',S%.0f', own.maxSize) end
    if own.flush then header = header .. ',F' end
  end
  return header .. ' '
end

-- The options that a message carries, as encode_message wrote them, or nil.
local function own_options(message) return string.match(message, '^%d+ %d+(,[^ ]*)') end

-- A message that cannot be read was written by somebody else: it counts as old, so that it is handed over and fails by itself.
local function received_at(message) return tonumber(string.sub(message, 1, 13)) or 0 end

-- The batch at the head of a list: how many messages it has, its deadline, what closes it, and the messages read
-- (which may be more). Nil when the list is empty. `overridden`: a message of the key may carry options of its own.
local function head_batch(list, policy, overridden)
  local messages = redis.pcall('LRANGE', list, '0', policy.last)
  local count = #messages
  -- A key of another type counts as empty (an error has no elements): one foreign key must not stop the queue.
  if count == 0 then return nil end
  local wait, maxWait, closer, closed_by = policy.wait, policy.maxWait, nil, 'size'
  if not overridden then
    if count == policy.maxSize then closer = count end
  else
    count = 0
    while messages[count + 1] do
      local n = count + 1
      local own = own_options(messages[n]) or ''
      local size = tonumber(string.match(own, ',S(%d+)')) or policy.maxSize
      if n > size then
        -- This message found more in the batch than it allows: it opens the next one.
        closer = n
        break
      end
      count = n
      wait = tonumber(string.match(own, ',W(%d+)')) or policy.wait
      maxWait = tonumber(string.match(own, ',X(%d+)')) or policy.maxWait
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
  return count, deadline, reason, messages
end

-- Whether any key of the queue has messages with options of their own: asked once a call, since most queues have none.
local function has_overrides(root) return redis.call('SCARD', overrides_key(root)) > 0 end

local function is_overridden(root, key) return redis.call('SISMEMBER', overrides_key(root), key) == 1 end

-- The time, id and data of a message. What was not written by add has neither time nor id: all of it is data.
local function parts_of(message)
  local blank, length, start = string.match(message, '^%d+() (%d+)[^ ]* ()')
  if blank ~= 14 or start + length > #message + 1 then return '0', '', message end
  local at = string.sub(message, 1, 13)
  if length == '0' then return at, '', string.sub(message, start) end
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
