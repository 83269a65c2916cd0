--- The archive: batches that were completed, for whoever asks later. While the policy keeps any (`archive`), each is a hash `archive:<batch id>` that
--- expires, and in `archived` by when it was completed. What is in it is flat, and says what it is by name.
--
-- WHY behind all else, and whatever becomes of it: what was done must not fail for want of a note of it, as in lib/events.lua. But nothing is kept that
-- does not expire, or that nobody would find to erase it.

-- Stands between two ids.
local BETWEEN = '\31'

-- What the messages of a batch say: when the first and the last of them came, and their ids, nil of what was not read; `spent` counts bytes.
local function about_messages(queue, key, count, spent)
  local list, ids, length, at, first, last = messages_key(queue.root, key), {}, 0, 0, nil, nil
  while at < count and spent.bytes < LIMITS.archivedBytes do
    local fit = math.ceil((LIMITS.archivedBytes - spent.bytes) / queue.largest)
    local messages = redis.pcall('LRANGE', list, count_text(at), count_text(math.min(at + math.min(fit, 250), count) - 1))
    if messages.err or #messages == 0 then break end
    for n = 1, #messages do
      local time, id = parts_of(messages[n], true)
      first, last, length = first or time, time, length + #id + 1
      if length <= LIMITS.archivedIds then ids[at + n] = id end
      spent.bytes = spent.bytes + #messages[n]
    end
    at = at + #messages
  end
  return first, at == count and last, first and table.concat(ids, BETWEEN)
end

-- Appends a field and its value, if there is one.
local function append_field(fields, field, value)
  if value then fields[#fields + 1], fields[#fields + 2] = field, value end
end

-- What is kept of batches that are to end, each { id, fields }. `said`: for each the options of complete, or nil.
local function archive_entries(queue, keys, counts, records, said)
  local now, entries, spent = digits(queue.now), {}, { bytes = 0 }
  for n = 1, #keys do
    local claim, options = decode_claim(records[n]), said[n] or {}
    if claim then
      local first, last, ids = about_messages(queue, keys[n], counts[n], spent)
      local fields = {
        'id', claim.id, 'key', keys[n], 'reason', claim.reason, 'claimedAt', string.match(claim.id, '^%d+'), 'completedAt', now,
        'attempts', count_text(claim.attempt), 'size', count_text(counts[n]),
      }
      append_field(fields, 'firstAt', first)
      append_field(fields, 'lastAt', last)
      append_field(fields, 'ids', ids)
      append_field(fields, 'worker', options.worker)
      append_field(fields, 'text', options.text)
      append_field(fields, 'result', options.result)
      entries[#entries + 1] = { id = claim.id, fields = fields }
    end
  end
  return entries
end

-- Drops the oldest batches that are too old, or too many: some of them.
local function trim_archive(queue, index, most)
  local root, excess = queue.root, redis.pcall('ZCARD', index)
  if type(excess) == 'table' then return end
  excess = excess - queue.maxArchived
  local oldest, ids, names = redis.pcall('ZRANGE', index, '0', count_text(most - 1), 'WITHSCORES'), {}, {}
  for n = 1, #oldest, 2 do
    if #ids >= excess and tonumber(oldest[n + 1]) > queue.now - queue.archive then break end
    ids[#ids + 1] = oldest[n]
    names[#names + 1] = part_key(root, 'archive:' .. oldest[n])
  end
  -- WHY the index last: what is in it and is gone does no harm.
  if #ids > 0 and type(redis.pcall('UNLINK', unpack(names))) ~= 'table' then redis.pcall('ZREM', index, unpack(ids)) end
end

-- Keeps the index as long as the longest of what is in it.
local function keep_index(queue, index, fresh)
  local ends = digits(queue.now + queue.archive)
  if fresh then return redis.pcall('PEXPIREAT', index, ends) end
  local done = redis.pcall('PEXPIREAT', index, ends, 'GT')
  -- Before Redis 7 that cannot be said.
  local left = type(done) == 'table' and redis.pcall('PTTL', index)
  if type(left) == 'number' and left < queue.archive then redis.pcall('PEXPIREAT', index, ends) end
end

-- Writes what was made of batches that have ended since.
local function write_archive(queue, entries)
  local root, index, now, ends = queue.root, name_of(queue.root, 'archived'), digits(queue.now), digits(queue.now + queue.archive)
  local members, names = {}, {}
  for n = 1, #entries do
    local id = entries[n].id
    local name = part_key(root, 'archive:' .. id)
    if type(redis.pcall('HSET', name, unpack(entries[n].fields))) ~= 'table' then
      if redis.pcall('PEXPIREAT', name, ends) == 1 then
        members[#members + 1], members[#members + 2], names[#names + 1] = now, id, name
      else
        redis.pcall('UNLINK', name)
      end
    end
  end
  if #names == 0 then return end
  local added = redis.pcall('ZADD', index, unpack(members))
  if type(added) == 'table' then return redis.pcall('UNLINK', unpack(names)) end
  keep_index(queue, index, redis.pcall('ZCARD', index) == added)
  trim_archive(queue, index, #names + LIMITS.oldArchived)
end
