--- Tell where a message, a conversation or a batch is, and what it waits for.
--
--   FCALL_RO rapidfire_trace 1 rapid-fire:{orders} KEY 79001234567 ID wamid.1
--   FCALL_RO rapidfire_trace 1 rapid-fire:{orders} KEY 79001234567
--   FCALL_RO rapidfire_trace 1 rapid-fire:{orders} BATCH 1790000000000-17
--
-- KEYS
--   root        root key of the queue
-- ARGV
--   KEY         the conversation, 1 to 1024 bytes; or BATCH
--   ID          only the newest message of it with this id, at most 512 bytes
--   BATCH       instead of KEY: the batch with this id, at most 64 bytes
--   AFTER       `next` of the call before: where this one goes on; at most 256 bytes
-- RETURNS
--   now         the time in Redis, ms
--   next        where the next call has to go on, to be given as AFTER; '' when nothing is left to look at, or what was asked for is found
--   remembered  1 when ID was accepted for KEY within `dedupe`, else 0
--   looked      when a worker that watches, or has taken something, looked last, ms; 0: that is not known
--   watchAt     when a worker that has a slot has promised to look next, ms; 0: none has
--   serves      'open' | 'retired' | 'unused', which a partition that was never opened is
--   place...    each place where it was found is an array:
--                 state: 'collecting' | 'ready' | 'active' | 'retry' | 'released' | 'done' of the first batch of a list (lua/README.md), or 'unindexed':
--                   messages that are in no index, so that nobody looks at them; or 'dead' | 'streamed'
--                 key, and the id of the batch, '' while it is open
--                 attempt, messages of the batch, messages of the key (0 of one that is dead or streamed)
--                 which one it is of those of the key, or of the batch that is dead or streamed, from 1, and when it was received; 0 without ID
--                 reason and deadline of the batch
--                 until: when the lease or the pause ends, or when it died or was streamed, ms; 0 when none applies
--                 cause of a dead batch, or name of the stream; else ''
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, the list of the key, or the ids that are remembered are a key of another type
--   BAD_KEY           the key is empty
--   MISSING_ARGUMENT  neither KEY nor BATCH, or a token without its value
--   UNKNOWN_ARGUMENT  none of these tokens
--   BAD_ARGUMENT      both of KEY and BATCH, BATCH and ID, a value that is too long, or an AFTER that no call has replied
--
-- Nothing of what people wrote is in the reply, nor of what handlers have failed with.
-- WHY it goes from where messages come in to where they end up, and in each place from the newest to the oldest: what moves on between two calls is found
-- further down, and what is added meanwhile hides nothing.
local TRACE_OPTIONS = { KEY = OPTIONS.ofKey, ID = OPTIONS.ofMessage, BATCH = OPTIONS.ofBatch, AFTER = OPTIONS.after }

-- Work is counted in some 4000 instructions of a processor, as in lib/claim.lua: a look at a message, at a claim, at a dead batch, and at one of the
-- conversation, at each message of that, and finding an entry; and so many fields, and bytes, that are read.
local WORK = { message = 1, claim = 1.5, dead = 4, own = 12, buried = 4, entry = 20, fields = 1.5, bytes = 200 }

-- So many messages, claims and dead batches are asked for at a time.
local PAGE = 50

-- What is traced, `what` is looked at, the `place` in it up to which that was done, and its `name`; or nil and a refusal.
local function read_tracing(options)
  local key, batch = options.key, options.batch
  if not key and not batch then return nil, fail('MISSING_ARGUMENT', 'expected KEY or BATCH') end
  if key == '' then return nil, bad_key(key) end
  if options.message == '' then return nil, fail('BAD_ARGUMENT', 'ID must have at least 1 byte') end
  if batch and (key or options.message) then return nil, fail('BAD_ARGUMENT', 'BATCH stands alone: without KEY and ID') end
  local tracing = {
    key = key, id = options.message, batch = batch, work = 0, found = {}, what = key and 'list' or 'claims', place = '0', name = '',
  }
  if not options.after then return tracing end
  local what, place, name = string.match(options.after, '^(%l+):(%d[%d%-]*):(.*)$')
  local ms, number = string.match(place or '', '^(%d+)%-(%d+)$')
  local is_entry = integer(ms, 0, LAST) and integer(number, 0, LAST)
  -- Redis tells where it goes on among the claims by any number of 64 bits.
  local is_number = place and string.find(place, '^%d+$') and (#place < 20 or #place == 20 and place <= '18446744073709551615')
  local known = is_number and (what == 'list' and key or what == 'claims' and batch or what == 'dead')
    or what == 'stream' and (place == '0' or is_entry and place ~= '0-0')
  if not known then return nil, fail('BAD_ARGUMENT', 'AFTER must be what a call has replied as next, got ' .. shown(options.after)) end
  tracing.what, tracing.place, tracing.name = what, place, name
  return tracing
end

local function has_work_left(tracing) return tracing.work < LIMITS.traceWork end

local function go_on(tracing, what, place, name) tracing.what, tracing.place, tracing.name = what, place or '0', name or '' end

-- One place more. A single message, or a batch, is in no other.
local function found_at(tracing, place)
  tracing.found[#tracing.found + 1] = place
  if tracing.id or tracing.batch then go_on(tracing, 'nothing') end
end

-- In which state a key is, with its claim or without; `position` and `received` of the message that is traced.
local function found_in_list(queue, tracing, key, claim, position, received)
  local root, now = queue.root, queue.now
  local size = redis.call('LLEN', messages_key(root, key))
  local ends, due = redis.call('ZSCORE', active_key(root), key), redis.call('ZSCORE', due_key(root), key)
  local state, head, unread = 'unindexed', claim, nil
  if not claim then head, unread = head_of(queue, key, has_options(queue, key)) end
  if not head then return must_be_empty(messages_key(root, key), unread) end
  local deadline = head.deadline
  if not claim then
    read_batch(queue, head)
    deadline = due_at(head, now)
    if due or ends then state = deadline <= now and 'ready' or 'collecting' end
  elseif due or ends then
    state = (claim.state == 'retry' or claim.state == 'released' or claim.state == 'done') and claim.state or 'active'
  end
  found_at(tracing, {
    state, key, claim and claim.id or '', claim and claim.attempt or 0, head.count, size, position, received, head.reason, deadline,
    claim and math.ceil(tonumber(ends) or 0) or 0, '',
  })
end

-- Looks at the messages of the key, the newest first.
local function trace_list(queue, tracing, size)
  local root, key, passed = queue.root, tracing.key, tonumber(tracing.place)
  local claim = decode_claim(redis.call('HGET', claims_key(root), key))
  if not tracing.id then
    if size > 0 then found_in_list(queue, tracing, key, claim, 0, 0) end
    return go_on(tracing, 'dead')
  end
  local mark = ' ' .. tracing.id
  while passed < size do
    if not has_work_left(tracing) then return go_on(tracing, 'list', count_text(passed)) end
    -- As many as surely are no more bytes than one call shows.
    local step = math.min(math.max(1, math.floor(LIMITS.shownBytes / queue.largest)), PAGE, size - passed)
    local messages = redis.call('LRANGE', messages_key(root, key), count_text(-passed - step), count_text(-passed - 1))
    for n = #messages, 1, -1 do
      -- Few have it anywhere, and are taken apart.
      if string.find(messages[n], mark, 1, true) then
        local received, id = parts_of(messages[n], true)
        if id == tracing.id then return found_in_list(queue, tracing, key, claim, size - passed, tonumber(received)) end
      end
      passed = passed + 1
      tracing.work = tracing.work + WORK.message + #messages[n] / WORK.bytes
    end
  end
  go_on(tracing, 'dead')
end

-- Looks for the batch among those that are claimed.
local function trace_claims(queue, tracing)
  local mark = tracing.batch .. ':'
  while has_work_left(tracing) do
    local found = redis.call('HSCAN', claims_key(queue.root), tracing.place, 'COUNT', count_text(PAGE))
    local records = found[2]
    for n = 1, #records, 2 do
      local claim = string.sub(records[n + 1], 1, #mark) == mark and decode_claim(records[n + 1])
      if claim then return found_in_list(queue, tracing, records[n], claim, 0, 0) end
    end
    tracing.work, tracing.place = tracing.work + #records / 2 * WORK.claim + WORK.dead, found[1]
    if tracing.place == '0' then return go_on(tracing, 'dead') end
  end
end

-- Looks at one dead batch.
local function trace_dead_batch(queue, tracing, id)
  local root = queue.root
  tracing.work = tracing.work + WORK.dead
  if tracing.key and read_unless_foreign('HGET', dead_key(root, id), 'key') ~= tracing.key then return end
  local about = read_unless_foreign('HMGET', dead_key(root, id), 'key', 'attempt', 'count', 'reason', 'deadline', 'cause') or {}
  local died, position, received = redis.call('ZSCORE', dead_key(root), id), 0, 0
  tracing.work = tracing.work + WORK.own
  if not died then return end
  if tracing.id then
    local messages = dead_messages(root, id)
    tracing.work = tracing.work + #messages * WORK.buried + bytes_of(messages) / WORK.bytes
    for n = 1, #messages do
      local at, named = parts_of(messages[n], true)
      if named == tracing.id then position, received = n, tonumber(at) end
    end
    if position == 0 then return end
  end
  found_at(tracing, {
    'dead', about[1] or '', id, tonumber(about[2]) or 0, tonumber(about[3]) or 0, 0, position, received, about[4] or '', tonumber(about[5]) or 0,
    tonumber(died), about[6] or '',
  })
end

-- Looks at dead batches, those that died last first. WHY not by their numbers: one that goes meanwhile would hide another.
local function trace_dead(queue, tracing)
  local dead = dead_key(queue.root)
  if tracing.batch then
    trace_dead_batch(queue, tracing, tracing.batch)
    if tracing.what == 'dead' then go_on(tracing, 'stream') end
    return
  end
  local left = tracing.name == '' and redis.call('ZCARD', dead) or redis.call('ZRANK', dead, tracing.name)
    or redis.call('ZCOUNT', dead, '-inf', tracing.place)
  while left > 0 do
    local first = math.max(0, left - PAGE)
    local ids = redis.call('ZRANGE', dead, count_text(first), count_text(left - 1))
    for n = #ids, 1, -1 do
      trace_dead_batch(queue, tracing, ids[n])
      if tracing.what == 'nothing' then return end
      if not has_work_left(tracing) then return go_on(tracing, 'dead', digits(tonumber(redis.call('ZSCORE', dead, ids[n]))), ids[n]) end
    end
    left = first
  end
  go_on(tracing, 'stream')
end

-- What an entry of a stream says, by name, the position of the message that is traced, and how much work it was to read it.
local function read_streamed(fields, id)
  local about, position, bytes = {}, nil, 0
  for n = 1, #fields, 2 do
    local name, value = fields[n], fields[n + 1]
    about[name], bytes = value, bytes + #value
    if value == id then position = tonumber(string.match(name, '^id:(%d+)$')) or position end
  end
  return about, position, WORK.entry + #fields / WORK.fields + bytes / WORK.bytes
end

-- Looks at the entries of one stream, the newest first, one at a time, since each may be as large as a batch may be. Whether it has come to its end.
local function trace_entries(queue, tracing)
  local stream = stream_key(queue.root, tracing.name)
  while has_work_left(tracing) do
    local latest = tracing.place == '0' and '+' or '(' .. tracing.place
    local entry = (read_unless_foreign('XREVRANGE', stream, latest, '-', 'COUNT', '1') or {})[1]
    if not entry then return true end
    local about, position, work = read_streamed(entry[2], tracing.id)
    tracing.work, tracing.place = tracing.work + work, entry[1]
    local is_meant = not tracing.batch and about.key == tracing.key or tracing.batch and about.id == tracing.batch
    if is_meant and (position or not tracing.id) then
      local received = position and tonumber(about['at:' .. count_text(position)]) or 0
      found_at(tracing, {
        'streamed', about.key or '', about.id or '', 0, tonumber(about.count) or 0, 0, position or 0, received, about.reason or '',
        tonumber(about.deadline) or 0, tonumber((string.match(entry[1], '^%d+'))), tracing.name,
      })
      if tracing.what == 'nothing' then return false end
    end
  end
  return false
end

-- Looks at all streams, one after the other by their names. The first has no name.
local function trace_streams(queue, tracing)
  while has_work_left(tracing) and tracing.what == 'stream' do
    if tracing.name == '' or trace_entries(queue, tracing) then
      local after = tracing.name == '' and '-' or '(' .. tracing.name
      local name = redis.call('ZRANGEBYLEX', streams_key(queue.root), after, '+', 'LIMIT', '0', '1')[1]
      tracing.work = tracing.work + WORK.dead
      go_on(tracing, name and 'stream' or 'nothing', '0', name)
    end
  end
end

local function trace(keys, args)
  local queue, refusal = read_queue(keys, 'looked')
  if refusal then return refusal end
  local options, bad = read_options(args, 1, TRACE_OPTIONS)
  if bad then return bad end
  local tracing, unread = read_tracing(options)
  if unread then return unread end
  local root, size = queue.root, 0
  local claims, streams = redis.pcall('HLEN', claims_key(root)), redis.pcall('ZCARD', streams_key(root))
  refusal = foreign_index(root) or error_of(claims, 'hash', claims_key(root)) or error_of(streams, 'zset', streams_key(root))
  if tracing.key and not refusal then size, refusal = size_of(root, tracing.key) end
  if refusal then return refusal end
  queue.now = now_ms()
  local remembered = 0
  if tracing.id then
    local digest = digest_of(tracing.key, tracing.id)
    local ids = read_ids(queue, { digest })
    if ids.failed then return ids.failed end
    remembered = ids.known[digest] and 1 or 0
  end
  if tracing.what == 'list' then trace_list(queue, tracing, size) end
  if tracing.what == 'claims' then trace_claims(queue, tracing) end
  if tracing.what == 'dead' and has_work_left(tracing) then trace_dead(queue, tracing) end
  if tracing.what == 'stream' then trace_streams(queue, tracing) end
  local next = tracing.what == 'nothing' and '' or tracing.what .. ':' .. tracing.place .. ':' .. tracing.name
  return { queue.now, next, remembered, looked_before(queue), watch_at(queue), state_of(queue), unpack(tracing.found) }
end

register('trace', trace, { 'no-writes' }, 'Tell where a message, a conversation or a batch is, and what it waits for.')
