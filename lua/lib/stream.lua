--- Streams of batches: which of their entries nobody needs any more, and what it takes to delete one.

-- Redis replies to XINFO with a flat list of names and values.
local function named(flat)
  local values = {}
  for n = 1, #flat, 2 do values[flat[n]] = flat[n + 1] end
  return values
end

local function is_before(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if tonumber(a_ms) ~= tonumber(b_ms) then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end

-- The consumer groups of a stream, each with what Redis tells about it.
local function groups_of(stream)
  local groups = redis.call('XINFO', 'GROUPS', stream)
  for n = 1, #groups do groups[n] = named(groups[n]) end
  return groups
end

-- Deletes entries that all groups have read and acknowledged, and of these only such as came by `before`, ms, if that is given: some thousand at a time,
-- since each call serves nobody else meanwhile. Without a group nobody has. Returns how many it has deleted.
local function delete_acknowledged(stream, before)
  local groups, oldest = groups_of(stream), before and digits(before) .. '-0'
  if #groups == 0 then return 0 end
  for _, group in ipairs(groups) do
    local pending = redis.call('XPENDING', stream, group.name)
    -- The oldest entry that the group still needs: one that is not acknowledged, or the one behind the last that was read.
    local needed = pending[1] > 0 and pending[2] or string.gsub(group['last-delivered-id'], '%d+$', function(seq) return seq + 1 end)
    if not oldest or is_before(needed, oldest) then oldest = needed end
  end
  -- What is trimmed with '~' are whole nodes of the stream; what is left of one is few.
  local deleted = redis.call('XTRIM', stream, 'MINID', '~', oldest, 'LIMIT', LIMITS.trimmed)
  return deleted > 0 and deleted or redis.call('XTRIM', stream, 'MINID', oldest)
end

-- Deletes one entry.
-- WHY it is acknowledged before: a consumer that had not come to that would be given it again, without its content.
local function delete_entry(stream, groups, id)
  for _, group in ipairs(groups) do redis.call('XACK', stream, group.name, id) end
  redis.call('XDEL', stream, id)
end
