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
  if active == 0 then return 0, 0 end
  local first = now % (math.max(active - looks, 0) + 1)
  local keys, held, claimed = redis.call('ZRANGE', active_key(root), first, first + looks - 1), 0, 0
  for n = 1, #keys do
    -- A key of another type must not hide the figures of all others.
    held = held + (read_unless_foreign('LLEN', messages_key(root, keys[n])) or 0)
  end
  local records = redis.call('HMGET', claims_key(root), unpack(keys))
  for n = 1, #records do claimed = claimed + (decode_claim(records[n]) or { count = 0 }).count end
  return active, math.floor(math.max(held - claimed, 0) * active / #keys + 0.5)
end

local function stats(keys, args)
  local root, names = keys[1], counter_names()
  local queue, refusal = read_queue(keys, 'dead', 'deadMessages', 'droppedMessages', unpack(names))
  if refusal then return refusal end
  if args[1] then
    local _, bad = read_options(args, 1, {})
    return bad
  end
  local fields, now = queue.fields, now_ms()
  local active, queued = count_queued(root, now)
  local due = redis.call('ZCARD', due_key(root))
  local ready = due > 0 and redis.call('ZCOUNT', due_key(root), '-inf', digits(now)) or 0
  local reply, at, held = {
    'now', now, 'collecting', due - ready, 'ready', ready, 'active', active,
    'queued', queued, 'dead', redis.call('ZCARD', dead_key(root)), 'messages', 0, 'died', tonumber(fields[3]) or 0,
  }, 16, { added = 0, completedMessages = 0 }
  for n = 1, #names do
    local name, count = names[n], fields[n + 5]
    count = count and tonumber(count) or 0
    if held[name] then held[name] = count end
    reply[at + 1], reply[at + 2], at = name, count, at + 2
  end
  reply[14] = held.added - held.completedMessages - (tonumber(fields[4]) or 0) - (tonumber(fields[5]) or 0)
  -- What only some queues have.
  local kept = queue.events > 0 and redis.pcall('XLEN', name_of(root, 'events'))
  if type(kept) == 'number' then reply[at + 1], reply[at + 2] = 'events', kept end
  return reply
end

register('stats', stats, { 'no-writes' }, 'Count what the queue holds and what it has done.')
