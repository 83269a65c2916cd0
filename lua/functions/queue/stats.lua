--- Count what the queue holds and what it has done.
--
--   FCALL_RO rapidfire_stats 1 rapid-fire:{orders}
--
-- KEYS
--   root   root key of the queue
-- ARGV
-- RETURNS
--   field  for each figure: its name (lua/README.md explains them)
--   value  for each figure: an integer
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  there are no arguments
--
-- WHY `queued` looks at 100 active keys at most: the cost must not depend on the size of the queue, and an add does not ask whether its key is
-- active. With more of them it is an estimate: of 100 neighbours, other ones each ms, what they have is taken for all.
local function count_queued(root, now)
  local active, looks = redis.call('ZCARD', active_key(root)), LIMITS.sampled
  local first = now % (math.max(active - looks, 0) + 1)
  local keys, held, claimed = redis.call('ZRANGE', active_key(root), first, first + looks - 1), 0, 0
  for n = 1, #keys do
    -- A key of another type must not hide the figures of all others.
    held = held + (read_unless_foreign('LLEN', messages_key(root, keys[n])) or 0)
  end
  local records = #keys > 0 and redis.call('HMGET', claims_key(root), unpack(keys)) or {}
  for n = 1, #records do claimed = claimed + (decode_claim(records[n]) or { count = 0 }).count end
  return active, math.floor(math.max(held - claimed, 0) * active / math.max(#keys, 1) + 0.5)
end

local function stats(keys, args)
  local call, root = redis.call, keys[1]
  local _, refusal = read_queue(keys)
  if refusal then return refusal end
  local _, bad = read_options(args, 1, {})
  if bad then return bad end
  local names, counted = counter_names(), {}
  local counters = call('HMGET', root, 'dead', 'deadMessages', 'droppedMessages', unpack(names))
  for n = 1, #names do counted[names[n]] = tonumber(counters[n + 3]) or 0 end
  local now = now_ms()
  local active, queued = count_queued(root, now)
  local due, ready = call('ZCARD', due_key(root)), call('ZCOUNT', due_key(root), '-inf', now)
  local reply = {
    'now', now, 'collecting', due - ready, 'ready', ready, 'active', active,
    'queued', queued, 'dead', call('ZCARD', dead_key(root)),
    'messages', counted.added - counted.completedMessages - (tonumber(counters[2]) or 0) - (tonumber(counters[3]) or 0),
    'died', tonumber(counters[1]) or 0,
  }
  for n = 1, #names do reply[#reply + 1], reply[#reply + 2] = names[n], counted[names[n]] end
  return reply
end

register('stats', stats, { 'no-writes' }, 'Count what the queue holds and what it has done.')
