--- The list of a key: all of its messages, oldest first, those of a claimed batch in front. Every write to a list is made here, and only
--- lib/conversation.lua and lib/change.lua say when.

-- A write that a key of another type must not break off: whoever put that there, the queue goes on. What is refused for another reason, as for
-- want of a right, is told. Returns whether it was written.
local function write_unless_foreign(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return true end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call(...) end
  return false
end

-- Of a list that seems to be empty, `reply` being what was said: for another reason than its type it may not have been read, and then nothing may be
-- concluded from it. So what was refused is refused once more, and ends the call.
local function must_be_empty(list, reply)
  if not reply.err or string.find(reply.err, 'WRONGTYPE', 1, true) then return end
  redis.call('LLEN', list)
  redis.call('LRANGE', list, 0, 0)
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

-- Takes all of it away.
local function delete_list(list) redis.call('UNLINK', list) end

-- Lua's stack bounds how many values a command can have.
local PUSHED = 500

-- Puts elements in front of a list, the first of them first. Returns an error.
local function push_front(list, elements)
  for last = #elements, 1, -PUSHED do
    local some = {}
    for at = last, math.max(last - PUSHED + 1, 1), -1 do some[#some + 1] = elements[at] end
    local done = redis.pcall('LPUSH', list, unpack(some))
    if type(done) == 'table' then return done end
  end
end

-- Puts elements behind those of a list. Returns an error.
-- WHY RPUSHX: who may bring messages back need not be allowed to add some.
local function push_all_back(list, elements)
  for first = 1, #elements, PUSHED do
    local done = redis.pcall('RPUSHX', list, unpack(elements, first, math.min(first + PUSHED - 1, #elements)))
    if type(done) == 'table' then return done end
  end
end

-- Puts elements at an end of a list. Returns what takes so many off again there; or nil and an error, and the list is as it was.
-- WHY that is tried before they are there: what is not allowed to be taken back could not be refused any more.
local function put_at_end(list, at_front, elements)
  local failed = redis.pcall('LTRIM', list, 0, -1)
  if not failed.err then failed = (at_front and push_front or push_all_back)(list, elements) end
  if failed then return nil, failed end
  return function(count) redis.pcall('LTRIM', list, at_front and count or 0, at_front and -1 or -1 - count) end
end

-- Of the first `count` elements leaves those at the positions in `kept`, which ascend. Returns them, and how many bytes all had.
-- WHY both commands are tried first: that they are allowed must be known before something is taken off.
local function keep_front(list, count, kept)
  local elements, left = redis.call('LRANGE', list, 0, count - 1), {}
  for n = 1, #kept do left[n] = elements[kept[n]] end
  redis.call('LTRIM', list, 0, -1)
  redis.call('LPUSH', list, left[1])
  redis.call('LTRIM', list, count + 1, -1)
  push_front(list, left)
  return left, bytes_of(elements)
end

-- Whether one of the messages has options. A batch has no more than the first 500.
local function carries_options(list, size)
  for at = 0, math.min(size, POLICY.MAXSIZE.most) - 1, 20 do
    for _, message in ipairs(redis.call('LRANGE', list, at, at + 19)) do
      if options_of(message) then return true end
    end
  end
  return false
end

-- So many elements are looked at one after the other, and so many bytes of them, before a place is searched for by halves.
local SEARCHED = { elements = 64, bytes = 65536 }

-- How many elements of a list stand in front of the place of a message: those that are older, and the first `from` in any case. Or nil and an error.
local function place_of(list, from, size, message)
  local order, at, bytes = order_of(message), from, 0
  while at < size and at - from < SEARCHED.elements and bytes < SEARCHED.bytes do
    local some = redis.pcall('LRANGE', list, at, at + 3)
    if some.err then return nil, some end
    for n = 1, #some do
      if is_behind(order_of(some[n]), order) then return at end
      at, bytes = at + 1, bytes + #some[n]
    end
  end
  local last = size
  while at < last do
    local middle = math.floor((at + last) / 2)
    if is_behind(order_of(redis.call('LINDEX', list, middle)), order) then
      last = middle
    else
      at = middle + 1
    end
  end
  return at
end

-- Two rows of messages, each in order, as one; what is in the first goes before what is as old in the second.
local function merged(older, messages)
  local row, passed = {}, 0
  for n = 1, #messages do
    local order = order_of(messages[n])
    while older[passed + 1] and not is_behind(order_of(older[passed + 1]), order) do
      passed = passed + 1
      row[#row + 1] = older[passed]
    end
    row[#row + 1] = messages[n]
  end
  for n = passed + 1, #older do row[#row + 1] = older[n] end
  return row
end

-- Puts one message between two others, where `place` elements stand before it. False when it cannot be told by its text which one is behind it, or it
-- could not be taken out again: that is tried first, at a key that never exists.
local function insert_one(root, list, place, message)
  local next_one = redis.call('LINDEX', list, place)
  -- One that reads the same may stand further in front, in a claimed batch.
  if redis.pcall('LPOS', list, next_one) ~= place or redis.pcall('LREM', part_key(root, ''), -1, message) ~= 0 then return false end
  local done = redis.pcall('LINSERT', list, 'BEFORE', next_one, message)
  return type(done) ~= 'table' and function() redis.pcall('LREM', list, -1, message) end
end

-- Puts `row` into the place of the elements from number `first` + 1 to number `last`, as `between` has them. Returns what takes it out again; or nil
-- and an error, and the list is as it was.
-- WHY what stands in front or behind is taken off and put back: Redis cannot replace a part of a list. The shorter side is.
local function replace(list, size, first, last, between, row)
  local at_front = first <= size - last
  local side = at_front and redis.call('LRANGE', list, 0, first - 1) or redis.call('LRANGE', list, last, -1)
  if first == 0 then side = {} end
  local push = at_front and push_front or push_all_back
  local function joined(part)
    local all = {}
    for _, some in ipairs(at_front and { side, part } or { part, side }) do
      for n = 1, #some do all[#all + 1] = some[n] end
    end
    return all
  end
  local whole = joined(row)
  -- One of them alone at first: that both commands are allowed must be known before something is taken off.
  local cut, failed = put_at_end(list, at_front, { row[1] })
  if not cut then return nil, failed end
  cut((at_front and last or size - first) + 1)
  push(list, whole)
  return function()
    cut(#whole)
    push(list, joined(between))
  end
end

-- Puts messages, which are in order, into a list, each where its time belongs: behind what is older, and behind the first `claimed`, which are a batch
-- in work. Returns what takes them out again; or nil and a refusal, and the list is as it was. Whoever calls this has asked for the length of the list
-- before.
local function insert_by_time(root, list, claimed, messages)
  local size = redis.call('LLEN', list)
  local first, failed = place_of(list, math.min(claimed, size), size, messages[1])
  local last = first
  if first and #messages > 1 then last, failed = place_of(list, first, size, messages[#messages]) end
  if not last then return nil, wrong_type(failed, 'list', list) end
  local count = #messages
  if last == 0 or first == size then
    local cut
    cut, failed = put_at_end(list, last == 0, messages)
    if not cut then return nil, wrong_type(failed, 'list', list) end
    return function() cut(count) end
  end
  local undo = count == 1 and insert_one(root, list, first, messages[1])
  if undo then return undo end
  local between = redis.call('LRANGE', list, first, last - 1)
  undo, failed = replace(list, size, first, last, between, merged(between, messages))
  if not undo then return nil, wrong_type(failed, 'list', list) end
  return undo
end

-- Looks for the newest message with an id, from the end of a list of `size` messages on, and not among the first `from`. Returns how many stand in front
-- of it, and the message; or nil, and a refusal when it may not be looked for. It is looked for no further than LIMITS.sought and LIMITS.soughtBytes say.
local function find_newest(queue, list, from, size, id)
  local upto, least = size, math.max(from, size - LIMITS.sought)
  local step = math.max(1, math.min(10, math.floor(LIMITS.soughtBytes / queue.largest)))
  queue.sought = queue.sought or 0
  while upto > least and queue.sought < LIMITS.soughtBytes do
    local first = math.max(least, upto - step)
    local some = redis.pcall('LRANGE', list, count_text(first), count_text(upto - 1))
    if some.err then return nil, wrong_type(some, 'list', list) end
    for n = #some, 1, -1 do
      local _, its = parts_of(some[n], true)
      if its == id then return first + n - 1, some[n] end
      queue.sought = queue.sought + #some[n]
    end
    upto = first
  end
end

-- Puts `element` into the place of an `old` one, which has `before` others in front of it and none like it behind it; or, without one, takes that away.
-- Returns a refusal.
local function put_for(list, before, old, element)
  local done = element and redis.pcall('LSET', list, count_text(before), element) or redis.pcall('LREM', list, '-1', old)
  return error_of(done, 'list', list)
end
