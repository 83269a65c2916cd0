--- Put some keys of a queue in order, each at one moment, or the counters of the queue.
--
--   FCALL rapidfire_repair 1 rapid-fire:{orders}
--   FCALL rapidfire_repair 1 rapid-fire:{orders} 79001234567
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   key...   conversations, at most 100; without one, the counters
-- RETURNS
--   done     for each key, or for the counters: what was mended, in words, or '' when nothing was
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   WRONG_TYPE    the root is a key of another type
--   BAD_ARGUMENT  more than 100 keys
--
-- WHY it never deletes a message: the list of a key is the truth, and everything else is made to follow it. A key that is in order
-- is left as it is, so calling it again, or on a live queue, does no harm.
local function has_foreign_index(root)
  local types = { [due_key(root)] = 'zset', [active_key(root)] = 'zset', [claims_key(root)] = 'hash', [overrides_key(root)] = 'set' }
  for name, expected in pairs(types) do
    local kind = redis.call('TYPE', name).ok
    if kind ~= 'none' and kind ~= expected then return true end
  end
  return false
end

local function mend(root, key, policy, now)
  local call, list, done = redis.call, messages_key(root, key), {}
  local kind = call('TYPE', list).ok
  -- Only its owner can say what a foreign key is for.
  if kind ~= 'none' and kind ~= 'list' then return '' end
  local size = kind == 'list' and call('LLEN', list) or 0
  local stored = call('HGET', claims_key(root), key)
  local claim = decode_claim(stored)
  if claim and (size == 0 or claim.count < 1) then claim = nil end

  local own = false
  for at = 0, size - 1, 100 do
    for _, message in ipairs(call('LRANGE', list, at, at + 99)) do own = own or own_options(message) ~= nil end
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
  else
    if stored then
      call('HDEL', claims_key(root), key)
      done[#done + 1] = 'claim removed'
    end
    if call('ZREM', active_key(root), key) == 1 then done[#done + 1] = 'removed from active' end
    local _, deadline = head_batch(list, policy, own)
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
  return table.concat(done, ', ')
end

local function repair(keys, args)
  local root = keys[1]
  local policy, refusal = read_policy(keys)
  if refusal then return refusal end
  if #args > 100 then return fail('BAD_ARGUMENT', 'expected at most 100 keys, got ' .. #args) end
  local reply, now, foreign = {}, now_ms(), has_foreign_index(root)

  -- first write
  for n = 1, #args do reply[n] = foreign and '' or mend(root, args[n], policy, now) end
  if #args > 0 then return reply end
  local held, buried = count_messages(root)
  if not held then return { '' } end
  local counters = redis.call('HMGET', root, 'added', 'completedMessages', 'deadMessages', 'droppedMessages')
  local added, done = held + buried + (tonumber(counters[2]) or 0) + (tonumber(counters[4]) or 0), {}
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

register('repair', repair, { 'allow-oom' }, 'Put some keys of a queue in order, each at one moment, or the counters of the queue.')
