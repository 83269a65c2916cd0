--- Tell what stands in Redis for some keys of a queue, each at one moment, or for the queue itself.
--
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders} 79001234567
--
-- KEYS
--   root        root key of the queue
-- ARGV
--   key...      conversations, at most 100; without one, the queue itself
-- RETURNS
--   facts       for each key an array: key, type of its list, messages, first and last message without their data, how many cannot be
--               read, how many carry options, score in due, score in active, claim, 1 when it is in overrides; '' for what is absent.
--               Without keys names and values: the time; size and type of due, active, claims, overrides and dead; the message
--               counters; and, when not too many keys are open to be counted at one moment, the messages held and buried
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   WRONG_TYPE    the root is a key of another type
--   BAD_ARGUMENT  more than 100 keys
--
-- WHY facts and not verdicts: what must hold is written once, in src/invariants.ts; here is only what can be seen at one moment.
local function text_of(value) return value and tostring(value) or '' end

local function facts(root, key)
  local call, list = redis.call, messages_key(root, key)
  local kind = call('TYPE', list).ok
  local about = { key, kind, 0, '', '', 0, 0 }
  if kind == 'list' then
    local size = call('LLEN', list)
    about[3] = size
    for at = 0, size - 1, 100 do
      for n, message in ipairs(call('LRANGE', list, at, at + 99)) do
        local head = string.match(message, '^%d+ %d+[^ ]* ')
        if not head then about[6] = about[6] + 1 end
        if head and own_options(message) then about[7] = about[7] + 1 end
        if at + n == 1 then about[4] = head or '' end
        if at + n == size then about[5] = head or '' end
      end
    end
  end
  -- An index of another type is told of the queue, not of each key.
  local function of(...)
    local value = redis.pcall(...)
    return type(value) ~= 'table' and value or nil
  end
  about[8] = text_of(of('ZSCORE', due_key(root), key))
  about[9] = text_of(of('ZSCORE', active_key(root), key))
  about[10] = text_of(of('HGET', claims_key(root), key))
  about[11] = of('SISMEMBER', overrides_key(root), key) or 0
  return about
end

local function check(keys, args)
  local call, root = redis.call, keys[1]
  local policy, refusal = read_policy(keys)
  if refusal then return refusal end
  if #args > 100 then return fail('BAD_ARGUMENT', 'expected at most 100 keys, got ' .. #args) end
  local reply = {}
  for n = 1, #args do reply[n] = facts(root, args[n]) end
  if #args > 0 then return reply end
  reply = { 'now', now_ms() }
  local sizes = { due = 'ZCARD', active = 'ZCARD', claims = 'HLEN', overrides = 'SCARD', dead = 'ZCARD' }
  local names = { due = due_key(root), active = active_key(root), claims = claims_key(root), overrides = overrides_key(root), dead = dead_key(root) }
  for _, part in ipairs({ 'due', 'active', 'claims', 'overrides', 'dead' }) do
    local size = redis.pcall(sizes[part], names[part])
    reply[#reply + 1], reply[#reply + 2] = part, type(size) == 'table' and 0 or size
    reply[#reply + 1], reply[#reply + 2] = part .. ':type', call('TYPE', names[part]).ok
  end
  local counters = { 'added', 'completedMessages', 'deadMessages', 'droppedMessages' }
  for n, value in ipairs(call('HMGET', root, unpack(counters))) do
    reply[#reply + 1], reply[#reply + 2] = counters[n], tonumber(value) or 0
  end
  -- A shortened wait holds only from the next look on.
  local longest = math.max(policy.wait, tonumber(call('HGET', root, 'longestWait')) or 0)
  reply[#reply + 1], reply[#reply + 2] = 'longestWait', longest
  local held, buried = count_messages(root)
  if held then
    for _, value in ipairs({ 'held', held, 'buried', buried }) do reply[#reply + 1] = value end
  end
  return reply
end

register('check', check, { 'no-writes' }, 'Tell what stands in Redis for some keys of a queue, each at one moment, or for the queue itself.')
