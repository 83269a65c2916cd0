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
--   EDITS    id, 1 to 512 bytes, of a message of the key: if that is still open, the data take the place of its data, and it keeps all else. If a worker
--            has it, it was handed over, or it is not found, this is a message of its own
--   WITHDRAWS id, 1 to 512 bytes: likewise, that message is taken away
--   CONTEXT  what is handed over with the message and means nothing here: '<traceparent>[;<tracestate>]' of W3C Trace Context, with %20 for a blank,
--            %2C for a comma and %25 for a percent sign; at most 2048 bytes
--   REQUEUED '<ms>:<name>', of a message that died in another partition: received at <ms>, remembered by <name> instead of ID, bound by no maxBacklog
--   NEXT     another message follows: key, data and its tokens
--   GENERATION  number of the change of partitions by which the caller has found this root: the last two arguments; none without partitions
-- RETURNS
--   status   for each message: 'added' | 'replaced' | 'withdrawn' | 'duplicate', or an error when this one of several was refused
--   size     for each message: messages that the key holds now, those of a batch in work included
-- ERRORS
--   BAD_ROOT           not exactly one root key with a hash tag
--   WRONG_TYPE         the root, an index, what remembers ids, or the list of the key, is a key of another type
--   MISSING_ARGUMENT   key, data or the value of a token is missing
--   UNKNOWN_ARGUMENT   something else stands where a token was expected
--   BAD_ARGUMENT       WAIT, MAXWAIT or MAXSIZE is out of range, MAXWAIT is shorter than WAIT, CONTEXT is empty, too long, or has a blank, a comma or
--                      what is no printable ASCII, REQUEUED is no time and name, a message would edit or withdraw itself, or two of EDITS, WITHDRAWS
--                      and REQUEUED are there; of the whole call: its messages are too much together
--                      (lua/README.md), and none is stored
--   BAD_KEY            the key is empty or too long
--   BAD_ID             the id, or the one that EDITS or WITHDRAWS names, is empty or too long
--   MESSAGE_TOO_LARGE  the data has more than maxMessageBytes
--   BACKLOG_FULL       the key holds maxBacklog messages, or it holds none and maxKeys others hold some; nothing is stored and the id is not remembered
--   REPARTITIONED      this root does not serve, and the key has no messages left here, or it goes by another generation: ask rapidfire_layout
--
-- WHY each message of several stands alone: they may come from callers that know nothing of each other.
-- WHY ids are remembered before the messages are stored, and each write can be taken back: a command may fail half-way, because the caller
-- lacks the right or a key is of another type. Then id and message must both be there or neither, or the next try would lose or double it.
local ADD_OPTIONS = {
  ID = OPTIONS.id, WAIT = OPTIONS.wait, MAXWAIT = OPTIONS.maxWait, MAXSIZE = OPTIONS.maxSize, FLUSH = OPTIONS.flush,
  EDITS = OPTIONS.edits, WITHDRAWS = OPTIONS.withdraws, CONTEXT = OPTIONS.traceContext, REQUEUED = OPTIONS.requeued,
  GENERATION = OPTIONS.generation,
}

-- '<ms>:<name>' as a table. The name of a message of a dead batch is the id of that and its position from 1, with a colon between.
local function read_requeued(text)
  local at, name = string.match(text, '^(%d+):(.+)$')
  at = integer(at, 0, LAST)
  if not at then return nil, fail('BAD_ARGUMENT', 'REQUEUED must be a time in ms and a name, <ms>:<name>, got ' .. shown(text)) end
  local number, position = string.match(name, '^%d+%-(%d+)[^:]*:(%d%d?%d?%d?)$')
  return { at = at, name = name, place = number and place_among_dead(number, position) }
end

-- Reads the options of a message that has others than an id. Returns where reading ended, and { id, options, context, change, requeued, refusal,
-- generation }, each of them if it has one; or nil and a refusal of the whole call.
local function read_special(args, at)
  local options, stopped, refusal = read_tokens(args, at, ADD_OPTIONS, 'NEXT')
  if not stopped then return nil, refusal end
  if not options then return stopped, { refusal = refusal } end
  local special = { id = options.id, context = options.traceContext, generation = options.generation }
  if options.id == '' then refusal = refusal or fail('BAD_ID', 'an id must have 1 to ' .. OPTIONS.id.bytes .. ' bytes, got 0') end
  if options.wait and options.maxWait and options.maxWait < options.wait then
    refusal = refusal
      or fail('BAD_ARGUMENT', string.format('MAXWAIT must not be shorter than WAIT (%.0f), got %.0f', options.wait, options.maxWait))
  end
  if options.traceContext and not string.find(options.traceContext, '^[!-+%-.-~]+$') then
    refusal = refusal or fail('BAD_ARGUMENT', 'CONTEXT must be printable ASCII without blanks and commas, got ' .. shown(options.traceContext))
  end
  if options.requeued then
    local requeued, bad = read_requeued(options.requeued)
    special.requeued, refusal = requeued, refusal or bad
  end
  if options.edits or options.withdraws then
    special.change = { of = options.edits or options.withdraws, takes_away = options.withdraws ~= nil }
    refusal = refusal or bad_change(options)
  end
  if options.wait or options.maxWait or options.maxSize or options.flush then special.options = options end
  special.refusal = refusal
  return stopped, special
end

-- What is stored of a message.
local function element_of(queue, special, data)
  -- As message_header has it.
  if not special then return digits(queue.now) .. ' 0 ' .. data end
  local id, requeued = special.id or '', special.requeued
  local received = requeued and math.min(requeued.at, queue.now) or queue.now
  return message_header(received, #id, special.options, requeued and requeued.place, special.context) .. id .. data
end

-- The refusal of a message whose key or data may be out of bounds. Data that is larger than any before is noted in `messages`.
local function check_bounds(queue, messages, key, data)
  local most = queue.maxMessageBytes
  local refusal = bad_key(key)
    or #data > most and fail('MESSAGE_TOO_LARGE', 'data must have at most ' .. how_many(most, 'byte') .. ', got ' .. #data)
  if refusal then return refusal end
  while messages.largest < #data do messages.largest = 2 * messages.largest end
end

-- What a message with other tokens than ID weighs besides its key and data.
local function weight_of(special)
  local work = special.requeued and LIMITS.requeuedWork or special.change and LIMITS.changeWork or special.options and LIMITS.specialWork
  return (work or LIMITS.messageWork) + #(special.id or '') + #(special.context or '')
end

-- Puts a value into one of the lists of messages that nearly no call needs: it is made then.
local function put(messages, list, n, value)
  messages[list] = messages[list] or {}
  messages[list][n] = value
end

-- Returns the messages, or nil and a refusal of the whole call. They are lists: `keys` and `elements`, as they are stored, of all; `specials` as
-- read_special has them, `refusals`, and `digests` of the ids, of those that have one; and in `asked` all digests. And the `generation`, and
-- `largest`: no message has more bytes of data, rounded up.
-- WHY lists: a table for each message would cost a tenth of what storing it does.
local function read_messages(queue, args)
  local keys, elements, digests, asked, most, longest = {}, {}, nil, nil, math.min(queue.maxMessageBytes, queue.largest), LIMITS.key
  local messages = { keys = keys, elements = elements, digests = nil, asked = nil, largest = queue.largest }
  local n, at, length, header, weight = 0, 1, nil, nil, 0
  repeat
    n = n + 1
    local key, data, word = args[at], args[at + 1], args[at + 2]
    local id, special, refusal, digest = '', nil, nil, nil
    if not data then return nil, fail('MISSING_ARGUMENT', 'expected a key and its data; got ' .. (key and 'a key alone' or 'nothing')) end
    at = at + 2
    if word and word ~= 'NEXT' then
      local value, behind = args[at + 1], args[at + 2]
      -- An id and nothing else is nearly every one: read without a table of its own.
      if word == 'ID' and value and value ~= '' and #value <= OPTIONS.id.bytes and (behind == nil or behind == 'NEXT') then
        id, at = value, at + 2
      else
        at, special = read_special(args, at)
        if not at then return nil, special end
        refusal, messages.generation = special.refusal, special.generation or messages.generation
      end
    end
    weight = weight + #key + #data + (special and weight_of(special) or #id + LIMITS.messageWork)
    if weight > LIMITS.added and n > 1 then
      return nil, fail('BAD_ARGUMENT', string.format(
        'the messages of one call must weigh at most %d together, each its bytes and %d, or with other tokens than ID %d; the first %d weigh %d',
        LIMITS.added, LIMITS.messageWork, LIMITS.specialWork, n, weight
      ))
    end
    if #data > most or #key > longest or key == '' then refusal = refusal or check_bounds(queue, messages, key, data) end
    keys[n] = key
    if refusal then
      put(messages, 'refusals', n, refusal)
    elseif special then
      local requeued = special.requeued
      put(messages, 'specials', n, special)
      elements[n] = element_of(queue, special, data)
      digest = (requeued or special.id) and digest_of(key, special.id, requeued and requeued.name)
    else
      -- Those with ids of the same length begin alike.
      if #id ~= length then length, header = #id, message_header(queue.now, #id) end
      elements[n] = header .. id .. data
      digest = id ~= '' and digest_of(key, id)
    end
    if digest then
      digests, asked = digests or {}, asked or {}
      digests[n], asked[#asked + 1] = digest, digest
    end
    local more = args[at]
    at = at + 1
  until not more
  messages.digests, messages.asked = digests, asked
  return messages
end

-- Takes back what is remembered of a message, and the message: by `undo`, or it is the last of its key. False when that is not allowed: then
-- it counts as stored, since half of it would be worse.
local function unstore(queue, key, digest, ids, undo)
  if digest and not forget_id(ids, digest) then return false end
  if undo then
    undo()
    return true
  end
  if take_back(queue, key) then return true end
  if digest then remember_again(ids, digest) end
  return false
end

-- Why the queue takes no message of one key more, or nil.
local function closed_to_new(queue)
  local due, active = due_key(queue.root), active_key(queue.root)
  local waiting, taken = redis.pcall('ZCARD', due), redis.pcall('ZCARD', active)
  local foreign = error_of(waiting, 'zset', due) or error_of(taken, 'zset', active)
  if foreign then return foreign end
  local open = waiting + taken
  if open >= queue.maxKeys then
    return fail('BACKLOG_FULL', 'the queue has ' .. how_many(open, 'conversation') .. ' with messages, maxKeys is ' .. queue.maxKeys)
  end
end

-- Why a key that has so many messages takes no more, or nil.
local function closed_to(queue, count)
  if count == 0 then
    -- While messages of the key are left here, newer ones must stay behind them.
    if refuses_new(queue) then return not_serving(queue.root) end
    if queue.maxKeys > 0 then return closed_to_new(queue) end
  end
  if count >= queue.maxBacklog then return fail('BACKLOG_FULL', 'the key holds ' .. how_many(count, 'message') .. ', maxBacklog is ' .. queue.maxBacklog) end
end

-- Whether a message will be refused, before it is written: what is written and taken back is in the append-only file all the same, and goes to
-- the replicas. A small one is written, which costs less than to ask for each, unless nearly all are refused here.
local function closed_before(queue, key, element)
  if #element <= LIMITS.unasked and not refuses_new(queue) then return nil end
  local count = redis.pcall('LLEN', messages_key(queue.root, key))
  return type(count) == 'number' and closed_to(queue, count) or nil
end

-- Stores a message at the end of its key, unless it was put there before: `size`. Returns how many the key has then, and when it is due if that has
-- changed; or nil and a refusal, and then neither the message nor its id is there.
local function store(queue, key, element, options, digest, ids, size)
  local closed = not size and closed_before(queue, key, element)
  -- What remains remembered must be stored.
  if closed and (not digest or forget_id(ids, digest)) then return nil, closed end
  local at, failed
  if not size then size, failed = append(messages_key(queue.root, key), element) end
  if not size then
    if digest then forget_id(ids, digest) end
    return nil, failed
  end
  failed = closed_to(queue, size - 1)
  if not failed and digest then failed = begin_slice(queue, ids) end
  if not failed then at, failed = index_appended(queue, key, size, options) end
  if failed then
    if unstore(queue, key, digest, ids) then return nil, failed end
    -- Its id must be found again, also in a slice that would have begun with it.
    if digest then begin_slice(queue, ids) end
    keep_indexed(queue, key)
  end
  return size, at
end

-- Stores a message that died in another partition where its time belongs. Returns the same.
local function store_requeued(queue, key, element, special, digest, ids)
  local list = messages_key(queue.root, key)
  local size = redis.pcall('LLEN', list)
  local undo, at
  local failed = error_of(size, 'list', list) or size == 0 and refuses_new(queue) and not_serving(queue.root)
  if not failed then
    undo, at = bring_back(queue, key, { element }, special.options ~= nil)
    failed = not undo and at
  end
  if failed then
    forget_id(ids, digest)
    return nil, failed
  end
  failed = begin_slice(queue, ids)
  -- What cannot be taken back is in the index already.
  if failed and unstore(queue, key, digest, ids, undo) then return nil, failed end
  return size + 1, at
end

-- What is told of a message whose id was accepted before, or cannot be remembered: a status, or a refusal, and a size. Nil of any other.
local function refuse_again(queue, key, digest, ids)
  if ids.failed then return ids.failed, 0 end
  if ids.known[digest] then
    local list = messages_key(queue.root, key)
    local size = redis.pcall('LLEN', list)
    if type(size) == 'table' then return wrong_type(size, 'list', list), 0 end
    return 'duplicate', size
  end
  if ids.forgotten and ids.forgotten[digest] then remember_again(ids, digest) end
end

-- What becomes of a message that is not refused: its status, how many messages its key has, and when that is due if it has changed; or a refusal and 0.
-- `digest`: that of its id, if it has one, which is among the `ids` of the call; `size`: how many messages its key has, if it was put there before.
local function accept(queue, key, element, special, digest, ids, size)
  if digest then
    local status, found = refuse_again(queue, key, digest, ids)
    if status == 'duplicate' and queue.events > 0 then note_event(queue, status, key, 'id', element) end
    if status then return status, found end
  end
  if special and special.change then
    local status, changed_size, at = change_open(queue, key, element, special.change, digest, ids)
    if status then return status, changed_size, at end
  end
  local at
  if special and special.requeued then
    size, at = store_requeued(queue, key, element, special, digest, ids)
  else
    size, at = store(queue, key, element, special and special.options, digest, ids, size)
  end
  if not size then return at, 0 end
  if digest then ids.known[digest] = true end
  if queue.events > 0 then note_event(queue, special and special.requeued and 'requeued' or 'added', key, 'id', element) end
  return 'added', size, at
end

-- Notes that there is data that is larger than any before, as `largest` says. Returns a refusal.
local function note_largest(queue, largest)
  if largest <= queue.largest then return nil end
  local noted = write_settings(queue, { largest = largest })
  if type(noted) == 'table' then return wrong_type(noted, 'hash', queue.root) end
end

-- Counts what was stored: nothing that fails from here on may hide it.
local function count_added(queue, added, duplicates, soonest)
  if added > 0 then redis.pcall('HINCRBY', queue.root, 'added', count_text(added)) end
  if duplicates > 0 then redis.pcall('HINCRBY', queue.root, 'duplicates', count_text(duplicates)) end
  if soonest then wake_watcher(queue, soonest) end
  if queue.told then write_events(queue) end
end

-- One message alone, as most calls bring it: the lists that several need would cost a third of it. `special`: as read_special has it, or nil.
local function add_one(queue, key, data, special)
  local refusal, largest = special and special.refusal, queue.largest
  if #data > largest or #data > queue.maxMessageBytes or #key > LIMITS.key or key == '' then
    local bounds = { largest = largest }
    refusal = refusal or check_bounds(queue, bounds, key, data)
    largest = bounds.largest
  end
  if refusal then return refusal end
  local digest, ids
  if special then
    local requeued = special.requeued
    digest = (requeued or special.id) and digest_of(key, special.id, requeued and requeued.name)
    ids = digest and read_ids(queue, { digest })
  end
  local element = element_of(queue, special, data)
  -- What index_appended asks for may be refused, and by then the message would be stored.
  any_options(queue)

  -- first write
  refusal = note_largest(queue, largest)
  if refusal then return refusal end
  if ids then remember_ids(ids) end
  local status, size, at = accept(queue, key, element, special, digest, ids)
  count_added(queue, status == 'added' and 1 or 0, status == 'duplicate' and 1 or 0, at)
  if type(status) == 'table' then return status end
  return { status, size }
end

-- A list without members, for one that has not been made.
local NONE = {}

local function add_several(queue, args)
  local messages, refusal = read_messages(queue, args)
  refusal = refusal or other_generation(queue, messages.generation)
  if refusal then return refusal end
  local ids = messages.asked and read_ids(queue, messages.asked)
  local owners, elements, refusals = messages.keys, messages.elements, messages.refusals or NONE
  local digests, specials = messages.digests or NONE, messages.specials or NONE
  local reply, added, duplicates, soonest = {}, 0, 0, nil
  any_options(queue)

  -- first write
  refusal = note_largest(queue, messages.largest)
  if refusal then return refusal end
  if ids then remember_ids(ids) end
  -- WHY a short way for messages that have no tokens but ID, were not accepted before, and need only be put behind those of their keys, if these have
  -- some and no batch is full by it: they are nearly all, and the long one costs a quarter more instructions for each.
  local plain, lists, known, tells, full = false, messages_key(queue.root, ''), ids and ids.known or NONE, queue.events > 0, queue.maxSize
  for n = 1, #owners do
    local status, size, at = refusals[n], 0, nil
    if not status then
      local key, element, digest = owners[n], elements[n], digests[n]
      plain = plain or specials == NONE and not (ids and (ids.failed or ids.begins or ids.forgotten)) and not refuses_new(queue) and not any_options(queue)
      local pushed = plain and #element <= LIMITS.unasked and not known[digest or 0] and append(lists .. key, element)
      if pushed and pushed > 1 and pushed < full then
        status, size = 'added', pushed
        if digest then known[digest] = true end
        if tells then note_event(queue, 'added', key, 'id', element) end
      else
        status, size, at = accept(queue, key, element, specials[n], digest, ids, pushed)
        plain = plain and status == 'added'
      end
    end
    if status == 'added' then
      added = added + 1
    elseif status == 'duplicate' then
      duplicates = duplicates + 1
    end
    if at and (not soonest or at < soonest) then soonest = at end
    reply[2 * n - 1], reply[2 * n] = status, size
  end
  count_added(queue, added, duplicates, soonest)
  return reply
end

local function add(keys, args)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  queue.now, queue.first_bytes = now_ms(), 0
  if #args == 2 then return add_one(queue, args[1], args[2]) end
  if #args == 4 and args[3] == 'ID' and args[4] ~= '' and #args[4] <= OPTIONS.id.bytes then
    return add_one(queue, args[1], args[2], { id = args[4], options = nil, requeued = nil, refusal = nil })
  end
  if args[2] and args[3] ~= 'NEXT' then
    local stopped, special = read_special(args, 3)
    if not stopped then return special end
    if not args[stopped] then return other_generation(queue, special.generation) or add_one(queue, args[1], args[2], special) end
  end
  return add_several(queue, args)
end

register('add', add, {}, 'Append messages to the open batches of their keys.')
