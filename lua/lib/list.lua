--- The list of a key: all of its messages, oldest first, those of a claimed batch in front. Every write to a list is made here, and only
--- lib/conversation.lua says when.

-- A write that a key of another type must not break off: whoever put that there, the queue goes on. What is refused for another reason, as for
-- want of a right, is told.
local function write_unless_foreign(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err and not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call(...) end
end

-- Of a list that seems to be empty, `reply` being what LRANGE said: for another reason than its type it may not have been read, and then
-- nothing may be concluded from it.
local function must_be_empty(list, reply)
  if reply.err and not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call('LRANGE', list, 0, 0) end
end

-- Returns how many elements the list has then; or nil and a refusal.
local function push_back(list, element)
  local size = redis.pcall('RPUSH', list, element)
  if type(size) == 'table' then return nil, wrong_type(size, 'list', list) end
  return size
end

-- Takes the last element off again. False when that is not allowed.
local function pop_back(list) return type(redis.pcall('RPOP', list)) ~= 'table' end

-- Takes the first elements off.
local function cut_front(list, count) write_unless_foreign('LTRIM', list, count_text(count), '-1') end

-- Puts elements in front of a list, the first of them first. Returns an error.
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

-- Of the first `count` elements copies those at the positions in `kept`, which ascend, over the last of them. What is to go can be cut off the
-- front then, and whatever stops a call in between, each that is kept is in the list all the time. Returns how many bytes the first `count` have.
local function copy_back(list, count, kept)
  local elements, done = redis.call('LRANGE', list, 0, count - 1), count - #kept
  for n = #kept, 1, -1 do
    if kept[n] ~= done + n then redis.call('LSET', list, done + n - 1, elements[kept[n]]) end
  end
  return bytes_of(elements)
end

-- Whether one of the messages has options. A batch has no more than the first 1000.
local function carries_options(list, size)
  for at = 0, math.min(size, POLICY.MAXSIZE.most) - 1, 20 do
    for _, message in ipairs(redis.call('LRANGE', list, at, at + 19)) do
      if options_of(message) then return true end
    end
  end
  return false
end

-- Where messages, which are in order, belong in a list: behind what is older, and behind the first `claimed`, which are a batch in work.
-- Returns `older`, the elements that stay in front of the first of them and between them, and `front`, those elements and the messages; or nil
-- and an error.
local function find_places(list, claimed, messages)
  local older = claimed > 0 and redis.pcall('LRANGE', list, 0, claimed - 1) or {}
  if older.err then return nil, older end
  local front, following, passed, step = { unpack(older) }, {}, 0, 8
  for n = 1, #messages do
    local order = order_of(messages[n])
    while true do
      if passed == #following and step > 0 then
        following, passed = redis.pcall('LRANGE', list, #older, #older + step - 1), 0
        if following.err then return nil, following end
        step = #following == step and math.min(2 * step, 64) or 0
      end
      local next_one = following[passed + 1]
      if not next_one or is_behind(order_of(next_one), order) then break end
      passed = passed + 1
      older[#older + 1], front[#front + 1] = next_one, next_one
    end
    front[#front + 1] = messages[n]
  end
  return older, front
end

-- Puts messages, which are in order, into a list, each where its time belongs. Returns what takes them out again; or nil and a refusal, and the
-- list is as it was.
-- WHY what is older is taken off and put back in front: Redis cannot insert behind a position. The cost is that of what is older, which is
-- little, since most messages that died are older than what waits. LINSERT would look for the text of a message, which may stand there twice.
local function insert_by_time(list, claimed, messages)
  local older, front = find_places(list, claimed, messages)
  if not older then return nil, wrong_type(front, 'list', list) end
  local failed
  if #older == 0 then
    failed = push_front(list, messages)
  else
    -- Whether both commands are allowed must be known before something is taken off.
    failed = redis.pcall('LTRIM', list, 0, -1)
    if not failed.err then failed = push_front(list, { messages[1] }) end
    if not failed then
      redis.call('LTRIM', list, #older + 1, -1)
      push_front(list, front)
    end
  end
  if failed then return nil, wrong_type(failed, 'list', list) end
  return function()
    redis.pcall('LTRIM', list, #front, -1)
    push_front(list, older)
  end
end
