--- Read what has happened in the queue, oldest first.
--
--   FCALL_RO rapidfire_events 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_events 1 rapid-fire:{orders} AFTER 1790000000000-0 LIMIT 10
--   FCALL_RO rapidfire_events 1 rapid-fire:{orders} KEY 79001234567
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   AFTER     only what came behind this: `next` of the call before, or the id of an entry; + for what is to come; at most 256 bytes (everything)
--   LIMIT     at most this many entries, 1 to 1000 (100)
--   KEY       only entries that name this conversation, at most 1024 bytes
--   ID        only entries that name a message with this id, at most 512 bytes
--   BATCH     only entries that name this batch, at most 64 bytes
-- RETURNS
--   kept      how many entries the policy keeps, about; 0: no more are written
--   gap       1 when entries that came behind AFTER may be gone, for want of room or since somebody was erased, else 0
--   next      the id of the last entry that was looked at, to be given as AFTER
--   more      1 when there is more to look at, else 0
--   entry...  each entry is an array: its id, which begins with the time, ms, and its fields and values in turn (lua/lib/events.lua)
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or the key of the events, is a key of another type
--   UNKNOWN_ARGUMENT  none of these tokens
--   MISSING_ARGUMENT  a token without its value
--   BAD_ARGUMENT      a value is out of its range, or AFTER is no id
--
-- WHY fewer entries than LIMIT do not mean that there are no more: a call looks at some thousand fields, whatever they name.
local EVENTS_OPTIONS = {
  AFTER = OPTIONS.after, LIMIT = OPTIONS.told, KEY = OPTIONS.ofKey, ID = OPTIONS.ofMessage, BATCH = OPTIONS.ofBatch,
}

-- So many entries are asked for at a time.
local PAGE = 10

-- Whether the fields of an entry name what they must.
local function names(fields, name, value)
  if not value then return true end
  for n = 1, #fields, 2 do
    if fields[n] == name and fields[n + 1] == value then return true end
  end
  return false
end

local function events(keys, args)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local options, bad = read_options(args, 1, EVENTS_OPTIONS)
  if bad then return bad end
  local stream, after, limit = name_of(queue.root, 'events'), options.after or '0-0', options.limit or OPTIONS.told.default
  local ms, number = string.match(after, '^(%d+)%-(%d+)$')
  if after ~= '+' and not (integer(ms, 0, LAST) and integer(number, 0, LAST)) then
    return fail('BAD_ARGUMENT', 'AFTER must be the id of an entry or +, got ' .. shown(after))
  end
  local last = redis.pcall('XREVRANGE', stream, '+', '-', 'COUNT', '1')
  if last.err then return wrong_type(last, 'stream', stream) end
  if after == '+' or not last[1] then return { queue.events, 0, last[1] and last[1][1] or (after == '+' and '0-0' or after), 0 } end
  local found, looks, more = {}, 0, true
  local place = after
  while more and #found < limit and looks < LIMITS.eventLooks do
    local page = math.min(PAGE, limit - #found)
    local entries = redis.call('XRANGE', stream, '(' .. place, '+', 'COUNT', count_text(page))
    for n = 1, #entries do
      local id, fields = entries[n][1], entries[n][2]
      place, looks = id, looks + #fields
      if names(fields, 'key', options.key) and names(fields, 'id', options.message) and names(fields, 'batch', options.batch) then
        found[#found + 1] = { id, fields }
      end
    end
    more = #entries == page
  end
  -- What is still there in front of it shows that nothing behind it has gone, since the oldest go first.
  local gap = after ~= '0-0' and place ~= after and #redis.call('XRANGE', stream, '-', after, 'COUNT', '1') == 0
  return { queue.events, gap and 1 or 0, place, more and place ~= last[1][1] and 1 or 0, unpack(found) }
end

register('events', events, { 'no-writes' }, 'Read what has happened in the queue, oldest first.')
