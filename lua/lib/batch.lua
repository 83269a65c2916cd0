--- Batches.

-- Whether any key of the queue has messages with options of their own: asked once a call, since most queues have none.
local function has_overrides(root) return redis.call('SCARD', overrides_key(root)) > 0 end

local function is_overridden(root, key) return redis.call('SISMEMBER', overrides_key(root), key) == 1 end

-- An error that Redis replied, told as ours, or nil.
local function error_of(reply, expected, name) return type(reply) == 'table' and reply.err and wrong_type(reply, expected, name) or nil end

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
    local place = order_of(messages[n])
    while true do
      if passed == #following and step > 0 then
        following, passed = redis.pcall('LRANGE', list, #ahead, #ahead + step - 1), 0
        if following.err then return nil, error_of(following, 'list', list) end
        step = #following == step and math.min(2 * step, 64) or 0
      end
      local older = following[passed + 1]
      if not older or is_behind(order_of(older), place) then break end
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
  for n = 1, #messages do own = own or options_of(messages[n]) ~= nil end
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
      local head, empty = head_of(list, policy, known == 1)
      deadline = head and head.deadline
      failed = error_of(empty, 'list', list) or error_of(pcall('ZADD', due_key(root), deadline, key), 'zset', due_key(root))
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
