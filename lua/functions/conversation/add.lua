--- Append messages to the open batches of their keys.
--
--   FCALL rapidfire_add 1 rapid-fire:{orders} 79001234567 '{"text":"Hi"}'
--   FCALL rapidfire_add 1 rapid-fire:{orders} 79001234567 '{"text":"book me"}' ID wamid.2 WAIT 5000
--   FCALL rapidfire_add 1 rapid-fire:{orders} 79001234567 '{"text":"stop"}' FLUSH NEXT 79007654321 '{"text":"Hello"}' ID wamid.4
--
-- KEYS
--   root     root key of the queue; every other key is this one plus a part (lua/README.md)
-- ARGV
--   key      the conversation, 1 to 1024 bytes
--   data     the message, any bytes, at most maxMessageBytes of the policy; never decoded here
--   ID       message id, 1 to 512 bytes, unique in the conversation: a second message of the key with it is a duplicate within `dedupe`
--   WAIT     ms of quiet after this message instead of the policy's; like MAXWAIT and MAXSIZE, until the next message of the key
--   MAXWAIT  ms from the first message of the batch instead of the policy's
--   MAXSIZE  messages a batch instead of the policy's
--   FLUSH    the batch ends with this message and is ready at once
--   REQUEUED '<ms>:<name>', of a message that died in another partition: received at <ms>, remembered by <name> instead of ID, bound by no maxBacklog
--   NEXT     another message follows: key, data and its tokens
--   GENERATION  number of the change of partitions by which the caller has found this root: the last two arguments; none without partitions
-- RETURNS
--   status   for each message: 'added' | 'duplicate', or an error when this one of several was refused
--   size     for each message: messages that the key holds now, those of a batch in work included
-- ERRORS
--   BAD_ROOT           not exactly one root key with a hash tag
--   WRONG_TYPE         the root, an index, what remembers ids, or the list of the key, is a key of another type
--   MISSING_ARGUMENT   key, data or the value of a token is missing
--   UNKNOWN_ARGUMENT   something else stands where a token was expected
--   BAD_ARGUMENT       WAIT, MAXWAIT or MAXSIZE is out of range, MAXWAIT is shorter than WAIT, or REQUEUED is no time and name
--   BAD_KEY            the key is empty or too long
--   BAD_ID             the id is empty or too long
--   MESSAGE_TOO_LARGE  the data has more than maxMessageBytes
--   BACKLOG_FULL       the key holds maxBacklog messages; nothing is stored and the id is not remembered
--   REPARTITIONED      this root does not serve, and the key has no messages left here, or it goes by another generation: ask rapidfire_layout
--
-- WHY each message of several stands alone: they may come from callers that know nothing of each other.
-- WHY ids are remembered before the messages are stored, and each write can be taken back: a command may fail half-way, because the caller
-- lacks the right or a key is of another type. Then id and message must both be there or neither, or the next try would lose or double it.
local ADD_OPTIONS = {
  ID = OPTIONS.id, WAIT = OPTIONS.wait, MAXWAIT = OPTIONS.maxWait, MAXSIZE = OPTIONS.maxSize, FLUSH = OPTIONS.flush,
  REQUEUED = OPTIONS.requeued, GENERATION = OPTIONS.generation,
}

-- '<ms>:<name>' as a table. The name of a message of a dead batch is the id of that and its position from 1, with a colon between.
local function read_requeued(text)
  local at, name = string.match(text, '^(%d+):(.+)$')
  at = integer(at, 0, 9999999999999)
  if not at then return nil, fail('BAD_ARGUMENT', 'REQUEUED must be a time in ms and a name, <ms>:<name>, got ' .. shown(text)) end
  local batch, position = string.match(name, '^(.*):(%d%d?%d?%d?)$')
  return { at = at, name = name, place = batch and place_among_dead(batch, position) }
end

-- What stands behind the data of a message goes into it: its `id`, what REQUEUED says, its other `options`, and a `refusal`.
-- Returns the generation, if it is told here.
local function take_options(message, options, refusal)
  if not refusal and options.wait and options.maxWait and options.maxWait < options.wait then
    refusal = fail('BAD_ARGUMENT', string.format('MAXWAIT must not be shorter than WAIT (%.0f), got %.0f', options.wait, options.maxWait))
  end
  if options.requeued then
    local requeued, bad = read_requeued(options.requeued)
    message.requeued, refusal = requeued, refusal or bad
  end
  if refusal then message.refusal = refusal end
  message.id = options.id
  if options.wait or options.maxWait or options.maxSize or options.flush then message.options = options end
  return options.generation
end

-- Returns the messages, each { key, data, id, options, requeued, refusal }, and the generation; or nil and a refusal of the whole call.
local function read_messages(args)
  local messages, at, generation = {}, 1, nil
  repeat
    local key, data, word = args[at], args[at + 1], args[at + 2]
    if not data then return nil, fail('MISSING_ARGUMENT', 'expected a key and its data; got ' .. (key and 'a key alone' or 'nothing')) end
    local message
    at = at + 2
    -- An id and nothing else, or no token at all, is nearly every message: read without a table of its own.
    if word == 'ID' and args[at + 1] and #args[at + 1] <= OPTIONS.id.bytes and (args[at + 2] == nil or args[at + 2] == 'NEXT') then
      message = { key = key, data = data, id = args[at + 1], digest = nil }
      at = at + 2
    else
      message = { key = key, data = data, id = nil, options = nil }
      if word and word ~= 'NEXT' then
        local options, stopped, refusal = read_tokens(args, at, ADD_OPTIONS, 'NEXT')
        if not stopped then return nil, refusal end
        at = stopped
        generation = take_options(message, options or {}, refusal) or generation
      end
    end
    messages[#messages + 1] = message
    local more = args[at]
    at = at + 1
  until not more
  return messages, nil, generation
end

local function bad_message(message, queue)
  local key, data = message.key, message.data
  if #key < 1 or #key > LIMITS.key then return bad_key(key) end
  if message.id == '' then return fail('BAD_ID', 'an id must have 1 to 512 bytes, got 0') end
  if #data > queue.maxMessageBytes then
    return fail('MESSAGE_TOO_LARGE', string.format('data must have at most %d bytes, got %d', queue.maxMessageBytes, #data))
  end
end

-- Refuses messages one by one, and looks up the ids of the others. Returns what is known of these, or nil when none has an id.
local function judge(queue, messages)
  local asked
  for n = 1, #messages do
    local message = messages[n]
    local refusal = message.refusal or bad_message(message, queue)
    if refusal then
      message.refusal = refusal
    elseif message.id or message.requeued then
      asked = asked or {}
      message.digest = digest_of(message.key, message.id, message.requeued and message.requeued.name)
      asked[#asked + 1] = message.digest
    end
  end
  return asked and read_ids(queue, asked)
end

-- A message as it is stored. Of several messages those without options begin alike when their ids have the same length.
local function element_of(queue, message, headers)
  local id = message.id or ''
  local alike = headers and not message.options
  local header = alike and headers[#id] or message_header(queue.now, #id, message.options)
  if alike then headers[#id] = header end
  return header .. id .. message.data
end

-- Takes back what is remembered of a message, and the message: by `undo`, or it is the last of its key. False when that is not allowed: then
-- it counts as stored, since half of it would be worse.
local function unstore(queue, message, ids, undo)
  local digest = message.digest
  if digest and not forget_id(ids, digest) then return false end
  if undo then
    undo()
    return true
  end
  if take_back(queue, message.key) then return true end
  if digest then remember_again(ids, digest) end
  return false
end

-- Stores a message at the end of its key. Returns how many the key has then, and when it is due if that has changed; or nil and a refusal, and
-- then neither the message nor its id is there.
local function store(queue, message, ids, headers)
  local key, digest = message.key, message.digest
  local size, failed = append(queue, key, element_of(queue, message, headers))
  local at
  if not size then
    if digest then forget_id(ids, digest) end
    return nil, failed
  elseif size == 1 and queue.refuses_new then
    -- While messages of the key are left here, newer ones must stay behind them.
    failed = not_serving(queue.root)
  elseif size > queue.maxBacklog then
    failed = fail('BACKLOG_FULL', 'the key holds ' .. (size - 1) .. ' messages, maxBacklog is ' .. queue.maxBacklog)
  elseif digest then
    failed = begin_slice(queue, ids)
  end
  if not failed then at, failed = index_appended(queue, key, size, message.options) end
  if failed then
    if unstore(queue, message, ids) then return nil, failed end
    keep_indexed(queue, key)
  end
  return size, at
end

-- Stores a message that died in another partition where its time belongs. Returns the same.
local function store_requeued(queue, message, ids)
  local key, again, list = message.key, message.requeued, messages_key(queue.root, message.key)
  local id, size = message.id or '', redis.pcall('LLEN', list)
  local undo, at
  local failed = error_of(size, 'list', list) or size == 0 and queue.refuses_new and not_serving(queue.root)
  if not failed then
    local header = message_header(math.min(again.at, queue.now), #id, message.options, again.place)
    undo, at = bring_back(queue, key, { header .. id .. message.data })
    failed = not undo and at
  end
  if failed then
    forget_id(ids, message.digest)
    return nil, failed
  end
  failed = begin_slice(queue, ids)
  if failed then
    if unstore(queue, message, ids, undo) then return nil, failed end
    keep_indexed(queue, key)
  end
  return size + 1, at
end

-- Stores one message that was not refused, unless it was accepted before. Returns what is told of it: a status, or a refusal, and a size; and when
-- its key is due if that has changed.
local function accept(queue, message, ids, headers)
  local digest = message.digest
  if digest and ids.known[digest] then
    local list = messages_key(queue.root, message.key)
    local size = redis.pcall('LLEN', list)
    if type(size) == 'table' then return wrong_type(size, 'list', list), 0 end
    return 'duplicate', size
  end
  if digest and ids.forgotten and ids.forgotten[digest] then remember_again(ids, digest) end
  local size, at
  if message.requeued then
    size, at = store_requeued(queue, message, ids)
  else
    size, at = store(queue, message, ids, headers)
  end
  if not size then return at, 0 end
  if digest then ids.known[digest] = true end
  return 'added', size, at
end

local function add(keys, args)
  local root = keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local messages, bad, generation = read_messages(args)
  refusal = bad or other_generation(root, queue, generation)
  if refusal then return refusal end
  queue.now = now_ms()
  local listed = redis.pcall('SCARD', overrides_key(root))
  if type(listed) == 'table' then return wrong_type(listed, 'set', overrides_key(root)) end
  queue.any_options = listed > 0
  local ids = judge(queue, messages)
  local reply, headers, added, duplicates, soonest = {}, #messages > 1 and {}, 0, 0, nil

  -- first write
  if ids then remember_ids(ids) end
  for n = 1, #messages do
    local message = messages[n]
    local status, size, at = message.refusal or message.digest and ids.failed, 0, nil
    if not status then status, size, at = accept(queue, message, ids, headers) end
    if status == 'added' then added = added + 1 end
    if status == 'duplicate' then duplicates = duplicates + 1 end
    if at and (not soonest or at < soonest) then soonest = at end
    reply[2 * n - 1], reply[2 * n] = status, size
  end
  -- All is stored: nothing that fails from here on may hide it.
  if added > 0 then redis.pcall('HINCRBY', root, 'added', count_text(added)) end
  if duplicates > 0 then redis.pcall('HINCRBY', root, 'duplicates', count_text(duplicates)) end
  wake_watcher(queue, soonest)
  if #messages == 1 and type(reply[1]) == 'table' then return reply[1] end
  return reply
end

register('add', add, {}, 'Append messages to the open batches of their keys.')
