--- Figures: what is counted in the root, and what can be counted at one moment. lua/README.md explains each.

-- Lateness is counted by these bounds, ms: `lateness:<bound>` has the batches that were at most so late, and later than the bound before it.
local LATENESS = { bounds = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000 }, beyond = 'more' }

-- Counters of the root, in the order in which they are told. Those of lateness follow.
local COUNTERS = {
  'added', 'duplicates', 'batches', 'closedBy:wait', 'closedBy:maxWait', 'closedBy:size', 'closedBy:flush', 'closedBy:bytes',
  'completed', 'completedMessages', 'failed', 'redelivered', 'latenessSum', 'latenessMax',
}

-- As far as a number of Lua counts.
local COUNTED = 9007199254740991

-- The names of all counters, made once.
local ONCE = { counters = nil }
local function counter_names()
  if not ONCE.counters then
    local names = { unpack(COUNTERS) }
    for _, bound in ipairs(LATENESS.bounds) do names[#names + 1] = 'lateness:' .. bound end
    names[#names + 1] = 'lateness:' .. LATENESS.beyond
    ONCE.counters = names
  end
  return ONCE.counters
end

-- Adds to a counter. One that is no number any more, or that Redis cannot add to, begins anew: it must not break off a call that has done its work.
local function count_up(root, field, by)
  local done = redis.pcall('HINCRBY', root, field, count_text(by))
  if type(done) ~= 'table' then return end
  if not string.find(done.err, 'not an integer', 1, true) and not string.find(done.err, 'overflow', 1, true) then
    redis.call('HINCRBY', root, field, count_text(by))
  end
  redis.call('HSET', root, field, count_text(math.max(by, 0)))
end

-- What one call counts of the batches that it claims for the first time: the `number` of the newest, how many were
-- `claimed`, how late they are, and what closed them.
local function begin_tally(queue)
  local fields = queue.fields
  return {
    number = bounded(fields[4], 0, COUNTED) or 0, sum = bounded(fields[5], 0, COUNTED) or 0, max = bounded(fields[6], 0, COUNTED) or 0,
    claimed = 0,
    closed_by = {}, late_by = {},
  }
end

local function count_claimed(tally, reason, late)
  local closed_by, late_by = tally.closed_by, tally.late_by
  tally.claimed, tally.sum = tally.claimed + 1, tally.sum + late
  if late > tally.max then tally.max = late end
  closed_by[reason] = (closed_by[reason] or 0) + 1
  late_by[late] = (late_by[late] or 0) + 1
end

local function bucket_of(late)
  for _, bound in ipairs(LATENESS.bounds) do
    if late <= bound then return bound end
  end
  return LATENESS.beyond
end

-- Written before they are handed out.
local function write_numbers(queue, tally)
  redis.call('HSET', queue.root, 'batches', count_text(tally.number), 'latenessSum', count_text(tally.sum), 'latenessMax', count_text(tally.max),
    'looked', digits(looked_at(queue)))
end

-- Written behind them all.
local function write_tally(queue, tally)
  local root = queue.root
  for reason, by in pairs(tally.closed_by) do count_up(root, 'closedBy:' .. reason, by) end
  local late_in = {}
  for late, by in pairs(tally.late_by) do
    local bucket = bucket_of(late)
    late_in[bucket] = (late_in[bucket] or 0) + by
  end
  for bucket, by in pairs(late_in) do count_up(root, 'lateness:' .. bucket, by) end
end

-- Messages in the lists of all open keys and in all dead batches, or nil when there are too many to be counted in one call, or when an
-- index is a key of another type.
local function count_messages(root)
  local due, active = read_unless_foreign('ZCARD', due_key(root)), read_unless_foreign('ZCARD', active_key(root))
  local dead = read_unless_foreign('ZCARD', dead_key(root))
  if not due or not active or not dead or due + active + dead > LIMITS.counted then return nil end
  local held, buried, counted = 0, 0, {}
  for _, index in ipairs({ due_key(root), active_key(root) }) do
    for _, key in ipairs(redis.call('ZRANGE', index, 0, -1)) do
      local size = read_unless_foreign('LLEN', messages_key(root, key))
      -- Put into both by hand, a key must not count twice.
      if size and not counted[key] then held, counted[key] = held + size, true end
    end
  end
  for _, id in ipairs(redis.call('ZRANGE', dead_key(root), 0, -1)) do
    buried = buried + (tonumber(read_unless_foreign('HGET', dead_key(root, id), 'count')) or 0)
  end
  return held, buried
end
