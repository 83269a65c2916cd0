--- The archive: batches that were completed, for whoever asks later. While the policy keeps any (`archive`), each is a hash `archive:<batch id>` that
--- expires, and in `archived` by when it was completed. What is in it is flat, and says what it is by name.
--
-- WHY behind all else, and whatever becomes of it: what was done must not fail for want of a note of it, as in lib/events.lua. But nothing is kept that
-- does not expire, or that nobody would find to erase it.

-- Stands between two ids.
local BETWEEN = '\31'

-- What the messages of a batch say: when the first and the last of them came, and their ids; nil of what was not read. `spent` counts bytes, and has
-- a list that is used again for each batch, since to grow one costs as much as a command.
local function about_messages(queue, key, count, spent)
  local list, ids, most, whole, length, at, first, last = messages_key(queue.root, key), spent.ids, LIMITS.archivedIds, 0, 0, 0, nil, nil
  while at < count and spent.bytes < LIMITS.archivedBytes do
    local fit = math.min(math.ceil((LIMITS.archivedBytes - spent.bytes) / queue.largest), 250, count - at)
    local messages = redis.pcall('LRANGE', list, count_text(at), count_text(at + fit - 1))
    if messages.err or #messages == 0 then break end
    for n = 1, #messages do
      local message, id, _ = messages[n], '', nil
      -- '0 ' stands there in one without an id, and in none that has one: nothing has to be taken apart.
      local digit, blank = string.byte(message, 15, 16)
      if digit ~= 48 or blank ~= 32 then _, id = parts_of(message, true) end
      length = length + #id + 1
      if length <= most then whole, ids[at + n] = at + n, id end
    end
    spent.bytes = spent.bytes + bytes_of(messages)
    first, last, at = first or messages[1], messages[#messages], at + #messages
  end
  if not first then return nil end
  local joined = length == at and string.rep(BETWEEN, at - 1) or table.concat(ids, BETWEEN, 1, whole)
  return (parts_of(first, true)), at == count and parts_of(last, true), joined
end

-- Puts a field and its value, if there is one, behind the first `length` of a list. Returns how many there are then.
local function put_field(fields, length, field, value)
  if not value then return length end
  fields[length + 1], fields[length + 2] = field, value
  return length + 2
end

-- Drops the oldest of so many batches that are too old, or too many: at most `most` of them.
local function trim_archive(queue, index, size, most)
  local excess = math.min(most, size - queue.maxArchived)
  local ids = redis.pcall('ZRANGE', index, '-inf', digits(queue.now - queue.archive), 'BYSCORE', 'LIMIT', '0', count_text(most))
  if excess > #ids then ids = redis.pcall('ZRANGE', index, '0', count_text(excess - 1)) end
  local names, prefix = {}, part_key(queue.root, 'archive:')
  for n = 1, #ids do names[n] = prefix .. ids[n] end
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

-- Writes batches that have ended since. `about`: what their messages have said; `said`: for each the options of complete.
local function write_archive(queue, about, keys, counts, records, said)
  local index, prefix = name_of(queue.root, 'archived'), part_key(queue.root, 'archive:')
  local now, ends, members, names, fields = digits(queue.now), digits(queue.now + queue.archive), {}, {}, {}
  for n = 1, #keys do
    -- Not by decode_claim: that makes a table and six numbers of it.
    local id, claimed, attempts, reason = string.match(records[n], '^((%d+)%-[%d%-]+):%d+:(%d+):%d+:%d+:%d+:(%a+):')
    if id then
      local name, options = prefix .. id, said[n]
      local length = put_field(fields, 0, 'firstAt', about.first[n])
      length = put_field(fields, length, 'lastAt', about.last[n])
      length = put_field(fields, length, 'ids', about.ids[n])
      length = put_field(fields, length, 'worker', options.worker)
      length = put_field(fields, length, 'text', options.text)
      length = put_field(fields, length, 'result', options.result)
      local done = redis.pcall(
        'HSET', name, 'id', id, 'key', keys[n], 'reason', reason, 'claimedAt', claimed, 'completedAt', now, 'attempts', attempts,
        'size', count_text(counts[n]), unpack(fields, 1, length)
      )
      if type(done) ~= 'table' then
        if redis.pcall('PEXPIREAT', name, ends) == 1 then
          members[#members + 1], members[#members + 2], names[#names + 1] = now, id, name
        else
          redis.pcall('UNLINK', name)
        end
      end
    end
  end
  if #names == 0 then return end
  local added = redis.pcall('ZADD', index, unpack(members))
  if type(added) == 'table' then return redis.pcall('UNLINK', unpack(names)) end
  local size = redis.pcall('ZCARD', index)
  keep_index(queue, index, size == added)
  if type(size) ~= 'table' then trim_archive(queue, index, size, #names + LIMITS.oldArchived) end
end
