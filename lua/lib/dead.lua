--- Dead batches: what is kept of a batch that was given up. A batch is in `dead`, by when it died, and `dead:<batch id>` has its messages.

-- Lua's stack bounds how many values a command can have.
local FIELDS_AT_ONCE = 500

-- Makes a hash one that finds a field without looking through all of them, for as long as many are written: Redis stores a small one as a list, unless
-- a value is long. 500 messages would cost eight times as much.
local function widen(name) redis.call('HSET', name, 'padding', string.rep(' ', 65)) end

local function end_widening(name) redis.call('HDEL', name, 'padding') end

-- Keeps a batch as a dead one. `fate`: { cause = 'failed' | 'lease' | 'unacknowledged', error }. `messages`: its messages, if they were read.
-- Returns how many bytes its messages have; nil, and nothing is written, when a key of another type stands there.
-- WHY the messages come before the index: what is in the index is complete, and only what is new there is counted.
local function keep_dead(queue, key, claim, fate, messages)
  local root = queue.root
  messages = messages or redis.call('LRANGE', messages_key(root, key), 0, claim.count - 1)
  local dead = dead_key(root, claim.id)
  local written = write_unless_foreign(
    'HSET', dead, 'key', key, 'attempt', claim.attempt, 'claim', claim.claim, 'deadline', claim.deadline, 'reason', claim.reason,
    'cause', fate.cause, 'error', fate.error, 'count', #messages
  )
  if not written then return nil end
  local is_long = #messages > 100
  if is_long then widen(dead) end
  for from = 1, #messages, FIELDS_AT_ONCE do
    local fields = {}
    for n = from, math.min(from + FIELDS_AT_ONCE - 1, #messages) do
      fields[#fields + 1], fields[#fields + 2] = count_text(n), messages[n]
    end
    redis.call('HSET', dead, unpack(fields))
  end
  if is_long then end_widening(dead) end
  if redis.call('ZADD', dead_key(root), queue.now, claim.id) == 1 then
    count_up(root, 'dead', 1)
    count_up(root, 'deadMessages', #messages)
  end
  return bytes_of(messages)
end

-- At which positions a dead batch has messages, ascending. Nil when the key has more fields than a batch, or is of another type.
local function dead_positions(name)
  local size = read_unless_foreign('HLEN', name)
  if not size or size > 2000 then return nil end
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if string.find(field, '^[1-9]%d?%d?%d?$') then found[#found + 1] = tonumber(field) end
  end
  table.sort(found)
  return found
end

-- The messages of a dead batch, oldest first: those that are there, whatever its count says.
local function dead_messages(root, id)
  local name = dead_key(root, id)
  -- Whoever calls this has read of it in the same call: it is a hash.
  local size = redis.call('HLEN', name)
  if size > 2000 then return {} end
  local stored, at, messages = redis.call('HGETALL', name), {}, {}
  for n = 1, #stored, 2 do at[stored[n]] = stored[n + 1] end
  while at[count_text(#messages + 1)] do messages[#messages + 1] = at[count_text(#messages + 1)] end
  -- Beside the messages it has eight fields: some that are behind a gap.
  if #messages + 8 < size then
    for n, position in ipairs(dead_positions(name)) do messages[n] = at[count_text(position)] end
  end
  return messages
end

-- The same, each with its place among the dead, so that it finds back to where it was; and whether one has options.
local function placed_messages(root, id)
  local messages, number, with_options = dead_messages(root, id), string.match(id, '^%d+%-(%d+)'), false
  for n = 1, #messages do
    local message = messages[n]
    with_options = with_options or options_of(message) ~= nil
    messages[n] = with_place(message, number, n)
  end
  return messages, with_options
end

-- The ids of dead batches from args[first] to args[last]; or nil and a refusal.
local function read_batch_ids(args, first, last)
  local given = last - first + 1
  if given < 1 then return nil, fail('MISSING_ARGUMENT', 'expected the id of a dead batch') end
  if given > LIMITS.ids then return nil, fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.ids .. ' ids, got ' .. given) end
  return { unpack(args, first, last) }
end

-- Deletes a dead batch for good. Returns how many messages it had, or nil when it was not there. `why`: for the event of it, if it is to be told.
-- WHY its id comes back when the batch cannot go: nobody would find it.
local function drop_dead(queue, id, why)
  local root = queue.root
  local index, name, count = dead_key(root), dead_key(root, id), 0
  local died = redis.call('ZSCORE', index, id)
  if not died then return nil end
  local is_ours = redis.call('TYPE', name).ok == 'hash'
  local key = is_ours and why and queue.events > 0 and redis.call('HGET', name, 'key')
  if is_ours then count = integer(redis.call('HGET', name, 'count'), 0, POLICY.MAXSIZE.most) or 0 end
  redis.call('ZREM', index, id)
  if is_ours and type(redis.pcall('UNLINK', name)) == 'table' then
    redis.call('ZADD', index, died, id)
    redis.call('UNLINK', name)
  end
  if count > 0 then
    count_up(root, 'deadMessages', -count)
    count_up(root, 'droppedMessages', count)
  end
  if key then note_event(queue, 'dropped', key, 'batch', id, 'count', count_text(count), 'why', why) end
  return count
end

-- Drops dead batches that are older than the policy allows, the oldest first: a few of them, since the call does something else.
local function drop_old_dead(queue)
  local latest, root = digits(queue.now - queue.maxDeadAge), queue.root
  local ids = redis.call('ZRANGEBYSCORE', dead_key(root), '-inf', latest, 'LIMIT', '0', count_text(LIMITS.oldDead))
  for n = 1, #ids do drop_dead(queue, ids[n], 'age') end
end
