--- Erase all that is kept of a conversation, some of it in each call.
--
--   FCALL rapidfire_erase 1 rapid-fire:{orders} 79001234567
--   FCALL rapidfire_erase 1 rapid-fire:{orders} 79001234567 AFTER 1790000000000-42:dead:640:
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   key       the conversation
--   AFTER     `next` of the call before: where this one goes on; at most 256 bytes
--   NONCE     as in claim_ready: repeated with it, the call says what the first did
-- RETURNS
--   messages  taken off the list of the key
--   claimed   1 when somebody had a batch of them, whose token is void now, else 0
--   batches   dead ones that were deleted
--   dead      messages of these
--   entries   deleted in streams that forward has written to
--   rates     keys of the webhook that were deleted: how often this conversation has come, and who waits there
--   next      where the next call has to go on, to be given as AFTER; '' when nothing is left
--   archived  batches that were deleted in the archive
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, or the list of the key is a key of another type
--   BAD_KEY           the key is empty or too long
--   MISSING_ARGUMENT  the key, or the value of a token, is missing
--   UNKNOWN_ARGUMENT  not AFTER or NONCE
--   BAD_ARGUMENT      AFTER is not what a call has replied, or the NONCE is none
--
-- Of events the entries go that name the conversation, with what they tell of others that were in the same call.
-- Ids that are remembered stay: they are digests, and expire. So does what is kept of calls (root:calls:<name>), where a claim names its keys.
-- WHY the list goes in the first call, and dead batches and entries are looked for behind it: from then on nothing of what was there can get to either.
-- A message that is added later is a new one, and stays, whatever becomes of it while the others are still looked for.
-- WHY not in one call: nothing tells which dead batches, batches in the archive and entries are of a key, so all must be looked at.
local ERASE_OPTIONS = { AFTER = OPTIONS.after, NONCE = OPTIONS.nonce }

-- Work is counted in some 4000 instructions of a processor, as in lib/claim.lua: a look at a dead batch, and deleting one; finding an entry, which Redis
-- keeps with a hundred others in one piece, and deleting one; and so many fields or bytes of an entry that is read.
local DEAD = { look = 6, delete = 14 }
local ENTRY = { look = 20, delete = 40, fields = 2, bytes = 256 }

-- So many dead batches are asked for at a time.
local PAGE = 100

-- The highest number of a batch that can be told in `next`.
local NEWEST = 999999999999999

-- What is being erased: the `key`; when that `began`, and the `number` of the newest batch then; `what` is looked at, and the `place` up to which that
-- was done, of a stream with this `name`; and the figures of this call. Or nil and a refusal.
local function read_erasing(queue, key, after)
  local erasing = { key = key, work = 0, messages = 0, claimed = 0, batches = 0, dead = 0, entries = 0, rates = 0, archived = 0 }
  if not after then
    erasing.began, erasing.number = queue.now, bounded(redis.call('HGET', queue.root, 'batches'), 0, NEWEST) or 0
    erasing.what, erasing.place, erasing.name = 'all', '0', ''
    return erasing
  end
  local began, number, what, place, name = string.match(after, '^(%d+)%-(%d+):(%l+):([%d%-]+):(.*)$')
  began, number = integer(began, 0, LAST), integer(number, 0, NEWEST)
  local ms, sequence = string.match(place or '', '^(%d+)%-(%d+)$')
  local known = (what == 'dead' or what == 'archive') and integer(place, 0, LAST)
    or (what == 'stream' or what == 'events') and integer(ms, 0, LAST) and integer(sequence, 0, LAST)
  if not began or not number or not known then return nil, fail('BAD_ARGUMENT', 'AFTER must be what a call has replied as next, got ' .. shown(after)) end
  erasing.began, erasing.number, erasing.what, erasing.place, erasing.name = began, number, what, place, name
  return erasing
end

local function next_of(erasing)
  if erasing.what == 'nothing' then return '' end
  return string.format('%s-%s:%s:%s:%s', digits(erasing.began), count_text(erasing.number), erasing.what, erasing.place, erasing.name)
end

-- Whether a batch was claimed after all this began, and is of new messages.
-- WHY both: the clock may have gone back, and the counter may be lost with a root that was restored. What is in doubt is erased.
local function is_newer(erasing, id, at)
  local number = tonumber(string.match(id, '^%d+%-(%d+)'))
  return number ~= nil and number > erasing.number and at >= erasing.began
end

local function has_work_left(erasing) return erasing.work < LIMITS.eraseWork end

local function erase_now(queue, erasing, size, record)
  local root, key, claim = queue.root, erasing.key, decode_claim(record)
  erase_messages(queue, key, size)
  erasing.messages, erasing.claimed = size, claim and (not claim.state or taken_by(record)) and 1 or 0
  erasing.rates = redis.call('UNLINK', rate_key(root, 'line', key), rate_key(root, 'key', key))
  erasing.what = 'dead'
end

-- Deletes dead batches of the key.
local function erase_dead(queue, erasing)
  local root = queue.root
  while has_work_left(erasing) do
    local found = redis.call('ZSCAN', dead_key(root), erasing.place, 'COUNT', count_text(PAGE))
    local ids = found[2]
    for n = 1, #ids, 2 do
      local id = ids[n]
      local owner = redis.pcall('HGET', dead_key(root, id), 'key')
      erasing.work = erasing.work + DEAD.look
      if owner == erasing.key and not is_newer(erasing, id, tonumber(ids[n + 1])) then
        local count = drop_dead(queue, id)
        erasing.batches, erasing.dead, erasing.work = erasing.batches + 1, erasing.dead + count, erasing.work + DEAD.delete
      end
    end
    erasing.place = found[1]
    if erasing.place == '0' then
      erasing.what = 'archive'
      return
    end
  end
end

-- Deletes batches of the key in the archive. They are looked for whether the policy keeps any or not.
local function erase_archived(queue, erasing)
  local root = queue.root
  local index = name_of(root, 'archived')
  while has_work_left(erasing) do
    -- What is not ours is left alone.
    local found = read_unless_foreign('ZSCAN', index, erasing.place, 'COUNT', count_text(PAGE)) or { '0', {} }
    local ids, gone = found[2], {}
    for n = 1, #ids, 2 do
      local name = part_key(root, 'archive:' .. ids[n])
      erasing.work = erasing.work + DEAD.look
      if redis.pcall('HGET', name, 'key') == erasing.key and not is_newer(erasing, ids[n], tonumber(ids[n + 1])) then
        redis.call('UNLINK', name)
        gone[#gone + 1], erasing.work = ids[n], erasing.work + DEAD.delete
      end
    end
    -- Behind the batches, so that a call that is cut off finds them again.
    if #gone > 0 then redis.call('ZREM', index, unpack(gone)) end
    erasing.archived, erasing.place = erasing.archived + #gone, found[1]
    if erasing.place == '0' then
      erasing.what, erasing.place = 'stream', '0-0'
      return
    end
  end
end

-- Of an entry of a stream: the key and the id of its batch, and how much work it was to read it.
local function about_entry(fields)
  local owner, id, bytes = nil, nil, 0
  for n = 1, #fields, 2 do
    local name, value = fields[n], fields[n + 1]
    if name == 'key' then owner = value end
    if name == 'id' then id = value end
    bytes = bytes + #value
  end
  return owner, id or '', ENTRY.look + #fields / ENTRY.fields + bytes / ENTRY.bytes
end

-- Deletes entries of the key in one stream. Whether it has come to its end.
-- WHY one at a time: each may be as large as a batch may be.
local function erase_entries(queue, erasing)
  local stream, groups = stream_key(queue.root, erasing.name), nil
  -- What is not ours is left alone.
  if redis.call('TYPE', stream).ok ~= 'stream' then return true end
  while has_work_left(erasing) do
    local entry = redis.call('XRANGE', stream, '(' .. erasing.place, '+', 'COUNT', '1')[1]
    if not entry then return true end
    local owner, id, work = about_entry(entry[2])
    erasing.work = erasing.work + work
    -- The others behind it came later still.
    if is_newer(erasing, id, tonumber(string.match(entry[1], '^%d+'))) then return true end
    if owner == erasing.key then
      groups = groups or groups_of(stream)
      delete_entry(stream, groups, entry[1])
      erasing.entries, erasing.work = erasing.entries + 1, erasing.work + ENTRY.delete
    end
    erasing.place = entry[1]
  end
  return false
end

-- The last entry of events that there is, or ''. They are looked for whether the policy keeps any or not: a root that was lost has forgotten that it did.
local function last_event(root)
  local last = read_unless_foreign('XREVRANGE', name_of(root, 'events'), '+', '-', 'COUNT', '1')
  return last and last[1] and last[1][1] or ''
end

-- Deletes entries of the key in all streams, one after the other by their names. The first has no name.
local function erase_streamed(queue, erasing)
  while has_work_left(erasing) do
    if erasing.name == '' or erase_entries(queue, erasing) then
      local after = erasing.name == '' and '-' or '(' .. erasing.name
      local name = redis.call('ZRANGEBYLEX', streams_key(queue.root), after, '+', 'LIMIT', '0', '1')[1]
      erasing.work = erasing.work + DEAD.look
      if not name then
        erasing.what, erasing.place, erasing.name = 'events', '0-0', last_event(queue.root)
        return
      end
      erasing.name, erasing.place = name, '0-0'
    end
  end
end

-- Whether an entry of events names a key, and how much work it was to read it.
local function names_key(fields, key)
  local names = false
  for n = 1, #fields, 2 do names = names or fields[n] == 'key' and fields[n + 1] == key end
  return names, ENTRY.look + #fields / ENTRY.fields
end

-- Deletes the entries of events that name the key, up to the last one that was there when this was begun.
-- WHY whole ones, also when they tell of others: Redis changes no entry.
local function erase_events(queue, erasing)
  local events, gone = name_of(queue.root, 'events'), {}
  while has_work_left(erasing) and erasing.what == 'events' do
    local entries = erasing.name ~= '' and redis.call('XRANGE', events, '(' .. erasing.place, erasing.name, 'COUNT', '10') or {}
    for n = 1, #entries do
      local names, work = names_key(entries[n][2], erasing.key)
      erasing.work = erasing.work + work + (names and ENTRY.delete or 0)
      if names then gone[#gone + 1] = entries[n][1] end
    end
    if #entries < 10 then
      erasing.what = 'nothing'
    else
      erasing.place = entries[10][1]
    end
  end
  if #gone > 0 then redis.call('XDEL', events, unpack(gone)) end
end

-- Tells that a conversation was erased, and not which.
local function note_erased(queue, erasing)
  note_event(
    queue, 'erased', nil, 'messages', count_text(erasing.messages), 'batches', count_text(erasing.batches), 'entries', count_text(erasing.entries)
  )
  if queue.told then write_events(queue) end
end

local function erase(keys, args)
  local root, key = keys[1], args[1]
  local options, bad = read_options(args, 2, ERASE_OPTIONS)
  local nonce, no_nonce = read_nonce(options.nonce)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or bad_key(key) or bad or no_nonce
  if refusal then return refusal end
  queue.now = now_ms()
  local erasing, unread = read_erasing(queue, key, options.after)
  if unread then return unread end
  local said = kept_reply(queue, nonce, 'erase')
  if said then return said end
  if said == false then return { 0, 0, 0, 0, 0, 0, '', 0 } end
  local size, foreign = size_of(root, key)
  local record, listed = redis.pcall('HGET', claims_key(root), key), redis.pcall('SCARD', overrides_key(root))
  local streams = redis.pcall('ZCARD', streams_key(root))
  refusal = foreign or foreign_index(root) or error_of(record, 'hash', claims_key(root)) or error_of(listed, 'set', overrides_key(root))
    or error_of(streams, 'zset', streams_key(root))
  if refusal then return refusal end

  -- first write
  if erasing.what == 'all' then erase_now(queue, erasing, size, record) end
  if erasing.what == 'dead' then erase_dead(queue, erasing) end
  if erasing.what == 'archive' then erase_archived(queue, erasing) end
  if erasing.what == 'stream' then erase_streamed(queue, erasing) end
  if erasing.what == 'events' then erase_events(queue, erasing) end
  local reply = {
    erasing.messages, erasing.claimed, erasing.batches, erasing.dead, erasing.entries, erasing.rates, next_of(erasing),
    erasing.archived,
  }
  if erasing.messages + erasing.claimed + erasing.batches + erasing.entries + erasing.rates + erasing.archived > 0 then
    keep_reply(queue, nonce, 'erase', reply)
    note_erased(queue, erasing)
  end
  return reply
end

register('erase', erase, { 'allow-oom' }, 'Erase all that is kept of a conversation, some of it in each call.')
