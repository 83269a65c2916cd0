--- Tell what stands in Redis for some parts of a queue, each at one moment, or for the queue itself.
--
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders} messages:79001234567
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders} dead:1790000000000-17 seen:1790000000000 due
--
-- KEYS
--   root        root key of the queue
-- ARGV
--   part...     names of keys without the root and its colon, at most 100; 'messages:<key>' stands for all that is kept about the
--               conversation, 'dead:<batch id>' for all about the dead batch. Without one, the queue itself
-- RETURNS
--   facts       for each part an array, '' for what is absent; fewer arrays than parts when there was much to read: ask for the others
--               again. All begin with what it is ('messages', 'dead' or 'other'), the part, its type, and ms until it expires (-1: never).
--               messages: the time, how many, time of the first and of the last, how many of the first 1000 cannot be read, how many of them
--               carry options, the latest score in due that could be right, score in due, score in active, claim, 1 when in overrides, the
--               longest wait that the policy or one of the messages allows, how many of the messages lie in the future.
--               dead: when it died, its key, its count, messages that are there without a gap, messages that are there in all.
--               Without parts names and values: the time; ms until the root expires; the message counters; and, when not too many
--               keys are open to be counted at one moment, the messages held and buried
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   WRONG_TYPE    the root is a key of another type
--   BAD_ARGUMENT  more than 100 parts
--
-- WHY facts and not verdicts: what must hold is written once, in src/check/invariants.ts; here is only what can be seen at one moment.
-- WHY the first 1000 messages: a batch has no more. The cost of a call is bounded by messages and bytes, however long the lists are.
local LOOKS, BYTES = 5000, 4194304

local function text_of(value) return value and tostring(value) or '' end

-- What a command replies, or nil where a key is of another type: that is told of the key itself.
local function found(...)
  local value = redis.pcall(...)
  return type(value) ~= 'table' and value or nil
end

-- What the first messages of a list are: how many cannot be read, how many have options, when the latest of them would have been due, the
-- longest wait that one of them allows, and how many lie in the future.
local function look_at(list, size, longest, now, spent)
  local unreadable, own, latest, wait, ahead, at = 0, 0, 0, longest, 0, 0
  while at < size and at < 1000 and spent.bytes < BYTES do
    local messages = redis.call('LRANGE', list, at, at + 19)
    for n = 1, #messages do
      local options = options_of(messages[n])
      if options then own = own + 1 end
      if not is_readable(messages[n]) then unreadable = unreadable + 1 end
      local received, waits = received_at(messages[n]), options and option_of(options, 'W', POLICY.WAIT.most) or longest
      latest, wait = math.max(latest, received + waits), math.max(wait, waits)
      if is_from_future(messages[n], now) then ahead = ahead + 1 end
      spent.bytes = spent.bytes + #messages[n]
    end
    at = at + #messages
  end
  spent.looks = spent.looks + at
  -- An option that was not read may allow more.
  if at < size and at < 1000 then latest, wait = nil, nil end
  return unreadable, own, latest, wait, ahead
end

local function key_facts(root, key, now, longest, spent)
  local call, list = redis.call, messages_key(root, key)
  local about = { now, 0, '', '', 0, 0, '' }
  if call('TYPE', list).ok == 'list' then
    local size = call('LLEN', list)
    local last = received_at(call('LINDEX', list, -1))
    local unreadable, own, latest, wait, ahead = look_at(list, size, longest, now, spent)
    about = { now, size, received_at(call('LINDEX', list, 0)), last, unreadable, own, latest and math.max(latest, last + longest) or '' }
    about[12], about[13] = wait or '', ahead
  end
  about[8] = text_of(found('ZSCORE', due_key(root), key))
  about[9] = text_of(found('ZSCORE', active_key(root), key))
  about[10] = text_of(found('HGET', claims_key(root), key))
  about[11] = found('SISMEMBER', overrides_key(root), key) or 0
  about[12], about[13] = about[12] or '', about[13] or 0
  return about
end

local function dead_facts(root, id)
  local name = dead_key(root, id)
  local positions, gapless = dead_positions(name) or {}, 0
  while positions[gapless + 1] == gapless + 1 do gapless = gapless + 1 end
  return {
    text_of(found('ZSCORE', dead_key(root), id)), text_of(found('HGET', name, 'key')), text_of(found('HGET', name, 'count')), gapless, #positions,
  }
end

local function check(keys, args)
  local call, root = redis.call, keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if #args > 100 then return fail('BAD_ARGUMENT', 'expected at most 100 parts, got ' .. #args) end
  -- A shortened wait holds only from the next look on.
  local longest = longest_wait(queue)
  local now, reply, spent = now_ms(), {}, { looks = 0, bytes = 0 }
  for n = 1, #args do
    if spent.looks >= LOOKS or spent.bytes >= BYTES then break end
    local part = args[n]
    local what, of = named_part(part)
    local about = what == 'messages' and key_facts(root, of, now, longest, spent) or what == 'dead' and dead_facts(root, of) or {}
    local name = part_key(root, part)
    reply[n] = { what, part, call('TYPE', name).ok, call('PTTL', name), unpack(about) }
  end
  if #args > 0 then return reply end
  reply = { 'now', now, 'expires', call('PTTL', root) }
  local counters = { 'added', 'completedMessages', 'deadMessages', 'droppedMessages' }
  for n, value in ipairs(call('HMGET', root, unpack(counters))) do
    reply[#reply + 1], reply[#reply + 2] = counters[n], tonumber(value) or 0
  end
  local held, buried = count_messages(root)
  if held then
    for _, value in ipairs({ 'held', held, 'buried', buried }) do reply[#reply + 1] = value end
  end
  return reply
end

register('check', check, { 'no-writes' }, 'Tell what stands in Redis for some parts of a queue, each at one moment, or for the queue itself.')
