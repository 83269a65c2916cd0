--- Put some parts of a queue in order, each at one moment, or the queue itself.
--
--   FCALL rapidfire_repair 1 rapid-fire:{orders}
--   FCALL rapidfire_repair 1 rapid-fire:{orders} messages:79001234567
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   part...  names of keys without the root and its colon, as in check, at most 100; without one, the root: its counters
-- RETURNS
--   done     for each part, or for the root: what was mended, in words, or '' when nothing was
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   WRONG_TYPE    the root is a key of another type
--   BAD_ARGUMENT  more than 100 parts
--
-- WHY it never deletes a message: the list of a key is the truth, and everything else is made to follow it. What is in order
-- is left as it is, but for a score that the policy has made late since; so calling it again, or on a live queue, does no harm.
local function has_foreign_index(root)
  local types = {
    [due_key(root)] = 'zset', [active_key(root)] = 'zset', [claims_key(root)] = 'hash', [overrides_key(root)] = 'set',
    [dead_key(root)] = 'zset',
  }
  for name, expected in pairs(types) do
    local kind = redis.call('TYPE', name).ok
    if kind ~= 'none' and kind ~= expected then return true end
  end
  return false
end

local function mend_key(root, key, policy, now, done)
  local call, list = redis.call, messages_key(root, key)
  local kind = call('TYPE', list).ok
  -- Only its owner can say what a foreign key is for.
  if kind ~= 'none' and kind ~= 'list' then return end
  local size = kind == 'list' and call('LLEN', list) or 0
  local stored = call('HGET', claims_key(root), key)
  local claim = decode_claim(stored)
  if claim and (size == 0 or claim.count < 1) then claim = nil end

  -- A batch has no more than the first 1000.
  local own, at = false, 0
  while at < math.min(size, 1000) and not own do
    for _, message in ipairs(call('LRANGE', list, at, at + 19)) do own = own or options_of(message) ~= nil end
    at = at + 20
  end
  if own and call('SADD', overrides_key(root), key) == 1 then done[#done + 1] = 'added to overrides' end
  if size == 0 and call('SREM', overrides_key(root), key) == 1 then done[#done + 1] = 'removed from overrides' end

  if claim then
    if claim.count > size then
      claim.count = size
      call('HSET', claims_key(root), key, encode_claim(claim))
      done[#done + 1] = 'claim cut to the messages that are there'
    end
    if call('ZREM', due_key(root), key) == 1 then done[#done + 1] = 'removed from due' end
    -- A lease that ends now: the batch is handed out again.
    if call('ZADD', active_key(root), 'NX', now, key) == 1 then done[#done + 1] = 'added to active' end
    local score = tonumber(call('ZSCORE', active_key(root), key))
    local right = lowered_active(stored, score, now)
    if right < score then
      call('ZADD', active_key(root), right, key)
      done[#done + 1] = 'lowered to the lease that was granted'
    end
  else
    if stored then
      call('HDEL', claims_key(root), key)
      done[#done + 1] = 'claim removed'
    end
    if call('ZREM', active_key(root), key) == 1 then done[#done + 1] = 'removed from active' end
    local head = head_of(list, policy, own)
    local deadline = head and due_at(head, now)
    if not deadline then
      if call('ZREM', due_key(root), key) == 1 then done[#done + 1] = 'removed from due' end
    else
      local score = tonumber(call('ZSCORE', due_key(root), key))
      if not score or score > deadline then
        call('ZADD', due_key(root), deadline, key)
        wake(root, policy, deadline, now)
        done[#done + 1] = score and 'moved to its deadline' or 'added to due'
      end
    end
  end
end

local function mend_dead(root, id, now, done)
  local call, name = redis.call, dead_key(root, id)
  local kind = call('TYPE', name).ok
  if kind == 'none' then
    if call('ZREM', dead_key(root), id) == 1 then done[#done + 1] = 'removed from dead' end
  elseif kind == 'hash' then
    local positions = dead_positions(name) or {}
    for n = 1, #positions do
      if positions[n] ~= n then
        call('HSET', name, n, call('HGET', name, positions[n]))
        call('HDEL', name, positions[n])
      end
    end
    if #positions > 0 and tonumber(call('HGET', name, 'count')) ~= #positions then
      call('HSET', name, 'count', #positions)
      done[#done + 1] = 'count set to the messages that are there'
    end
    if call('ZADD', dead_key(root), 'NX', now, id) == 1 then done[#done + 1] = 'added to dead' end
  end
end

local KEPT = { due = true, active = true, claims = true, overrides = true, dead = true }

local function mend(root, part, policy, now)
  local what, of = named_part(part)
  local name, done = part_key(root, part), {}
  if (what ~= 'other' or KEPT[part]) and redis.call('PERSIST', name) == 1 then done[#done + 1] = 'kept for ever' end
  if string.find(part, '^seen:') and redis.call('TYPE', name).ok == 'set' and redis.call('PTTL', name) == -1 then
    redis.call('PEXPIREAT', name, string.format('%.0f', now + 2 * policy.dedupe))
    done[#done + 1] = 'expires'
  end
  if what == 'messages' then mend_key(root, of, policy, now, done) end
  if what == 'dead' then mend_dead(root, of, now, done) end
  return table.concat(done, ', ')
end

local function repair(keys, args)
  local root = keys[1]
  local policy, refusal = read_queue(keys)
  if refusal then return refusal end
  if #args > 100 then return fail('BAD_ARGUMENT', 'expected at most 100 parts, got ' .. #args) end
  local reply, now, foreign = {}, now_ms(), has_foreign_index(root)

  -- first write
  for n = 1, #args do reply[n] = foreign and '' or mend(root, args[n], policy, now) end
  if #args > 0 then return reply end
  local done = { redis.call('PERSIST', root) == 1 and 'kept for ever' or nil }
  local held, buried = count_messages(root)
  if not held then return { table.concat(done, ', ') } end
  local counters = redis.call('HMGET', root, 'added', 'completedMessages', 'deadMessages', 'droppedMessages')
  local added = held + buried + (tonumber(counters[2]) or 0) + (tonumber(counters[4]) or 0)
  if added ~= (tonumber(counters[1]) or 0) then
    redis.call('HSET', root, 'added', added)
    done[#done + 1] = 'added set to ' .. string.format('%.0f', added)
  end
  if buried ~= (tonumber(counters[3]) or 0) then
    redis.call('HSET', root, 'deadMessages', buried)
    done[#done + 1] = 'deadMessages set to ' .. buried
  end
  return { table.concat(done, ', ') }
end

register('repair', repair, { 'allow-oom' }, 'Put some parts of a queue in order, each at one moment, or the queue itself.')
