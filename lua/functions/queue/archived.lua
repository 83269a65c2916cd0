--- Read the batches of the archive, in the order in which they were completed.
--
--   FCALL_RO rapidfire_archived 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_archived 1 rapid-fire:{orders} AFTER 1790000000000 LIMIT 10
--   FCALL_RO rapidfire_archived 1 rapid-fire:{orders} KEY 79001234567
--   FCALL_RO rapidfire_archived 1 rapid-fire:{orders} BATCH 1790000000000-17
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   AFTER     only what came behind this: `next` of the call before; or what was completed at this time or later, ms; at most 256 bytes (everything)
--   LIMIT     at most this many batches, 1 to 1000 (100)
--   KEY       only those of this conversation, at most 1024 bytes
--   ID        only those that name a message with this id, at most 512 bytes
--   BATCH     only the one with this id, at most 64 bytes, wherever it stands
-- RETURNS
--   kept      for how long the policy keeps a batch, ms; 0: none that is completed from now on
--   next      where the next call has to go on, to be given as AFTER
--   more      1 when there is more to look at, else 0
--   batch...  each an array of fields and values in turn (lua/README.md)
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or the index of the archive, is a key of another type
--   UNKNOWN_ARGUMENT  none of these tokens
--   MISSING_ARGUMENT  a token without its value
--   BAD_ARGUMENT      a value is out of its range, or AFTER is neither a time nor what a call has replied
--
-- WHY fewer batches than LIMIT do not mean that there are no more: a call looks at 500, or at 256 KiB, whatever they are.
-- WHY one that `next` names and that is gone costs nothing: those of its ms may come once more.
local ARCHIVED_OPTIONS = {
  AFTER = OPTIONS.after, LIMIT = OPTIONS.told, KEY = OPTIONS.ofKey, ID = OPTIONS.ofMessage, BATCH = OPTIONS.ofBatch,
}

-- So many are asked for at a time.
local PAGE = 50

-- Reads a batch if it is what is asked for: its fields and values. Nil when it is not, or has expired; and how many bytes were read.
local function read_archived(root, id, options)
  local name = part_key(root, 'archive:' .. id)
  local bytes = 0
  if options.key or options.message then
    local about = read_unless_foreign('HMGET', name, 'key', options.message and 'ids' or 'id') or {}
    bytes = #(about[1] or '') + #(about[2] or '')
    if options.key and about[1] ~= options.key then return nil, bytes end
    local ids = '\31' .. (about[2] or '') .. '\31'
    if options.message and not (about[2] and string.find(ids, '\31' .. options.message .. '\31', 1, true)) then return nil, bytes end
  end
  local fields = read_unless_foreign('HGETALL', name) or {}
  return fields[1] and fields, bytes + bytes_of(fields)
end

-- At which rank of the index to begin; or nil and a refusal.
local function begin_at(index, after)
  if not after then return 0 end
  local ms, colon, id = string.match(after, '^(%d+)(:?)(.*)$')
  if not integer(ms, 0, LAST) or colon == '' and id ~= '' then
    return nil, fail('BAD_ARGUMENT', 'AFTER must be a time or what a call has replied as next, got ' .. shown(after))
  end
  local rank = id ~= '' and tonumber(redis.call('ZSCORE', index, id)) == tonumber(ms) and redis.call('ZRANK', index, id)
  return rank and rank + 1 or redis.call('ZCOUNT', index, '-inf', '(' .. ms)
end

local function archived(keys, args)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local options, bad = read_options(args, 1, ARCHIVED_OPTIONS)
  if bad then return bad end
  local root, index, limit = queue.root, name_of(queue.root, 'archived'), options.limit or OPTIONS.told.default
  local size = redis.pcall('ZCARD', index)
  if type(size) == 'table' then return wrong_type(size, 'zset', index) end
  local rank, unread = begin_at(index, options.after)
  if unread then return unread end
  local place = options.after or '0'
  if options.batch then return { queue.archive, place, 0, (read_archived(root, options.batch, options)) } end
  local found, looks, bytes = {}, 0, 0
  while rank < size and #found < limit and looks < LIMITS.archiveLooks and bytes < LIMITS.shownBytes do
    local ids = redis.call('ZRANGE', index, count_text(rank), count_text(rank + PAGE - 1), 'WITHSCORES')
    for n = 1, #ids, 2 do
      local fields, read = read_archived(root, ids[n], options)
      found[#found + 1] = fields
      place, rank, looks, bytes = ids[n + 1] .. ':' .. ids[n], rank + 1, looks + 1, bytes + read
      if #found == limit or looks == LIMITS.archiveLooks or bytes >= LIMITS.shownBytes then break end
    end
  end
  return { queue.archive, place, rank < size and 1 or 0, unpack(found) }
end

register('archived', archived, { 'no-writes' }, 'Read the batches of the archive, in the order in which they were completed.')
