--- Puts parts of a queue in order that break a law (lib/laws.lua). It never deletes a message: the list of a key is the truth, and everything else is
--- made to follow it. What is in order is left as it is, but for a score that the policy has made late since; so doing it again, or on a live
--- queue, does no harm. What is kept about a conversation is mended in lib/recover.lua.

-- Whether a key of another type stands where an index should: then nothing can be put in order.
local function has_foreign_index(root)
  for index, expected in pairs(INDEXES) do
    local kind = redis.call('TYPE', part_key(root, index)).ok
    if kind ~= 'none' and kind ~= expected then return true end
  end
  return false
end

-- Gives the messages of a dead batch the positions from 1 on. So many at once, and from the first on, that none is overwritten before it was read.
local function close_gaps(name, positions)
  if positions[#positions] == #positions then return end
  widen(name)
  for from = 1, #positions, 250 do
    local upto = math.min(from + 249, #positions)
    if positions[upto] ~= upto then
      local messages, fields, left = redis.call('HMGET', name, unpack(positions, from, upto)), {}, {}
      for n = from, upto do
        fields[#fields + 1], fields[#fields + 2] = count_text(n), messages[n - from + 1]
        if positions[n] > upto then left[#left + 1] = count_text(positions[n]) end
      end
      redis.call('HSET', name, unpack(fields))
      redis.call('HDEL', name, unpack(left))
    end
  end
  end_widening(name)
end

-- Makes a dead batch say what it has, without a gap, and puts it into `dead`, or takes an id out that has no batch.
local function mend_dead(queue, id, done)
  local index, name = dead_key(queue.root), dead_key(queue.root, id)
  local kind = redis.call('TYPE', name).ok
  if kind == 'none' then
    if redis.call('ZREM', index, id) == 1 then done[#done + 1] = 'removed from dead' end
  elseif kind == 'hash' then
    local positions = dead_positions(name) or {}
    close_gaps(name, positions)
    queue.looks = queue.looks + #positions
    if #positions > 0 and tonumber(redis.call('HGET', name, 'count')) ~= #positions then
      redis.call('HSET', name, 'count', #positions)
      done[#done + 1] = 'count set to the messages that are there'
    end
    if redis.call('ZADD', index, 'NX', queue.now, id) == 1 then done[#done + 1] = 'added to dead' end
  end
end

-- Puts a batch of the archive into the index of it.
local function mend_archived(queue, id, done)
  local index = name_of(queue.root, 'archived')
  local kind = redis.call('TYPE', index).ok
  if kind ~= 'none' and kind ~= 'zset' then return end
  local at = integer(redis.call('HGET', part_key(queue.root, 'archive:' .. id), 'completedAt'), 0, queue.now) or queue.now
  if redis.call('ZADD', index, 'NX', digits(at), id) == 0 then return end
  -- It stays as long as the longest of what is in it.
  local left = redis.call('PTTL', part_key(queue.root, 'archive:' .. id))
  if redis.call('PTTL', index) < left then redis.call('PEXPIREAT', index, digits(queue.now + left)) end
  done[#done + 1] = 'added to archived'
end

-- Returns what was mended, in words, or '' when nothing was.
local function mend_part(queue, part)
  queue.looks = queue.looks + LIMITS.partLooks
  local what, of = named_part(part)
  local name, done = part_key(queue.root, part), {}
  if (what ~= 'other' or INDEXES[part]) and redis.call('PERSIST', name) == 1 then done[#done + 1] = 'kept for ever' end
  local archive = string.match(part, '^archived?%f[:%z]')
  local passing = (archive or string.find(part, '^seen:') or string.find(part, '^watch:')) and kind_of(part)
  if passing and redis.call('TYPE', name).ok == passing then
    if redis.call('PTTL', name) == -1 then
      redis.call('PEXPIREAT', name, digits(queue.now + (archive and queue.archive > 0 and queue.archive or 2 * queue.dedupe)))
      done[#done + 1] = 'expires'
    end
    if archive == 'archive' then mend_archived(queue, string.sub(part, 9), done) end
  end
  if what == 'messages' then mend(queue, of, done) end
  if what == 'dead' then mend_dead(queue, of, done) end
  if what == 'messages' and #done > 0 then note_event(queue, 'repaired', of, 'repair', table.concat(done, ', ')) end
  return table.concat(done, ', ')
end

-- Sets the counters to what is there. Returns the same.
local function mend_root(root)
  local done = { redis.call('PERSIST', root) == 1 and 'kept for ever' or nil }
  local seen = look_at_root(root)
  if not seen.held then return table.concat(done, ', ') end
  local added = seen.held + seen.buried + seen.completed + seen.dropped
  if added ~= seen.added then
    redis.call('HSET', root, 'added', added)
    done[#done + 1] = 'added set to ' .. string.format('%.0f', added)
  end
  if seen.buried ~= seen.dead then
    redis.call('HSET', root, 'deadMessages', seen.buried)
    done[#done + 1] = 'deadMessages set to ' .. seen.buried
  end
  return table.concat(done, ', ')
end
