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

local function mend_part(queue, part)
  local root, now = queue.root, queue.now
  local what, of = named_part(part)
  local name, done = part_key(root, part), {}
  if (what ~= 'other' or KEPT[part]) and redis.call('PERSIST', name) == 1 then done[#done + 1] = 'kept for ever' end
  if string.find(part, '^seen:') and redis.call('TYPE', name).ok == 'set' and redis.call('PTTL', name) == -1 then
    redis.call('PEXPIREAT', name, string.format('%.0f', now + 2 * queue.dedupe))
    done[#done + 1] = 'expires'
  end
  if what == 'messages' then mend(queue, of, done) end
  if what == 'dead' then mend_dead(root, of, now, done) end
  return table.concat(done, ', ')
end

local function repair(keys, args)
  local root = keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if #args > 100 then return fail('BAD_ARGUMENT', 'expected at most 100 parts, got ' .. #args) end
  local reply, foreign = {}, has_foreign_index(root)
  queue.now = now_ms()

  -- first write
  for n = 1, #args do reply[n] = foreign and '' or mend_part(queue, args[n]) end
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
