// Generated from lua/ by lua/build. Do not edit: run `npm run build`.

/** Text for FUNCTION LOAD. */
export const LIBRARY: string = `#!lua name=rapidfire
local VERSION = '0.1.0'
local REMEMBERS = true; local function register(name, callback, flags, text)
  redis.register_function{ function_name = 'rapidfire_' .. name, callback = callback, flags = flags, description = text } end
local POLICY
local LIMITS
local OPTIONS
do
--- Every bound, once: what callers may give, what holds when they give nothing, and what one call does at most. Times are in ms, sizes in
--- bytes. The build hands all of it on to TypeScript, so neither the client nor the documents repeat a number.

local SECOND, MINUTE, HOUR, DAY, YEAR = 1000, 60000, 3600000, 86400000, 31536000000
local KIB, MIB = 1024, 1048576

-- The members of the policy, by the token that sets them.
POLICY = {
  WAIT = { field = 'wait', least = 1, most = YEAR, default = 10 * SECOND, code = 'BAD_POLICY' },
  MAXWAIT = { field = 'maxWait', least = 1, most = YEAR, default = MINUTE, code = 'BAD_POLICY' },
  -- A batch is read and handed on in one call, hence the bound.
  MAXSIZE = { field = 'maxSize', least = 1, most = 500, default = 10, code = 'BAD_POLICY' },
  MAXBACKLOG = { field = 'maxBacklog', least = 1, most = 1000000, default = 1000, code = 'BAD_POLICY' },
  MAXMESSAGEBYTES = { field = 'maxMessageBytes', least = 1, most = MIB, default = 256 * KIB, code = 'BAD_POLICY' },
  MAXBATCHBYTES = { field = 'maxBatchBytes', least = 1, most = MIB, default = MIB, code = 'BAD_POLICY' },
  DEDUPE = { field = 'dedupe', least = 1, most = YEAR, default = HOUR, code = 'BAD_POLICY' },
  MAXDEAD = { field = 'maxDead', least = 1, most = 1000000, default = 10000, code = 'BAD_POLICY' },
  -- 0: however old, and however many.
  MAXDEADAGE = { field = 'maxDeadAge', least = 0, most = YEAR, default = 0, code = 'BAD_POLICY' },
  MAXKEYS = { field = 'maxKeys', least = 0, most = 100000000, default = 0, code = 'BAD_POLICY' },
  -- 0: none are written.
  EVENTS = { field = 'events', least = 0, most = 1000000, default = 0, code = 'BAD_POLICY' },
  -- 0: no batch is.
  ARCHIVE = { field = 'archive', least = 0, most = YEAR, default = 0, code = 'BAD_POLICY' },
  MAXARCHIVED = { field = 'maxArchived', least = 1, most = 1000000, default = 10000, code = 'BAD_POLICY' },
}

-- The most of what is no option of a call.
LIMITS = {
  -- Bytes of the key of a conversation, of the name of a stream, and of the name in a NONCE.
  key = KIB,
  stream = 128,
  caller = 48,
  -- What the messages of one call weigh together: each its bytes, and beside them what it costs however short it is: with no token but ID, with
  -- options, with EDITS or WITHDRAWS, or with REQUEUED. One alone may weigh more. Of the first messages of keys with options, which may be large, one
  -- call reads so many bytes.
  added = 256 * KIB,
  messageWork = 2 * KIB,
  specialWork = 5 * KIB,
  changeWork = 64 * KIB,
  requeuedWork = 64 * KIB,
  firstBytes = 64 * KIB,
  -- A queue is taken to have no messages with more bytes of data, until one comes.
  small = 4 * KIB,
  -- Of one call: pairs of key and token, ids of dead batches, and parts that are looked at.
  pairs = 50,
  ids = 100,
  parts = 100,
  -- Commands of Redis whose rights one call asks for.
  commands = 200,
  -- One call brings back so many messages of dead batches, each batch counting for some more, or one batch.
  revived = 600,
  revivedMore = 20,
  -- A message of more bytes is written only when its key is known to have room.
  unasked = 4096,
  -- A message that is to be changed is looked for among so many of the newest of its key. One call reads so many bytes for that, and the message that
  -- exceeds them.
  sought = 100,
  soughtBytes = 256 * KIB,
  -- Batches that fail or are given back in one call. Of those that die, or keep some of their messages, it moves so many messages and bytes, or one
  -- batch; each batch counts for so many messages more.
  ends = 64,
  moved = 256,
  movedBytes = 256 * KIB,
  movedBatch = 10,
  -- Of what a batch has failed with, so many bytes are kept while it pauses.
  lastError = 256,
  -- Dead batches that have become too old: one call drops so many.
  oldDead = 10,
  -- Partitions, and the numbers of partitions and of changes.
  partitions = 1024,
  number = 999999,
  -- So many workers of a root stand by, or are known to be there, at most; one call drops at most so many that stood by and are gone, and asks
  -- after so many others.
  standbys = 1000,
  -- About so many of those that stand by look in the rest of one; with more of them each looks more seldom, but once in so many ms.
  standbyLooks = 8,
  longestStandby = 10 * SECOND,
  -- A watcher that has not looked so many ms after it should have is gone.
  missed = 250,
  appointed = 100,
  asked = 10,
  -- What programs gave last is kept of so many.
  programs = 4,
  -- A claim that finds nothing but scores that lag behind looks so far ahead for others, ms, and at so many keys at most.
  lagAhead = 50,
  lagging = 100,
  -- A claim does so much work, counted as lib/claim.lua has it. A call that has read so many bytes to see when keys are due looks at no more of them.
  -- Of what lies ahead of the time one call moves so many keys.
  claimWork = 2500,
  windowBytes = 512 * KIB,
  lowered = 100,
  -- One call deletes so many entries of a stream that are done.
  trimmed = 1000,
  -- An entry of events has so many fields and values, and those of the conversation that exceeds them. One call that reads events looks at so many.
  eventFields = 1000,
  eventLooks = 4000,
  -- Of a batch that is archived so many bytes of ids are kept. One call takes so many bytes of texts and results, or those of one batch; it reads so
  -- many of messages for their ids and times; and it drops so many that are too old or too many, and one for each that it keeps.
  archivedIds = 16 * KIB,
  archivedTexts = 256 * KIB,
  archivedBytes = 256 * KIB,
  oldArchived = 10,
  -- One call that reads the archive looks at so many batches.
  archiveLooks = 500,
  -- One call that erases does so much work, counted as functions/conversation/erase.lua has it.
  eraseWork = 2000,
  -- One call that traces does so much work, counted as functions/conversation/trace.lua has it.
  traceWork = 2000,
  -- Of messages that are shown, one call gives so many bytes, and the message that exceeds them. What waits behind batches is counted of so many keys.
  shownBytes = 256 * KIB,
  sampled = 100,
  -- One check looks at so many messages, each part counting for some more, and bytes of them; all are counted only while there are no more keys and
  -- dead batches than this.
  checkLooks = 1000,
  partLooks = 20,
  checkBytes = 256 * KIB,
  counted = 1000,
}

-- The options of calls. Each is { field, least, most, default } for a number, { field, bytes } for a text, or { field, flag = true }.
OPTIONS = {
  -- Messages: their own options hold instead of the policy's.
  id = { field = 'id', bytes = 512, code = 'BAD_ID' },
  wait = { field = 'wait', least = 1, most = POLICY.WAIT.most },
  maxWait = { field = 'maxWait', least = 1, most = POLICY.MAXWAIT.most },
  maxSize = { field = 'maxSize', least = 1, most = POLICY.MAXSIZE.most },
  flush = { field = 'flush', flag = true },
  edits = { field = 'edits', bytes = 512, code = 'BAD_ID' },
  withdraws = { field = 'withdraws', bytes = 512, code = 'BAD_ID' },
  traceContext = { field = 'traceContext', bytes = 2 * KIB },
  requeued = { field = 'requeued', bytes = 128 },

  -- How many of them at most: batches that are claimed or forwarded, messages that are shown, dead batches that are listed.
  claimed = { field = 'limit', least = 1, most = 1000, default = 10 },
  forwarded = { field = 'limit', least = 1, most = 1000, default = 100 },
  shown = { field = 'limit', least = 1, most = 1000, default = 100 },
  listed = { field = 'limit', least = 1, most = 50, default = 50 },
  offset = { field = 'offset', least = 0, most = 1000000, default = 0 },
  told = { field = 'limit', least = 1, most = 1000, default = 100 },

  -- What events must name.
  ofKey = { field = 'key', bytes = LIMITS.key },
  ofMessage = { field = 'message', bytes = 512 },
  ofBatch = { field = 'batch', bytes = 64 },

  -- Claims and what becomes of them.
  lease = { field = 'lease', least = 1, most = DAY, default = 30 * SECOND },
  before = { field = 'before', least = 0, most = 9999999999999 },
  attempts = { field = 'attempts', least = 1, most = 1000, default = 5 },
  delay = { field = 'delay', least = 0, most = YEAR, default = SECOND },
  error = { field = 'error', bytes = 4 * KIB },
  keep = { field = 'keep', bytes = 8 * KIB },
  reason = { field = 'reason', bytes = 256 },
  batch = { field = 'id', bytes = 64 },
  kept = { field = 'kept', least = 0, most = YEAR, default = HOUR },
  entries = { field = 'longest', least = 1, most = 10000000, default = 100000 },

  -- Who calls.
  text = { field = 'text', bytes = 64 * KIB },
  result = { field = 'result', bytes = 64 * KIB },
  worker = { field = 'worker', bytes = 64 },
  echo = { field = 'echo', flag = true },
  rest = { field = 'rest', least = 1, most = HOUR, default = SECOND },
  drain = { field = 'drain', flag = true },
  dead = { field = 'dead', flag = true },
  nonce = { field = 'nonce', bytes = 64 },
  program = { field = 'given', bytes = 64 },
  again = { field = 'again', flag = true },
  after = { field = 'after', bytes = 256 },

  -- Partitions.
  generation = { field = 'generation', least = 1, most = LIMITS.number },
  layout = { field = 'layout', bytes = 64 },
  open = { field = 'open', flag = true },
  retire = { field = 'retire', flag = true },
  prepare = { field = 'prepare', least = 1, most = LIMITS.partitions },
  new = { field = 'new', flag = true },
  commit = { field = 'commit', least = 0, most = LIMITS.number },
  drained = { field = 'drained', flag = true },
  settle = { field = 'settle', least = 0, most = LIMITS.number },
  restore = { field = 'restore', least = 1, most = LIMITS.number },
}
end
local remember
local know_digits
local digits
local count_text
local how_many
do
--- Numbers as texts. Redis takes a number as an argument too, but to print a time costs Redis 7.0 a fortieth of what adding a message does, each
--- time. So what every call writes is given as text, and printed here as cheaply as can be.

-- Keeps a value by a text that comes again and again. A memory is { kept, count, most }: when it has so many it begins anew.
function remember(memory, text, value)
  if memory.count == memory.most then memory.kept, memory.count = {}, 0 end
  memory.kept[text], memory.count = value, memory.count + 1
  return value
end

-- The thousandths of a second of the clock, and the seconds that were printed last, as texts.
local CLOCK, SECONDS = { rest = nil, text = nil }, { kept = {}, count = 0, most = 1000 }

-- Keeps what the clock has said: most times that are written are so many seconds from now.
function know_digits(second, text, rest, thousandths)
  CLOCK.rest, CLOCK.text = rest, thousandths
  return SECONDS.kept[second] or remember(SECONDS, second, text)
end

-- A time as 13 digits.
-- WHY in two parts: '%.0f' costs 5,000 instructions, '%07d%06d' 3,500, and to join what is known 900 (Redis 7.0).
function digits(ms)
  local rest = ms % 1000
  local second = (ms - rest) / 1000
  local thousandths = rest == CLOCK.rest and CLOCK.text or string.format('%03d', rest)
  return (SECONDS.kept[second] or know_digits(second, string.format('%010d', second), rest, thousandths)) .. thousandths
end

-- A count. Small ones are printed once: they come again and again.
local COUNTS = {}
function count_text(count)
  local text = COUNTS[count]
  if not text then
    text = string.format('%d', count)
    if count <= 1000 then COUNTS[count] = text end
  end
  return text
end

-- A count and what is counted, for a person: '1 message', '2 messages'.
function how_many(count, what) return count .. ' ' .. what .. (tonumber(count) == 1 and '' or 's') end
end
local shown
local fail
local wrong_type
local read_unless_foreign
local error_of
do
--- Refusals: the one way in which a call says no.

-- A value as it may stand in an error message: one short word in quotes. What people write is not shown.
function shown(value)
  if not value then return 'nothing' end
  if not string.find(value, '^[%w%p]*$') then return 'a text of ' .. how_many(#value, 'byte') end
  if #value > 40 then value = string.sub(value, 1, 40) .. '...' end
  return "'" .. value .. "'"
end

-- Returned and never raised: Redis appends a suffix to raised errors, and does not undo what was written before.
function fail(code, text) return { err = 'RAPIDFIRE_' .. code .. ' ' .. text } end

-- The name of a key without that of the conversation, which may be the number of a person.
local function shown_key(key) return shown((string.gsub(key, '(:messages:).*$', '%1...'))) end

-- The error that Redis replied to a pcall: one of ours when the key is of another type, else as it is.
function wrong_type(reply, expected, key)
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then return reply end
  return fail('WRONG_TYPE', 'expected a ' .. expected .. ' at ' .. shown_key(key))
end

-- What a command that reads replies, or nil where a key is of another type: whoever put that there, the others are told of. Where it is refused for
-- another reason, as for want of a right, nothing may be concluded: that ends the call, which must not have written by then.
function read_unless_foreign(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call(...) end
  return nil
end

-- One of ours, or nil when the reply is no error.
function error_of(reply, expected, key)
  if type(reply) ~= 'table' or not reply.err then return nil end
  return wrong_type(reply, expected, key)
end
end
local name_of
local messages_key
local due_key
local active_key
local claims_key
local overrides_key
local seen_key
local stream_key
local streams_key
local rate_key
local calls_key
local watch_key
local dead_key
local wake_channel
local part_key
local named_part
local bad_root
local bad_key
do
--- Every name of a key in Redis (lua/README.md has the table). Nothing else builds one.

-- Names that were built, by root: each call would build them several times. At most of ten thousand roots.
local NAMES = { kept = {}, count = 0, most = 10000 }

function name_of(root, part)
  local names = NAMES.kept[root] or remember(NAMES, root, {})
  local name = names[part]
  if not name then
    name = root .. ':' .. part
    names[part] = name
  end
  return name
end

function messages_key(root, key) return root .. ':messages:' .. key end
function due_key(root) return name_of(root, 'due') end
function active_key(root) return name_of(root, 'active') end
function claims_key(root) return name_of(root, 'claims') end
function overrides_key(root) return name_of(root, 'overrides') end
function seen_key(root, slice) return root .. ':seen:' .. slice end
function stream_key(root, name) return root .. ':stream:' .. name end
-- All streams that were ever written to.
function streams_key(root) return root .. ':streams' end
-- Of a conversation, in the webhook: 'line', who waits, or 'key', how many requests there were.
function rate_key(root, what, key) return root .. ':rate:' .. what .. ':' .. key end
function calls_key(root, name) return root .. ':calls:' .. name end
-- 'standby' or 'present': sets of workers.
function watch_key(root, name) return root .. ':watch:' .. name end
function dead_key(root, id) return id and root .. ':dead:' .. id or name_of(root, 'dead') end

-- A channel, not a key, of a worker, or of all: those of the root of the queue, also for what a partition says. So a worker hears all by its own.
function wake_channel(root, worker)
  return string.gsub(root, ':%d+}$', '}') .. ':wake' .. (worker and ':' .. worker or '')
end

-- The name without the root is a part. Those of a conversation and of a dead batch tell whose they are.
function part_key(root, part) return root .. ':' .. part end

function named_part(part)
  local what, of = string.match(part, '^(%a+):(.+)$')
  if what == 'messages' or what == 'dead' then return what, of end
  return 'other'
end

-- Refuses all but one root with a hash tag. Without the tag the parts of a queue would lie on different nodes of a cluster.
function bad_root(keys)
  if #keys ~= 1 then
    return fail('BAD_ROOT', 'expected 1 key, the root of the queue, such as rapid-fire:{orders}; got ' .. #keys)
  end
  if not string.find(keys[1], 'rapid%-fire:{[^{}%s]+}$') then
    return fail('BAD_ROOT', 'expected a root such as rapid-fire:{orders}; got ' .. shown(keys[1]))
  end
end

function bad_key(key)
  if not key then return fail('MISSING_ARGUMENT', 'expected the key of a conversation') end
  if #key < 1 or #key > LIMITS.key then return fail('BAD_KEY', 'a key must have 1 to ' .. LIMITS.key .. ' bytes, got ' .. #key) end
end
end
--- A message: one element of the list of its key. This file writes it and reads it, and no other does.
--
--   <receivedAt> <id length>[,R<place>][,T<context>][,W<wait>][,X<maxWait>][,S<maxSize>][,F] <id><data>
--
-- 13 digits first, so that one \`match\` reads the time. The options travel with their message: nothing has to be kept in step when messages
-- are taken, given back or buried. \`place\` tells with which batch the message died first; see place_among_dead. \`context\` is for those who follow a
-- message from process to process: it means nothing here, and is no option that a batch would go by.

-- All that stands before id and data. \`options\`: { wait, maxWait, maxSize, flush } of this message alone, or nil.
local function message_header(received, id_length, options, place, context)
  local header = digits(received) .. ' ' .. count_text(id_length)
  if place then header = header .. ',R' .. place end
  if context then header = header .. ',T' .. context end
  if options then
    if options.wait then header = header .. string.format(',W%d', options.wait) end
    if options.maxWait then header = header .. string.format(',X%d', options.maxWait) end
    if options.maxSize then header = header .. string.format(',S%d', options.maxSize) end
    if options.flush then header = header .. ',F' end
  end
  return header .. ' '
end

local function bytes_of(messages)
  local bytes = 0
  for n = 1, #messages do bytes = bytes + #messages[n] end
  return bytes
end

-- When a message was received. One that begins otherwise was written by somebody else: it counts as old, so that it is handed over, and holds
-- nobody up. Only digits: Lua takes 'nan', 'inf' and '0x1' for numbers too.
local function received_at(message)
  local time = string.match(message, '^(%d+) ')
  return time and #time == 13 and tonumber(time) or 0
end

-- The options that a message carries, as text, or nil. Its place among the dead is none, and no more is its trace context.
local function options_of(message)
  local options = string.match(message, '^%d%d%d%d%d%d%d%d%d%d%d%d%d %d+(,[^ ]*) ')
  if options and string.sub(options, 2, 2) == 'R' then options = string.match(options, '^,R[%d.]+(,.*)$') end
  if options and string.sub(options, 2, 2) == 'T' then options = string.match(options, '^,T[^,]*(,.*)$') end
  return options
end

-- When a message was received, whether it begins as message_header writes, and its options: all is seen at once.
local function header_of(message)
  local time, behind = string.match(message, '^(%d+) %d+()[^ ]* ')
  if not time or #time ~= 13 then return received_at(message) end
  return tonumber(time), true, string.byte(message, behind) == 44 and options_of(message)
end

-- One of these options, 'W', 'X' or 'S', or nil or false when there is none that could be right.
local function option_of(options, letter, most)
  local value = tonumber(string.match(options, ',' .. letter .. '(%d+)'))
  return value and value >= 1 and value <= most and value
end

local function has_flush(options) return string.find(options, ',F', 1, true) ~= nil end

-- The time, id and data of a message, as texts; the data only unless it is to be \`spared\`. What add has not written has neither time nor id: all of it
-- is data.
local function parts_of(message, spared)
  -- Without an id and options: nothing has to be measured.
  -- WHY the digits are not counted by the pattern: each sign of one costs.
  local _, behind = string.find(message, '^%d+ 0 ')
  if behind == 16 then return string.sub(message, 1, 13), '', spared and '' or string.sub(message, 17) end
  local blank, length, start = string.match(message, '^%d+() (%d+)[^ ]* ()')
  if blank ~= 14 or start + length > #message + 1 then return '0', '', message end
  local at = string.sub(message, 1, 13)
  return at, string.sub(message, start, start + length - 1), spared and '' or string.sub(message, start + length)
end

-- A message with the data of another one.
local function with_data_of(message, other)
  local _, _, data = parts_of(message)
  local _, _, given = parts_of(other)
  return string.sub(message, 1, #message - #data) .. given
end

-- '<number of a batch>.<position in it>', so that it can be compared as a number: numbers rise in the order in which batches of a key are
-- claimed, and none has 10,000 messages.
local function place_among_dead(number, position) return string.format('%s.%04d', number, position) end

-- A message with its place among the dead, if it has none yet. \`number\`: of the batch with which it died, or nil when that is none.
local function with_place(message, number, position)
  local time, behind = string.match(message, '^%d+() %d+()')
  local sign = number and time == 14 and string.byte(message, behind)
  -- A blank or a comma.
  if sign ~= 32 and (sign ~= 44 or string.find(message, '^,R%d', behind)) then return message end
  return string.sub(message, 1, behind - 1) .. ',R' .. place_among_dead(number, position) .. string.sub(message, behind)
end

-- Where a message belongs among others: by its time and, within one ms, by its place among the dead. One that has never been dead came later.
-- What somebody else wrote has no time: it counts as older than all others, and so stays behind what it stands behind.
local function order_of(message)
  return { at = received_at(message), place = tonumber(string.match(message, '^%d+ %d+,R(%d+%.%d+)')) or math.huge }
end

local function is_behind(one, other) return one.at > other.at or one.at == other.at and one.place > other.place end
--- Arguments: positional ones first, then Redis-style tokens (\`WAIT 5000 FLUSH\`), in any order and case.

-- The number in \`text\`, or nil when it is not a whole number between \`least\` and \`most\`.
local function integer(text, least, most)
  if not text or #text > 15 or not string.find(text, '^%d+$') then return nil end
  local value = tonumber(text)
  if value < least or value > most then return nil end
  return value
end

-- A number of the root of a queue, or nil or false when it is none that is written here: who may write to the root may write anything there, and a
-- \`largest\` of 0, for example, would grow for ever.
local function bounded(text, least, most)
  local value = tonumber(text)
  return value and value >= least and value <= most and value % 1 == 0 and value
end

-- \`known\` maps a token to what may stand behind it, as lib/limits.lua has it.
-- Reads from args[at] up to the end, or up to the token \`stop\`. Returns the options that are given by field (nil when none is),
-- where reading ended, and a refusal. \`options\`: a table to be filled, with room for them; or nil.
-- A refusal comes with a position when only the value is wrong: the arguments
-- behind it can still be read.
local function read_tokens(args, at, known, stop, options)
  local refusal
  local name = args[at]
  while name and name ~= stop do
    local token = known[name] or known[string.upper(name)]
    if not token then
      if string.upper(name) == stop then break end
      local names = {}
      for each in pairs(known) do names[#names + 1] = each end
      table.sort(names)
      names = #names > 0 and table.concat(names, ', ') .. (stop and ', ' .. stop or '') or 'no more arguments'
      return nil, nil, fail('UNKNOWN_ARGUMENT', 'expected ' .. names .. '; got ' .. shown(name))
    end
    options = options or {}
    if token.flag then
      options[token.field] = true
      at = at + 1
    else
      local text = args[at + 1]
      if not text then return nil, nil, fail('MISSING_ARGUMENT', string.upper(name) .. ' must be followed by a value') end
      local value
      if token.bytes then
        value = #text <= token.bytes and text
      else
        value = integer(text, token.least, token.most)
      end
      if value then
        options[token.field] = value
      elseif not refusal then
        refusal = fail(
          token.code or 'BAD_ARGUMENT',
          token.bytes and string.format('%s must have at most %d bytes, got %d', string.upper(name), token.bytes, #text)
            or string.format('%s must be an integer from %d to %.0f, got %s', string.upper(name), token.least, token.most, shown(text))
        )
      end
      at = at + 2
    end
    name = args[at]
  end
  return options, at, refusal
end

-- The same up to the end: the options, and a refusal.
local function read_options(args, at, known)
  local options, _, refusal = read_tokens(args, at, known)
  return options or {}, refusal
end
local CLOCK_STEP
local any_options
local has_options
local OPTIONS_READ
local window_of
local head_of
local claimed_head
local read_rest
local read_batch
local due_at
local enters_at
do
--- When a batch closes: which messages of a list are its first batch, when that is due, and what closes it.

-- So far in the future is no cause for alarm, ms: clocks are put right in small steps.
CLOCK_STEP = 1000

-- Whether any key of the queue has messages with options. Most queues have none: their settings say so, and nothing has to be asked. Where they do not say,
-- as in a root that was lost, the keys are counted; where a key of another type hides them, each message is looked at.
function any_options(queue)
  if queue.options == nil then queue.options = read_unless_foreign('SCARD', overrides_key(queue.root)) ~= 0 end
  return queue.options
end

function has_options(queue, key)
  return any_options(queue) and read_unless_foreign('SISMEMBER', overrides_key(queue.root), key) ~= 0
end

-- When a batch is due, and what closes it: \`wait\` after its last message, or \`maxWait\` after its \`first\`, or before, when a message that was received
-- at \`closed\` has closed it, as \`closed_by\` says.
local function deadline_of(first, last, wait, maxWait, closed, closed_by)
  local deadline, reason = received_at(last) + wait, 'wait'
  if closed and closed < deadline then deadline, reason = closed, closed_by end
  local latest = received_at(first) + maxWait
  if deadline > latest then deadline, reason = latest, 'maxWait' end
  -- 0 would say that nothing is due, ever.
  if deadline < 1 then deadline = 1 end
  return deadline, reason
end

-- The same for \`count\` messages without options, which close when there are maxSize of them.
local function plain_deadline(queue, count, first, last)
  return deadline_of(first, last, queue.wait, queue.maxWait, count == queue.maxSize and received_at(last), 'size')
end

-- A list is read a few messages at a time: no more than fit into a batch of the largest size, if each is as large as the largest of the queue. So at
-- most a little more than that is read of a key, whatever lies there. Of most keys, which have few and small messages, all is read at once.
local FIRST, NEXT = 10, 250

-- Reads the first messages of a list, at most \`step\`. Returns them, or what Redis replied, and whether all that were asked for are there.
local function read_first(queue, list, step)
  local fit = POLICY.MAXBATCHBYTES.most / queue.largest
  if step > fit then step = math.ceil(fit) end
  local messages = redis.pcall('LRANGE', list, '0', count_text(step - 1))
  return messages, #messages == step
end

-- Reads on in the list of a head, at most up to message number \`most\`. Whether there may be more.
local function read_on(queue, head, most)
  local messages, bytes = head.messages, head.bytes
  local read = #messages
  local fit = math.ceil((POLICY.MAXBATCHBYTES.most - bytes) / queue.largest)
  local upto = math.min(read + math.max(1, math.min(NEXT, fit)), most)
  local more = redis.call('LRANGE', head.list, count_text(read), count_text(upto - 1))
  for n = 1, #more do
    messages[read + n] = more[n]
    bytes = bytes + #more[n]
  end
  head.bytes = bytes
  return #messages == upto and upto < most
end

-- The first batch of a key whose messages may have options, which must be read for it: \`parsed\` so many.
-- WHY the last message decides how long to wait, and no other: options hold until the next message of the key.
local function head_by_options(queue, list)
  local messages, more = read_first(queue, list, math.min(queue.maxSize, NEXT))
  if not messages[1] then return nil, messages end
  local head = { list = list, messages = messages, bytes = bytes_of(messages), count = nil, parsed = nil, last = nil, deadline = nil, reason = nil }
  local n, bytes, closed, closed_by, size, flush, parsed = 1, 0, nil, 'size', nil, nil, nil
  while messages[n] do
    local message = messages[n]
    local options = options_of(message) or ''
    -- Messages that follow each other mostly have the same ones, or none.
    if options ~= parsed then
      parsed = options
      size = option_of(options, 'S', POLICY.MAXSIZE.most) or queue.maxSize
      flush = has_flush(options)
    end
    bytes = bytes + #message
    if n > size then
      -- This message found more in the batch than it allows: it opens the next one.
      closed = received_at(message)
      break
    end
    -- So does one that does not fit into it.
    if n > 1 and bytes > queue.maxBatchBytes then
      closed_by = 'bytes'
      break
    end
    head.count = n
    if n == size or flush then
      closed, closed_by = received_at(message), flush and 'flush' or 'size'
      break
    end
    if more and n == #messages then more = read_on(queue, head, POLICY.MAXSIZE.most) end
    n = n + 1
  end
  head.parsed = n
  head.last = messages[head.count]
  -- WHY a batch is not ready when it is full by bytes: whoever adds a message does not know how many are there. So the deadline is that of all messages,
  -- as for keys without options, and the last of them tells it.
  if closed_by == 'bytes' then
    local window = math.min(redis.call('LLEN', list), queue.maxSize)
    head.last = redis.call('LINDEX', list, count_text(window - 1))
    local options = options_of(head.last) or ''
    local is_closed = has_flush(options) or window >= (option_of(options, 'S', POLICY.MAXSIZE.most) or queue.maxSize)
    closed = is_closed and received_at(head.last)
  end
  local last = options_of(head.last) or ''
  local wait, maxWait = option_of(last, 'W', POLICY.WAIT.most) or queue.wait, option_of(last, 'X', POLICY.MAXWAIT.most) or queue.maxWait
  head.deadline, head.reason = deadline_of(messages[1], head.last, wait, maxWait, closed, closed_by)
  if closed_by == 'bytes' then head.reason = 'bytes' end
  return head
end

-- What the options of a message cost to be read, in bytes.
OPTIONS_READ = 2048

-- When the first batch of a key is due, as far as that is told without reading its list: { count, last, deadline, reason }; nil when it has no messages,
-- and what Redis replied. \`with_options\`: a message of the key may have options.
function window_of(queue, key, with_options)
  local list = messages_key(queue.root, key)
  local head, reply
  if with_options then
    head, reply = head_by_options(queue, list)
    if not head then return nil, reply end
  else
    local size = redis.pcall('LLEN', list)
    -- A key of another type counts as empty: one foreign key must not stop the queue.
    if size == 0 or type(size) == 'table' then return nil, size ~= 0 and size or {} end
    local count = math.min(size, queue.maxSize)
    local first = redis.call('LINDEX', list, '0')
    local last = count > 1 and redis.call('LINDEX', list, count_text(count - 1)) or first
    head = { count = count, last = last, bytes = #first + #last, deadline = nil, reason = nil }
    head.deadline, head.reason = plain_deadline(queue, count, first, last)
  end
  queue.read = (queue.read or 0) + head.bytes + (with_options and OPTIONS_READ * #head.messages or 0)
  return head
end

-- The same for a claim, with the \`list\`, the \`messages\` that were read of it, and their \`bytes\`.
-- WHY it begins with messages: most keys that are looked at are due, and have few. Only of more than are read at once the last one is asked for.
function head_of(queue, key, with_options)
  local list = messages_key(queue.root, key)
  if with_options then return head_by_options(queue, list) end
  local messages, more = read_first(queue, list, math.min(queue.maxSize, FIRST))
  local first, count = messages[1], #messages
  if not first then return nil, messages end
  local last = messages[count]
  if more and count < queue.maxSize then
    local read = count
    count = math.min(redis.call('LLEN', list), queue.maxSize)
    if count > read then last = redis.call('LINDEX', list, count_text(count - 1)) end
  end
  local deadline, reason = plain_deadline(queue, count, first, last)
  return { list = list, messages = messages, bytes = bytes_of(messages), count = count, last = last, deadline = deadline, reason = reason }
end

-- Begins to read the batch of a claim, which has \`count\` messages, as a head; nil when there are none, and what Redis replied. read_rest reads on.
function claimed_head(queue, key, count)
  local list = messages_key(queue.root, key)
  local messages = read_first(queue, list, math.min(count, NEXT))
  if not messages[1] then return nil, messages end
  return { list = list, messages = messages, bytes = bytes_of(messages), count = count }
end

function read_rest(queue, head)
  local more = #head.messages < head.count
  while more do more = read_on(queue, head, head.count) end
  return head.messages
end

-- Reads the messages of a batch that is due, and no more than fit into one: the others are the next one.
function read_batch(queue, head)
  local messages, most = head.messages, queue.maxBatchBytes
  while #messages < head.count and head.bytes <= most do read_on(queue, head, head.count) end
  if head.bytes > most then
    local count, bytes = 1, #messages[1]
    while count < head.count do
      -- Behind a first message that exceeds it alone none was read.
      bytes = bytes + #(messages[count + 1] or '')
      if bytes > most then
        head.count, head.reason = count, 'bytes'
        break
      end
      count = count + 1
    end
  end
  for extra = #messages, head.count + 1, -1 do messages[extra] = nil end
  return messages
end

-- The clock of Redis may go back: then messages lie in the future, and how long ago they came, nobody knows.
local function is_from_future(message, now) return received_at(message) > now + CLOCK_STEP end

-- When a batch is due: at its deadline, or at once when its last message lies in the future.
function due_at(head, now)
  if head.deadline > now and is_from_future(head.last, now) then return now end
  return head.deadline
end

-- The score in \`due\` of a key that enters there now.
-- WHY never a time that has passed: of a key that is flooded the rest would come before all others again and again, since its deadline is old.
-- So it stands behind whoever is due already, and everybody takes turns.
function enters_at(head, now) return math.max(due_at(head, now), now) end
end
--- A claim as it is stored in \`claims\`. This file writes it and reads it, and no other does.
--
--   <batch id>:<claim>:<attempt>:<lost>:<count>:<deadline>:<reason>:<span>[:<state>]
--
-- The token is its beginning, '<batch id>:<claim>'. Claims are counted apart from attempts: one that nobody has heard of is no attempt.
-- \`span\` is the length of the lease or pause, so no score in \`active\` is further ahead than that. \`state\` says what the claim is waiting for:
--   'retry:<error>.'      it failed, and pauses: the beginning of what it failed with; 'retry' when nothing was said
--   'released'            it was given back
--   'done'                it was completed while its list was missing; see finish in lib/conversation.lua
--   'by=<name>/<number>'  it was taken by this call, and nobody has acknowledged it yet (lib/nonce.lua)
--   none                  it is acknowledged: a worker has it

-- The end of a record. \`failed\`: what the batch has failed with, if it pauses.
-- WHY the dot: an error may be any text, and none must look like the end of another state.
local function claim_tail(span, state, failed)
  local tail = string.format(':%d', span)
  if not state then return tail end
  if state == 'retry' and failed and failed ~= '' then return tail .. ':retry:' .. string.sub(failed, 1, LIMITS.lastError) .. '.' end
  return tail .. ':' .. state
end

-- All but the end.
local function encode_head(claim)
  return string.format('%s:%d:%d:%d:%d:%d:%s', claim.id, claim.claim, claim.attempt, claim.lost, claim.count, claim.deadline, claim.reason)
end

local function encode_claim(claim) return encode_head(claim) .. claim_tail(claim.span, claim.state, claim.failed) end

-- The first claim of a batch: its token, and its record with a tail that all of a call share.
local function first_claim(id, head, tail)
  local token = id .. ':1'
  -- One that is out of the ordinary is the deadline of what somebody else has written.
  local deadline = head.deadline > POLICY.WAIT.most and digits(head.deadline) or count_text(head.deadline)
  return token, token .. ':1:0:' .. count_text(head.count) .. ':' .. deadline .. ':' .. head.reason .. tail
end

-- Nil when the text is no claim.
local function decode_claim(text)
  local id, number, attempt, lost, count, deadline, reason, span, state =
    string.match(text or '', '^([%d%-]+):(%d+):(%d+):(%d+):(%d+):(%d+):(%a+):(%d+)(.*)$')
  local failed = string.match(state or '', '^:retry:(.*)%.$')
  if failed then state = ':retry' end
  local known = state == '' or state == ':retry' or state == ':released' or state == ':done' or string.find(state or '', '^:by=[%w_-]+/%d+$')
  if not known then return nil end
  return {
    id = id, claim = tonumber(number), attempt = tonumber(attempt), lost = tonumber(lost), count = tonumber(count),
    deadline = tonumber(deadline), reason = reason, span = tonumber(span), state = state ~= '' and string.sub(state, 2) or nil, failed = failed,
  }
end

local function token_of(claim) return string.format('%s:%d', claim.id, claim.claim) end

-- The batch id and the number of the claim in a token, as texts, or nil.
local function parts_of_token(token) return string.match(token, '^([%d%-]+):(%d+)$') end

-- How many messages the batch has whose token this is, or nil when the token no longer proves a claim.
-- WHY not by decode_claim: that makes a table and six numbers of a record, and here nearly always one number is all that is wanted.
local function claimed_count(stored, token)
  if not stored or string.sub(stored, 1, #token) ~= token then return nil end
  local count, state = string.match(stored, '^:%d+:%d+:(%d+):%d+:%a+:%d+(:?[rd]?)', #token + 1)
  return state ~= ':r' and state ~= ':d' and tonumber(count) or nil
end

-- The same of a batch whose attempt ends, and its attempt, and all but the end of its record.
local function claimed_parts(stored, token)
  if not stored or string.sub(stored, 1, #token) ~= token then return nil end
  local attempt, count, behind, state = string.match(stored, '^:(%d+):%d+:(%d+):%d+:%a+():%d+(:?[rd]?)', #token + 1)
  if state == ':r' or state == ':d' or not count then return nil end
  return tonumber(count), tonumber(attempt), string.sub(stored, 1, behind - 1)
end

-- When a lease or pause ends that is in \`active\` until \`score\`. It was granted for \`span\` at some moment that has passed, so it cannot end later
-- than that from now, whatever has become of the clock.
local function latest_end(claim, score, now)
  if score > now + claim.span + CLOCK_STEP then return now + claim.span end
  return score
end

local function is_done(record) return string.find(record, ':done$') ~= nil end

-- The state of a claim that this call takes and that has to be acknowledged.
local function state_by(nonce) return nonce and 'by=' .. nonce.text end

-- Which call has taken a claim, when nobody has acknowledged it yet: its name and number. Nil when somebody has.
local function taken_by(stored)
  local name, number = string.match(stored or '', ':by=([%w_-]+)/(%d+)$')
  return name, tonumber(number)
end

-- Pairs of key and token, from args[first] to the end; \`expected\`: what the call expects, in words. Returns the keys, the tokens, and a refusal.
local function read_pairs(args, first, expected)
  local given, owners, tokens = #args - first + 1, {}, {}
  if given < 1 or given % 2 == 1 then
    return nil, nil, fail('MISSING_ARGUMENT', 'expected ' .. expected .. ', got ' .. how_many(#args, 'argument'))
  end
  if given > 2 * LIMITS.pairs then
    return nil, nil, fail('BAD_ARGUMENT', string.format('expected at most %d pairs, got %d', LIMITS.pairs, given / 2))
  end
  for n = first, #args, 2 do owners[#owners + 1], tokens[#tokens + 1] = args[n], args[n + 1] end
  return owners, tokens
end
--- The one clock of the library: Redis's own, in ms since 1970.

-- Read once per call: on Redis 7.0 TIME moves while a call runs. What it says as text is kept, to be written so.
local function now_ms()
  local time = redis.call('TIME')
  -- Texts that are reckoned with become numbers at less cost than by tonumber.
  local second, micros = time[1] + 0, time[2] + 0
  local rest = (micros - micros % 1000) / 1000
  know_digits(second, time[1], rest, micros >= 100000 and string.sub(time[2], 1, 3) or string.format('%03d', rest))
  return second * 1000 + rest
end
--- Events: what has happened to conversations and their messages, for whoever asks later. While the policy keeps any (\`events\`), a call that changes
--- something writes an entry into the stream \`root:events\`, which loses its oldest ones. It has names, ids and counts, and nothing that anybody has written.
---
--- The fields of an entry, in turn: \`event\` and its name, and then for each conversation to which that has happened \`key\` and what is said of it. What a call
--- does is noted where it is done, and written at its end.
--
-- WHY behind all else, and whatever becomes of it: what was done must not fail for want of a note of it. A user of Redis who may not write it, or a key
-- of another type, costs the entry and nothing else. So the rights to these commands are not among those that a call needs.

-- Writes what was noted. When no more is to be kept, deletes what was.
local function write_events(queue)
  local told, name = queue.told, name_of(queue.root, 'events')
  queue.told = nil
  if told then
    redis.pcall('XADD', name, 'MAXLEN', '~', count_text(queue.events), 'LIMIT', count_text(LIMITS.trimmed), '*', unpack(told))
  elseif queue.events == 0 and redis.pcall('TYPE', name).ok == 'stream' then
    redis.pcall('UNLINK', name)
  end
end

-- Notes what has happened to a conversation, or, without a key, to one that is not to be named. Behind that stand fields and values; or 'id' and a message
-- to which it has happened, and what follows on another one of the same key, or on the same batch, does not name those again.
-- WHY an entry may end in the middle of a call: whoever reads gets some at a time, and each must be small.
local function note_event(queue, event, key, field, value, ...)
  if queue.events == 0 then return end
  local told, _ = queue.told, nil
  if field == 'id' then
    _, value = parts_of(value, true)
    if told and told.event == event and told.key == key then
      local length = #told
      told[length + 1], told[length + 2] = field, value
      return
    end
  end
  if told and #told > LIMITS.eventFields then write_events(queue) end
  told = queue.told or { event = nil, key = nil }
  local length = #told
  if told.event ~= event then told[length + 1], told[length + 2], length = 'event', event, length + 2 end
  if key then told[length + 1], told[length + 2], length = 'key', key, length + 2 end
  told[length + 1], told[length + 2] = field, value
  for n = 1, select('#', ...) do told[length + 2 + n] = select(n, ...) end
  told.event, told.key, queue.told = event, key, told
end
local MEMBERS
local GIVEN
local LAST
local write_settings
local read_queue
local read_queue_for
local state_of
local changed_policy
local bad_policy
do
--- What every call begins with: the root of the queue, read in one command. It holds the policy, by which every caller goes, and a little state.

-- The members of the policy in the order in which they are told, and beside each of them what programs have given.
MEMBERS = {
  'wait', 'maxWait', 'maxSize', 'maxBacklog', 'maxMessageBytes', 'maxBatchBytes', 'dedupe', 'maxDead', 'maxDeadAge', 'maxKeys',
  'events', 'archive', 'maxArchived',
}
GIVEN = {
  'given:wait', 'given:maxWait', 'given:maxSize', 'given:maxBacklog', 'given:maxMessageBytes', 'given:maxBatchBytes', 'given:dedupe',
  'given:maxDead', 'given:maxDeadAge', 'given:maxKeys', 'given:events',
  'given:archive', 'given:maxArchived',
}

-- The refusal for an error that Redis replied when it was asked for two keys that never exist.
-- WHY two: while a cluster moves the slot, some keys of the queue are on one node and some on the other, and neither may answer for those that it
-- lacks. A call would fail half-done; asked for two at once, each of the nodes refuses.
local function moving_away(root, found)
  -- A right that the user of Redis lacks is told as it is.
  for _, said in ipairs({ 'NOPERM', 'ACL failure', "can't run", "can't access" }) do
    if string.find(found.err, said, 1, true) then return { err = found.err } end
  end
  return { err = 'TRYAGAIN ' .. shown(root) .. ' is being moved to another node' }
end

-- The last moment of a time with 13 digits.
LAST = 9999999999999

-- What the root says of the queue and seldom changes, beside the policy: \`largest\`, which no message exceeds in bytes of data (lib/window.lua); in which
-- sets ids are remembered, and when those of the first are forgotten (lib/dedupe.lua); since which change of the partitions it is open, or retired; and
-- \`options\`, whether messages may have options of their own, 1 or 0 (lib/window.lua).
local OTHERS = { 'largest', 'slice', 'sliceBefore', 'sliceEnds', 'open', 'retired', 'options' }

-- The least and the most that one of them may be, or a member of the policy; nil when there is none of the name.
-- WHY no table: a script, which remembers nothing, would make it for each call.
local function range_of(name)
  if name == 'options' then return 0, 1 end
  if name == 'slice' or name == 'sliceBefore' or name == 'sliceEnds' then return 0, LAST end
  if name == 'largest' then return LIMITS.small, 2 * POLICY.MAXMESSAGEBYTES.most end
  if name == 'open' or name == 'retired' then return 0, LIMITS.number end
  local member = POLICY[string.upper(name)]
  if member then return member.least, member.most end
end

-- All of it stands in one field of the root, '<name>=<value>' with blanks between, without what is not stored. What is no number that could be written
-- there counts as not stored.
-- WHY one field: each by itself, they were read and made numbers in each call, which was a third of what adding a message cost.
local function parse_settings(text)
  local stored = {}
  for name, value in string.gmatch(text, '(%a+)=(%S+)') do
    local least, most = range_of(name)
    stored[name] = least and bounded(value, least, most) or nil
  end
  local serves = stored.open and 'open' or stored.retired and 'retired'
  return {
    stored = stored,
    wait = stored.wait or POLICY.WAIT.default, maxWait = stored.maxWait or POLICY.MAXWAIT.default,
    maxSize = stored.maxSize or POLICY.MAXSIZE.default, maxBacklog = stored.maxBacklog or POLICY.MAXBACKLOG.default,
    maxMessageBytes = stored.maxMessageBytes or POLICY.MAXMESSAGEBYTES.default,
    maxBatchBytes = stored.maxBatchBytes or POLICY.MAXBATCHBYTES.default, dedupe = stored.dedupe or POLICY.DEDUPE.default,
    maxDead = stored.maxDead or POLICY.MAXDEAD.default, maxDeadAge = stored.maxDeadAge or POLICY.MAXDEADAGE.default,
    maxKeys = stored.maxKeys or POLICY.MAXKEYS.default, events = stored.events or POLICY.EVENTS.default,
    archive = stored.archive or POLICY.ARCHIVE.default, maxArchived = stored.maxArchived or POLICY.MAXARCHIVED.default,
    largest = stored.largest or LIMITS.small, slice = stored.slice, sliceBefore = stored.sliceBefore, sliceEnds = stored.sliceEnds,
    serves = serves, generation = stored.open or stored.retired or 0,
    options = stored.options and stored.options == 1,
  }
end

-- What was parsed is kept by its text, and so holds for whichever root has that. A queue takes it from there by its metatable.
local PARSED = { kept = {}, count = 0, most = 1000 }
local function settings_of(text)
  return PARSED.kept[text] or remember(PARSED, text, { __index = parse_settings(text) })
end

-- Writes some of the settings, by name; false takes one away. Returns what Redis replies.
function write_settings(queue, changes)
  local parts = {}
  for _, names in ipairs({ MEMBERS, OTHERS }) do
    for _, name in ipairs(names) do
      local value = changes[name]
      if value == nil then value = queue.stored[name] end
      if value then parts[#parts + 1] = name .. '=' .. count_text(value) end
    end
  end
  local text = table.concat(parts, ' ')
  local done = text == '' and redis.pcall('HDEL', queue.root, 'settings') or redis.pcall('HSET', queue.root, 'settings', text)
  if type(done) ~= 'table' then
    setmetatable(queue, settings_of(text))
    -- What was asked for, since they did not say it, may be told by them now.
    if queue.stored.options then queue.options = nil end
  end
  return done
end

-- What a root is in its queue, once it was seen to be named as it must be: the number of its partition, or '' for the root of the queue.
local ROOTS = { kept = {}, count = 0, most = 10000 }

-- That of the root of a call; or nil and a refusal.
local function read_root(keys)
  local root = keys[1]
  local partition = ROOTS.kept[root]
  if partition and #keys == 1 then return partition end
  local refusal = bad_root(keys)
  if refusal then return nil, refusal end
  return remember(ROOTS, root, string.match(root, ':(%d+)}$') or '')
end

-- Whether this is no node of a cluster, once that is known: then no slot moves away.
local SERVER = { alone = nil }

-- Finds it out. Who may not ask goes on without, at the cost of a command in each call, as where the command is called otherwise, which raises.
-- WHY not by asking for keys of two slots, which a node of a cluster refuses: on Valkey 9.1 the next command of the call is refused then as well.
local function is_alone()
  local known, allowed = pcall(redis.acl_check_cmd, 'INFO', 'cluster')
  return known and allowed and string.find(redis.call('INFO', 'cluster'), 'cluster_enabled:0') ~= nil
end

-- The fields of the root that a call needs, and the partition; or nil and a refusal.
local function read_fields(keys, ...)
  local partition, refusal = read_root(keys)
  if refusal then return nil, refusal end
  local fields = redis.pcall('HMGET', keys[1], 'settings', 'watchAt', ...)
  if fields.err then return nil, wrong_type(fields, 'hash', keys[1]) end
  return fields, partition
end

local function queue_of(root, partition, fields, kept)
  return setmetatable({ root = root, partition = partition, fields = fields, kept = kept, now = false }, settings_of(fields[1] or ''))
end

-- The queue of a call, or nil and a refusal. Behind the keys stand the fields of the root that the call needs besides its settings and \`watchAt\`. Besides the
-- settings a queue has
--   root, partition   its key, and the number of its partition or ''
--   fields            what was read: the settings, \`watchAt\`, and what was asked for
--   kept              what is kept of the last call of this caller: lib/nonce.lua
--   serves, generation   'open' or 'retired', and since which change of the partitions; a queue without partitions has neither
-- and what calls put in: \`now\`, the time; how much they have \`read\` already, and \`sought\`; what is to be \`told\` of what they did (lib/events.lua).
function read_queue(keys, ...)
  local fields, partition = read_fields(keys, ...)
  if not fields then return nil, partition end
  local root = keys[1]
  if not SERVER.alone then
    local found = redis.pcall('EXISTS', root .. ':', root .. '::')
    if type(found) == 'table' then return nil, moving_away(root, found) end
    -- A script would have to find it out each time.
    if REMEMBERS and SERVER.alone == nil then SERVER.alone = is_alone() end
  end
  return queue_of(root, partition, fields)
end

-- The same for a call that may be repeated: what is kept of the last call with the name of this nonce is read along.
function read_queue_for(keys, nonce, ...)
  if not nonce then return read_queue(keys, ...) end
  local fields, partition = read_fields(keys, ...)
  if not fields then return nil, partition end
  local root = keys[1]
  local found
  if SERVER.alone then
    found = redis.pcall('MGET', calls_key(root, nonce.name))
  else
    found = redis.pcall('MGET', calls_key(root, nonce.name), root .. ':', root .. '::')
  end
  if found.err then return nil, moving_away(root, found) end
  return queue_of(root, partition, fields, found[1])
end

-- What a root is among the partitions: 'open' or 'retired', or 'unused' when it is that of a partition which was never opened.
function state_of(queue) return queue.serves or queue.partition ~= '' and 'unused' or 'open' end

-- The policy of a queue with some of its members changed.
function changed_policy(queue, changes)
  local policy = {}
  for _, field in ipairs(MEMBERS) do policy[field] = changes[field] or queue[field] end
  return policy
end

-- Refuses members of a policy that contradict each other.
function bad_policy(policy)
  if policy.maxWait < policy.wait then
    return fail('BAD_POLICY', string.format('maxWait must not be shorter than wait (%.0f), got %.0f', policy.wait, policy.maxWait))
  end
  if policy.maxBacklog < policy.maxSize then
    return fail('BAD_POLICY', string.format('maxBacklog must not be less than maxSize (%d), got %d', policy.maxSize, policy.maxBacklog))
  end
end
end
local bad_worker
local watch_at
local watcher_of
local looked_before
local looked_at
local send
local is_named
local appoint
local wake_watcher
local note_worker
local leave_watch
local keep_watch
local first_in
local earlier
do
--- Who looks next. Of all idle workers one, the watcher, has promised to look at \`watchAt\`; the others stand by, each by its name and until it looks
--- by itself, the more seldom the more there are. So a batch that becomes ready wakes one worker, however many there are, and nobody polls for
--- deadlines. A watcher that has no slot left, or goes, is followed by one of those that stand by.

function bad_worker(worker)
  if not worker then return fail('MISSING_ARGUMENT', 'expected the name of a worker') end
  if #worker < 1 or #worker > OPTIONS.worker.bytes then
    return fail('BAD_ARGUMENT', 'the name of a worker must have 1 to ' .. OPTIONS.worker.bytes .. ' bytes, got ' .. #worker)
  end
end

-- When the watcher is to look; 0: nobody has promised to.
function watch_at(queue)
  if not queue.watchAt then queue.watchAt = queue.fields[2] and bounded(queue.fields[2], 0, LAST) or 0 end
  return queue.watchAt
end

-- Who that is. Calls that claim have read it along; others rarely need to know.
function watcher_of(queue)
  if not queue.watcher then
    local watcher = queue.fields[7]
    if watcher == nil then watcher = redis.pcall('HMGET', queue.root, 'watcher')[1] end
    queue.watcher = watcher or ''
  end
  return queue.watcher
end

-- When the last look was, of a call that claims and has asked for it.
function looked_before(queue)
  if not queue.looked then queue.looked = queue.fields[3] and bounded(queue.fields[3], 0, LAST) or 0 end
  return queue.looked
end

-- The time of this look, for \`looked\` in the root: it tells the next one whether the clock has gone back since. It stays in the future until all
-- is lowered that lies ahead; see lib/recover.lua.
function looked_at(queue) return looked_before(queue) > queue.now + CLOCK_STEP and queue.looked or queue.now end

-- Sends to a worker, or to all when none is named, what it is to do in this root: 'echo', or when to look. Whether anybody has heard it, as far as
-- Redis knows: a worker whose name begins with ~ hears by way of another node of a cluster, and is not counted. A user of Redis who may not publish
-- goes without: an error here would hide what the call has written.
function send(queue, worker, what)
  local partition = queue.partition
  local heard = redis.pcall('PUBLISH', wake_channel(queue.root, worker), partition ~= '' and what .. ' ' .. partition or what)
  return heard ~= 0 or worker ~= nil and string.sub(worker, 1, 1) == '~'
end

-- Whether \`worker\` is the one that is named, or, with a name that ends in a slash, one of those of that process.
function is_named(worker, name)
  return worker == name or string.sub(name, -1) == '/' and string.sub(worker .. '/', 1, #name) == name
end

-- Makes a worker that stands by the watcher: the one that means to look last, which has said so last as a rule and is the likeliest to be there.
-- It is to look at \`at\`, or when it meant to look anyway. One that does not hear, or is named as gone, is gone, and the next one is taken. Whether
-- there is one.
function appoint(queue, at, gone)
  for _ = 1, LIMITS.appointed do
    local last = redis.pcall('ZPOPMAX', watch_key(queue.root, 'standby'))
    local worker, latest = last[1], tonumber(last[2])
    if not worker or latest <= queue.now then break end
    if not gone or not is_named(worker, gone) then
      queue.watcher, queue.watchAt = worker, math.min(at or latest, latest)
      redis.pcall('HSET', queue.root, 'watcher', worker, 'watchAt', digits(queue.watchAt))
      if send(queue, worker, digits(queue.watchAt)) then return true end
    end
  end
  queue.watchAt = 0
  redis.pcall('HSET', queue.root, 'watchAt', 0)
  return false
end

-- Tells the watcher of something that is due before it means to look; \`at\` may be nil: nothing is. A promise that has passed is being kept
-- just now, unless it has passed for long: then whoever is found that stands by looks at once. 0 is no promise.
function wake_watcher(queue, at)
  local promised = at and watch_at(queue) or 0
  if promised == 0 then return end
  if promised + LIMITS.missed <= queue.now then
    appoint(queue, queue.now)
  elseif promised > queue.now and at < promised then
    queue.watchAt = at
    redis.pcall('HSET', queue.root, 'watchAt', digits(at))
    if not send(queue, watcher_of(queue), digits(at)) then appoint(queue, at) end
  end
end

-- Notes a worker until \`latest\` in a set of workers: that it is there, or that it stands by and looks by itself then. What is too much is dropped.
-- Nobody in it is noted for later than \`ends\`. Nobody needs it: what is refused here must not hide what a claim has taken. Whether it is new there.
function note_worker(workers, worker, latest, ends)
  local added = redis.pcall('ZADD', workers, digits(latest), worker)
  -- What somebody else has put there is not ours to end.
  if type(added) == 'table' then return end
  if added == 1 then redis.pcall('ZREMRANGEBYRANK', workers, '0', count_text(-1 - LIMITS.standbys)) end
  redis.pcall('PEXPIREAT', workers, digits(ends + 1000))
  return added == 1
end

-- Ends the watch of a worker that has no slot left, or says to the watcher what it leaves behind; \`next_at\` is when the next batch is due.
function leave_watch(queue, worker, next_at)
  redis.pcall('ZREM', watch_key(queue.root, 'standby'), worker)
  -- Somebody who has slots must look instead.
  if watcher_of(queue) == worker or watch_at(queue) <= queue.now then
    appoint(queue, next_at)
  else
    wake_watcher(queue, next_at)
  end
end

-- When a worker that stands by looks by itself. It misses a watcher that was killed, and for that some of all who stand by are enough. However long
-- it would rest, as one does whose process has many roots to look at, what the watcher has left must not wait for longer.
local function standby_until(queue, standby, rest)
  local count = redis.pcall('ZCARD', standby)
  local many = type(count) == 'number' and math.floor(count * rest / LIMITS.standbyLooks) or 0
  return queue.now + math.min(math.max(rest, many), LIMITS.longestStandby)
end

-- Makes an idle worker the watcher, or lets it stand by for the one that there is. Returns when it looks next: as the watcher at most \`rest\` ms from now.
function keep_watch(queue, worker, next_at, rest)
  local standby, latest = watch_key(queue.root, 'standby'), queue.now + rest
  local ends = queue.now + math.max(rest, LIMITS.longestStandby)
  local mine, vacant = watcher_of(queue) == worker, watch_at(queue) <= queue.now
  redis.pcall('ZREMRANGEBYSCORE', standby, '-inf', digits(queue.now))
  -- A watcher that means to look later than something is due gives way: a lease was shortened, or a batch was behind one that has just left.
  if not mine and not vacant and not (next_at and next_at < queue.watchAt) then
    latest = standby_until(queue, standby, rest)
    note_worker(standby, worker, latest, ends)
    return latest
  end
  local at = math.min(next_at or latest, latest)
  if not mine then
    redis.pcall('ZREM', standby, worker)
    if not vacant then note_worker(standby, queue.watcher, queue.watchAt, ends) end
  end
  redis.call('HSET', queue.root, 'watcher', worker, 'watchAt', digits(at), 'looked', digits(looked_at(queue)))
  return at
end

-- When the first of an index comes; nil when nothing is in it. A score that ends in .5 is one of an entry whose list is missing.
function first_in(index)
  local head = redis.call('ZRANGE', index, '0', '0', 'WITHSCORES')
  return head[2] and math.ceil(head[2])
end

-- When the next batch of a root is due, or ends its lease or its pause, by what comes first in \`due\` and in \`active\`; nil when nothing is pending.
function earlier(due, active)
  if due and active and active < due then return active end
  return due or active
end
end
local counter_names
local count_up
local begin_tally
local count_claimed
local write_numbers
local write_tally
local count_messages
do
--- Figures: what is counted in the root, and what can be counted at one moment. lua/README.md explains each.

-- Lateness is counted by these bounds, ms: \`lateness:<bound>\` has the batches that were at most so late, and later than the bound before it.
local LATENESS = { bounds = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000 }, beyond = 'more' }

-- Counters of the root, in the order in which they are told. Those of lateness follow.
local COUNTERS = {
  'added', 'duplicates', 'batches', 'closedBy:wait', 'closedBy:maxWait', 'closedBy:size', 'closedBy:flush', 'closedBy:bytes',
  'completed', 'completedMessages', 'failed', 'redelivered', 'latenessSum', 'latenessMax',
}

-- As far as a number of Lua counts.
local COUNTED = 9007199254740991

-- The names of all counters, made once.
local ONCE = { counters = nil }
function counter_names()
  if not ONCE.counters then
    local names = { unpack(COUNTERS) }
    for _, bound in ipairs(LATENESS.bounds) do names[#names + 1] = 'lateness:' .. bound end
    names[#names + 1] = 'lateness:' .. LATENESS.beyond
    ONCE.counters = names
  end
  return ONCE.counters
end

-- Adds to a counter. One that is no number any more, or that Redis cannot add to, begins anew: it must not break off a call that has done its work.
function count_up(root, field, by)
  local done = redis.pcall('HINCRBY', root, field, count_text(by))
  if type(done) ~= 'table' then return end
  if not string.find(done.err, 'not an integer', 1, true) and not string.find(done.err, 'overflow', 1, true) then
    redis.call('HINCRBY', root, field, count_text(by))
  end
  redis.call('HSET', root, field, count_text(math.max(by, 0)))
end

-- What one call counts of the batches that it claims for the first time: the \`number\` of the newest, how many were
-- \`claimed\`, how late they are, and what closed them.
function begin_tally(queue)
  local fields = queue.fields
  return {
    number = bounded(fields[4], 0, COUNTED) or 0, sum = bounded(fields[5], 0, COUNTED) or 0, max = bounded(fields[6], 0, COUNTED) or 0,
    claimed = 0,
    closed_by = {}, late_by = {},
  }
end

function count_claimed(tally, reason, late)
  local closed_by, late_by = tally.closed_by, tally.late_by
  tally.claimed, tally.sum = tally.claimed + 1, tally.sum + late
  if late > tally.max then tally.max = late end
  closed_by[reason] = (closed_by[reason] or 0) + 1
  late_by[late] = (late_by[late] or 0) + 1
end

local function bucket_of(late)
  for _, bound in ipairs(LATENESS.bounds) do
    if late <= bound then return bound end
  end
  return LATENESS.beyond
end

-- Written before they are handed out.
function write_numbers(queue, tally)
  redis.call('HSET', queue.root, 'batches', count_text(tally.number), 'latenessSum', count_text(tally.sum), 'latenessMax', count_text(tally.max),
    'looked', digits(looked_at(queue)))
end

-- Written behind them all.
function write_tally(queue, tally)
  local root = queue.root
  for reason, by in pairs(tally.closed_by) do count_up(root, 'closedBy:' .. reason, by) end
  local late_in = {}
  for late, by in pairs(tally.late_by) do
    local bucket = bucket_of(late)
    late_in[bucket] = (late_in[bucket] or 0) + by
  end
  for bucket, by in pairs(late_in) do count_up(root, 'lateness:' .. bucket, by) end
end

-- Messages in the lists of all open keys and in all dead batches, or nil when there are too many to be counted in one call, or when an
-- index is a key of another type.
function count_messages(root)
  local due, active = read_unless_foreign('ZCARD', due_key(root)), read_unless_foreign('ZCARD', active_key(root))
  local dead = read_unless_foreign('ZCARD', dead_key(root))
  if not due or not active or not dead or due + active + dead > LIMITS.counted then return nil end
  local held, buried, counted = 0, 0, {}
  for _, index in ipairs({ due_key(root), active_key(root) }) do
    for _, key in ipairs(redis.call('ZRANGE', index, 0, -1)) do
      local size = read_unless_foreign('LLEN', messages_key(root, key))
      -- Put into both by hand, a key must not count twice.
      if size and not counted[key] then held, counted[key] = held + size, true end
    end
  end
  for _, id in ipairs(redis.call('ZRANGE', dead_key(root), 0, -1)) do
    buried = buried + (tonumber(read_unless_foreign('HGET', dead_key(root, id), 'count')) or 0)
  end
  return held, buried
end
end
local write_unless_foreign
local must_be_empty
local push_back
local pop_back
local cut_front
local delete_list
local keep_front
local carries_options
local insert_by_time
local find_newest
local put_for
do
--- The list of a key: all of its messages, oldest first, those of a claimed batch in front. Every write to a list is made here, and only
--- lib/conversation.lua and lib/change.lua say when.

-- A write that a key of another type must not break off: whoever put that there, the queue goes on. What is refused for another reason, as for
-- want of a right, is told. Returns whether it was written.
function write_unless_foreign(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return true end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call(...) end
  return false
end

-- Of a list that seems to be empty, \`reply\` being what was said: for another reason than its type it may not have been read, and then nothing may be
-- concluded from it. So what was refused is refused once more, and ends the call.
function must_be_empty(list, reply)
  if not reply.err or string.find(reply.err, 'WRONGTYPE', 1, true) then return end
  redis.call('LLEN', list)
  redis.call('LRANGE', list, 0, 0)
end

-- Returns how many elements the list has then; or nil and a refusal.
function push_back(list, element)
  local size = redis.pcall('RPUSH', list, element)
  if type(size) == 'table' then return nil, wrong_type(size, 'list', list) end
  return size
end

-- Takes the last element off again. False when that is not allowed.
function pop_back(list) return type(redis.pcall('RPOP', list)) ~= 'table' end

-- Takes the first elements off.
function cut_front(list, count) write_unless_foreign('LTRIM', list, count_text(count), '-1') end

-- Takes all of it away.
function delete_list(list) redis.call('UNLINK', list) end

-- Lua's stack bounds how many values a command can have.
local PUSHED = 500

-- Puts elements in front of a list, the first of them first. Returns an error.
local function push_front(list, elements)
  for last = #elements, 1, -PUSHED do
    local some = {}
    for at = last, math.max(last - PUSHED + 1, 1), -1 do some[#some + 1] = elements[at] end
    local done = redis.pcall('LPUSH', list, unpack(some))
    if type(done) == 'table' then return done end
  end
end

-- Puts elements behind those of a list. Returns an error.
-- WHY RPUSHX: who may bring messages back need not be allowed to add some.
local function push_all_back(list, elements)
  for first = 1, #elements, PUSHED do
    local done = redis.pcall('RPUSHX', list, unpack(elements, first, math.min(first + PUSHED - 1, #elements)))
    if type(done) == 'table' then return done end
  end
end

-- Puts elements at an end of a list. Returns what takes so many off again there; or nil and an error, and the list is as it was.
-- WHY that is tried before they are there: what is not allowed to be taken back could not be refused any more.
local function put_at_end(list, at_front, elements)
  local failed = redis.pcall('LTRIM', list, 0, -1)
  if not failed.err then failed = (at_front and push_front or push_all_back)(list, elements) end
  if failed then return nil, failed end
  return function(count) redis.pcall('LTRIM', list, at_front and count or 0, at_front and -1 or -1 - count) end
end

-- Of the first \`count\` elements leaves those at the positions in \`kept\`, which ascend. Returns them, and how many bytes all had.
-- WHY both commands are tried first: that they are allowed must be known before something is taken off.
function keep_front(list, count, kept)
  local elements, left = redis.call('LRANGE', list, 0, count - 1), {}
  for n = 1, #kept do left[n] = elements[kept[n]] end
  redis.call('LTRIM', list, 0, -1)
  redis.call('LPUSH', list, left[1])
  redis.call('LTRIM', list, count + 1, -1)
  push_front(list, left)
  return left, bytes_of(elements)
end

-- Whether one of the messages has options. A batch has no more than the first 500.
function carries_options(list, size)
  for at = 0, math.min(size, POLICY.MAXSIZE.most) - 1, 20 do
    for _, message in ipairs(redis.call('LRANGE', list, at, at + 19)) do
      if options_of(message) then return true end
    end
  end
  return false
end

-- So many elements are looked at one after the other, and so many bytes of them, before a place is searched for by halves.
local SEARCHED = { elements = 64, bytes = 65536 }

-- How many elements of a list stand in front of the place of a message: those that are older, and the first \`from\` in any case. Or nil and an error.
local function place_of(list, from, size, message)
  local order, at, bytes = order_of(message), from, 0
  while at < size and at - from < SEARCHED.elements and bytes < SEARCHED.bytes do
    local some = redis.pcall('LRANGE', list, at, at + 3)
    if some.err then return nil, some end
    for n = 1, #some do
      if is_behind(order_of(some[n]), order) then return at end
      at, bytes = at + 1, bytes + #some[n]
    end
  end
  local last = size
  while at < last do
    local middle = math.floor((at + last) / 2)
    if is_behind(order_of(redis.call('LINDEX', list, middle)), order) then
      last = middle
    else
      at = middle + 1
    end
  end
  return at
end

-- Two rows of messages, each in order, as one; what is in the first goes before what is as old in the second.
local function merged(older, messages)
  local row, passed = {}, 0
  for n = 1, #messages do
    local order = order_of(messages[n])
    while older[passed + 1] and not is_behind(order_of(older[passed + 1]), order) do
      passed = passed + 1
      row[#row + 1] = older[passed]
    end
    row[#row + 1] = messages[n]
  end
  for n = passed + 1, #older do row[#row + 1] = older[n] end
  return row
end

-- Puts one message between two others, where \`place\` elements stand before it. False when it cannot be told by its text which one is behind it, or it
-- could not be taken out again: that is tried first, at a key that never exists.
local function insert_one(root, list, place, message)
  local next_one = redis.call('LINDEX', list, place)
  -- One that reads the same may stand further in front, in a claimed batch.
  if redis.pcall('LPOS', list, next_one) ~= place or redis.pcall('LREM', part_key(root, ''), -1, message) ~= 0 then return false end
  local done = redis.pcall('LINSERT', list, 'BEFORE', next_one, message)
  return type(done) ~= 'table' and function() redis.pcall('LREM', list, -1, message) end
end

-- Puts \`row\` into the place of the elements from number \`first\` + 1 to number \`last\`, as \`between\` has them. Returns what takes it out again; or nil
-- and an error, and the list is as it was.
-- WHY what stands in front or behind is taken off and put back: Redis cannot replace a part of a list. The shorter side is.
local function replace(list, size, first, last, between, row)
  local at_front = first <= size - last
  local side = at_front and redis.call('LRANGE', list, 0, first - 1) or redis.call('LRANGE', list, last, -1)
  if first == 0 then side = {} end
  local push = at_front and push_front or push_all_back
  local function joined(part)
    local all = {}
    for _, some in ipairs(at_front and { side, part } or { part, side }) do
      for n = 1, #some do all[#all + 1] = some[n] end
    end
    return all
  end
  local whole = joined(row)
  -- One of them alone at first: that both commands are allowed must be known before something is taken off.
  local cut, failed = put_at_end(list, at_front, { row[1] })
  if not cut then return nil, failed end
  cut((at_front and last or size - first) + 1)
  push(list, whole)
  return function()
    cut(#whole)
    push(list, joined(between))
  end
end

-- Puts messages, which are in order, into a list, each where its time belongs: behind what is older, and behind the first \`claimed\`, which are a batch
-- in work. Returns what takes them out again; or nil and a refusal, and the list is as it was. Whoever calls this has asked for the length of the list
-- before.
function insert_by_time(root, list, claimed, messages)
  local size = redis.call('LLEN', list)
  local first, failed = place_of(list, math.min(claimed, size), size, messages[1])
  local last = first
  if first and #messages > 1 then last, failed = place_of(list, first, size, messages[#messages]) end
  if not last then return nil, wrong_type(failed, 'list', list) end
  local count = #messages
  if last == 0 or first == size then
    local cut
    cut, failed = put_at_end(list, last == 0, messages)
    if not cut then return nil, wrong_type(failed, 'list', list) end
    return function() cut(count) end
  end
  local undo = count == 1 and insert_one(root, list, first, messages[1])
  if undo then return undo end
  local between = redis.call('LRANGE', list, first, last - 1)
  undo, failed = replace(list, size, first, last, between, merged(between, messages))
  if not undo then return nil, wrong_type(failed, 'list', list) end
  return undo
end

-- Looks for the newest message with an id, from the end of a list of \`size\` messages on, and not among the first \`from\`. Returns how many stand in front
-- of it, and the message; or nil, and a refusal when it may not be looked for. It is looked for no further than LIMITS.sought and LIMITS.soughtBytes say.
function find_newest(queue, list, from, size, id)
  local upto, least = size, math.max(from, size - LIMITS.sought)
  local step = math.max(1, math.min(10, math.floor(LIMITS.soughtBytes / queue.largest)))
  queue.sought = queue.sought or 0
  while upto > least and queue.sought < LIMITS.soughtBytes do
    local first = math.max(least, upto - step)
    local some = redis.pcall('LRANGE', list, count_text(first), count_text(upto - 1))
    if some.err then return nil, wrong_type(some, 'list', list) end
    for n = #some, 1, -1 do
      local _, its = parts_of(some[n], true)
      if its == id then return first + n - 1, some[n] end
      queue.sought = queue.sought + #some[n]
    end
    upto = first
  end
end

-- Puts \`element\` into the place of an \`old\` one, which has \`before\` others in front of it and none like it behind it; or, without one, takes that away.
-- Returns a refusal.
function put_for(list, before, old, element)
  local done = element and redis.pcall('LSET', list, count_text(before), element) or redis.pcall('LREM', list, '-1', old)
  return error_of(done, 'list', list)
end
end
local widen
local end_widening
local keep_dead
local dead_positions
local dead_messages
local placed_messages
local read_batch_ids
local drop_dead
local drop_old_dead
do
--- Dead batches: what is kept of a batch that was given up. A batch is in \`dead\`, by when it died, and \`dead:<batch id>\` has its messages.

-- Lua's stack bounds how many values a command can have.
local FIELDS_AT_ONCE = 500

-- Makes a hash one that finds a field without looking through all of them, for as long as many are written: Redis stores a small one as a list, unless
-- a value is long. 500 messages would cost eight times as much.
function widen(name) redis.call('HSET', name, 'padding', string.rep(' ', 65)) end

function end_widening(name) redis.call('HDEL', name, 'padding') end

-- Keeps a batch as a dead one. \`fate\`: { cause = 'failed' | 'lease' | 'unacknowledged', error }. \`messages\`: its messages, if they were read.
-- Returns how many bytes its messages have; nil, and nothing is written, when a key of another type stands there.
-- WHY the messages come before the index: what is in the index is complete, and only what is new there is counted.
function keep_dead(queue, key, claim, fate, messages)
  local root = queue.root
  messages = messages or redis.call('LRANGE', messages_key(root, key), 0, claim.count - 1)
  local dead = dead_key(root, claim.id)
  local written = write_unless_foreign(
    'HSET', dead, 'key', key, 'attempt', claim.attempt, 'claim', claim.claim, 'deadline', claim.deadline, 'reason', claim.reason,
    'cause', fate.cause, 'error', fate.error, 'count', #messages
  )
  if not written then return nil end
  local is_long = #messages > 100
  if is_long then widen(dead) end
  for from = 1, #messages, FIELDS_AT_ONCE do
    local fields = {}
    for n = from, math.min(from + FIELDS_AT_ONCE - 1, #messages) do
      fields[#fields + 1], fields[#fields + 2] = count_text(n), messages[n]
    end
    redis.call('HSET', dead, unpack(fields))
  end
  if is_long then end_widening(dead) end
  if redis.call('ZADD', dead_key(root), queue.now, claim.id) == 1 then
    count_up(root, 'dead', 1)
    count_up(root, 'deadMessages', #messages)
  end
  return bytes_of(messages)
end

-- At which positions a dead batch has messages, ascending. Nil when the key has more fields than a batch, or is of another type.
function dead_positions(name)
  local size = read_unless_foreign('HLEN', name)
  if not size or size > 2000 then return nil end
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if string.find(field, '^[1-9]%d?%d?%d?$') then found[#found + 1] = tonumber(field) end
  end
  table.sort(found)
  return found
end

-- The messages of a dead batch, oldest first: those that are there, whatever its count says.
function dead_messages(root, id)
  local name = dead_key(root, id)
  -- Whoever calls this has read of it in the same call: it is a hash.
  local size = redis.call('HLEN', name)
  if size > 2000 then return {} end
  local stored, at, messages = redis.call('HGETALL', name), {}, {}
  for n = 1, #stored, 2 do at[stored[n]] = stored[n + 1] end
  while at[count_text(#messages + 1)] do messages[#messages + 1] = at[count_text(#messages + 1)] end
  -- Beside the messages it has eight fields: some that are behind a gap.
  if #messages + 8 < size then
    for n, position in ipairs(dead_positions(name)) do messages[n] = at[count_text(position)] end
  end
  return messages
end

-- The same, each with its place among the dead, so that it finds back to where it was; and whether one has options.
function placed_messages(root, id)
  local messages, number, with_options = dead_messages(root, id), string.match(id, '^%d+%-(%d+)'), false
  for n = 1, #messages do
    local message = messages[n]
    with_options = with_options or options_of(message) ~= nil
    messages[n] = with_place(message, number, n)
  end
  return messages, with_options
end

-- The ids of dead batches from args[first] to args[last]; or nil and a refusal.
function read_batch_ids(args, first, last)
  local given = last - first + 1
  if given < 1 then return nil, fail('MISSING_ARGUMENT', 'expected the id of a dead batch') end
  if given > LIMITS.ids then return nil, fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.ids .. ' ids, got ' .. given) end
  return { unpack(args, first, last) }
end

-- Deletes a dead batch for good. Returns how many messages it had, or nil when it was not there. \`why\`: for the event of it, if it is to be told.
-- WHY its id comes back when the batch cannot go: nobody would find it.
function drop_dead(queue, id, why)
  local root = queue.root
  local index, name, count = dead_key(root), dead_key(root, id), 0
  local died = redis.call('ZSCORE', index, id)
  if not died then return nil end
  local is_ours = redis.call('TYPE', name).ok == 'hash'
  local key = is_ours and why and queue.events > 0 and redis.call('HGET', name, 'key')
  if is_ours then count = integer(redis.call('HGET', name, 'count'), 0, POLICY.MAXSIZE.most) or 0 end
  redis.call('ZREM', index, id)
  if is_ours and type(redis.pcall('UNLINK', name)) == 'table' then
    redis.call('ZADD', index, died, id)
    redis.call('UNLINK', name)
  end
  if count > 0 then
    count_up(root, 'deadMessages', -count)
    count_up(root, 'droppedMessages', count)
  end
  if key then note_event(queue, 'dropped', key, 'batch', id, 'count', count_text(count), 'why', why) end
  return count
end

-- Drops dead batches that are older than the policy allows, the oldest first: a few of them, since the call does something else.
function drop_old_dead(queue)
  local latest, root = digits(queue.now - queue.maxDeadAge), queue.root
  local ids = redis.call('ZRANGEBYSCORE', dead_key(root), '-inf', latest, 'LIMIT', '0', count_text(LIMITS.oldDead))
  for n = 1, #ids do drop_dead(queue, ids[n], 'age') end
end
end
local append
local take_back
local keep_indexed
local look_by
local note_options
local settle_options
local index_appended
local open_rest
local LOOK_AGAIN
local forget
local hand_out
local move_lagging
local hand_out_again
local extend_leases
local put_off
local shrink
local bury
local finish
local bring_back
local revive
local erase_messages
do
--- The states of a conversation, and every step from one of them to another, but for messages that are edited or withdrawn (lib/change.lua). Beside
--- both and lib/recover.lua, which puts broken ones right, nothing else writes \`due\`, \`active\`, \`claims\` and \`overrides\`, or says when a list is written
--- (lib/list.lua).
--
--   empty     no messages, in no index, no claim
--   open      in \`due\`: collecting, and ready when its time has come
--   active    in \`active\` with the end of its lease, and a claim: a worker has the first messages
--   retry     as active, with the end of a pause: the worker has failed
--   released  as active, with a time that has come: the worker has given the batch back
--   done      as active, without messages: the batch was completed while its list was missing
--
--   append, index_appended   empty → open; one message more in any other state
--   hand_out                 open → active
--   move_lagging             open, looked at later
--   hand_out_again           active, retry, released → active, when their time has come
--   extend_leases            active, for longer
--   shrink                   active → retry, without the messages that are done
--   put_off                  active → retry, or released
--   bury                     active, retry → dead, and what is behind → open, or empty
--   finish                   active → completed, and what is behind → open, or empty; or done
--   bring_back, revive       dead → open, or behind the batch of a worker
--   forget                   in an index, and without messages → empty
--   erase_messages           any → empty
--
-- WHY each step says in which order it writes: Redis does not undo. A command may be refused in the middle of a call, for want of a right, and
-- then the call ends between two writes. What it leaves must be such that nothing is lost and the next look puts it right (lua/README.md has
-- the table). So a key goes into its new index before it leaves the old one, a claim is void before its messages go, and messages are in their
-- new place before they leave the old one.

-- One message more at the end of the list of its key. Returns how many the key has then; or nil and a refusal, and nothing is written.
append = push_back

-- Takes back what append has just done. False when that is not allowed: then the message stays, and keep_indexed sees to its key.
function take_back(queue, key) return pop_back(messages_key(queue.root, key)) end

-- When a batch is due that is opened now.
local function opens_at(queue) return queue.maxSize == 1 and queue.now or queue.now + queue.wait end

function keep_indexed(queue, key) redis.pcall('ZADD', due_key(queue.root), 'NX', opens_at(queue), key) end

-- Lets a key be looked at by \`at\`, which is now or later; what is due before keeps its turn. When nothing moves, the key is due before, or active, or
-- its entry was lost, by hand or with a failover: nobody would ever look at it then, and it is looked at now, since an earlier message may have
-- closed its batch. Returns when the key is due, if that has changed or is refused, and the refusal.
function look_by(queue, key, at)
  local due = due_key(queue.root)
  local done = redis.pcall('ZADD', due, 'XX', 'LT', 'CH', digits(at), key)
  if done ~= 0 then return at, error_of(done, 'zset', due) end
  for _, index in ipairs({ due, active_key(queue.root) }) do
    local found = redis.pcall('ZSCORE', index, key)
    if found then return nil, error_of(found, 'zset', index) end
  end
  return queue.now, error_of(redis.pcall('ZADD', due, digits(queue.now), key), 'zset', due)
end

-- Notes that messages of a key may have options. Returns 1 when that is new, 0 when it is known; or nil and a refusal, and nothing is written.
function note_options(queue, key)
  local overrides, before = overrides_key(queue.root), queue.stored.options
  local noted = before ~= 1 and write_settings(queue, { options = 1 })
  if type(noted) == 'table' then return nil, wrong_type(noted, 'hash', queue.root) end
  local listed = redis.pcall('SADD', overrides, key)
  if type(listed) ~= 'table' then return listed end
  write_settings(queue, { options = before or false })
  return nil, wrong_type(listed, 'set', overrides)
end

-- Takes that back; \`before\`: what the settings have said.
local function forget_options(queue, key, before)
  redis.pcall('SREM', overrides_key(queue.root), key)
  write_settings(queue, { options = before or false })
end

-- Notes that no key has options any more, if that is so, at a look that has found nothing to do.
function settle_options(queue)
  if queue.options and redis.pcall('SCARD', overrides_key(queue.root)) == 0 then write_settings(queue, { options = 0 }) end
end

-- When a key with options has to be looked at that has just got its message number \`size\`, with these \`options\` or none: never later than its batch
-- is due, but perhaps earlier, when an earlier message has closed the batch. Or nil and a refusal.
-- WHY not the deadline itself: whoever closes the batch is found by reading all of it, and this is asked for each message.
local function due_with_options(queue, key, size, options)
  local now, maxWait = queue.now, options.maxWait or queue.maxWait
  if options.flush or size >= (options.maxSize or queue.maxSize) then return now end
  local at = now + (options.wait or queue.wait)
  if size == 1 then return math.min(at, now + maxWait) end
  -- A call reads so much of first messages, which may be large; the next claim looks at the others.
  if queue.first_bytes > LIMITS.firstBytes then return now end
  local list = messages_key(queue.root, key)
  local first = redis.pcall('LINDEX', list, '0')
  if type(first) ~= 'string' then return nil, error_of(first, 'list', list) end
  queue.first_bytes = queue.first_bytes + #first
  return math.max(math.min(at, received_at(first) + maxWait), now)
end

-- Sees to it that a key is looked at in time whose messages may have options; \`options\`: those of the message that was just appended. Nothing is left
-- when it refuses.
local function index_by_options(queue, key, size, options)
  local root, before, listed, failed = queue.root, queue.stored.options, nil, nil
  if options then listed, failed = note_options(queue, key) end
  local at
  if not failed then at, failed = due_with_options(queue, key, size, options or queue) end
  if at and size == 1 then
    failed = error_of(redis.pcall('ZADD', due_key(root), digits(at), key), 'zset', due_key(root))
  elseif at then
    at, failed = look_by(queue, key, at)
  end
  if failed and listed == 1 then forget_options(queue, key, before) end
  return at, failed
end

-- Sees to it that a key is looked at in time that has got its message number \`size\`. Returns when it is due, if that has changed, and a refusal.
-- WHY a burst costs one RPUSH a message: only the first message of an empty list can need an index entry, and an active key's list is never
-- empty. The entry then lags behind the deadline and is put right by the next claim.
function index_appended(queue, key, size, options)
  local root = queue.root
  local listed = options and 1 or any_options(queue) and redis.pcall('SISMEMBER', overrides_key(root), key) or 0
  if listed == 1 then return index_by_options(queue, key, size, options) end
  if listed ~= 0 then return nil, wrong_type(listed, 'set', overrides_key(root)) end
  if size == 1 then
    -- The same for all messages of a call, so made once.
    local opens = queue.opens
    if not opens then
      opens = opens_at(queue)
      queue.opens, queue.opens_text, queue.due = opens, digits(opens), due_key(root)
    end
    local done = redis.pcall('ZADD', queue.due, queue.opens_text, key)
    if done == 1 then
      if queue.stored.options == nil then write_settings(queue, { options = queue.options and 1 or 0 }) end
      return opens
    end
    return opens, error_of(done, 'zset', due_key(root))
  end
  -- Once a call is enough for a key that is flooded: it is ready.
  if size < queue.maxSize or queue.filled == key then return nil end
  local at, failed = look_by(queue, key, queue.now)
  if not failed then queue.filled = key end
  return at, failed
end

-- Takes the first \`count\` messages off a key, and puts what is left into \`due\`, behind all that is due already. Returns when it is due, if anything
-- is left. A key of another type has nothing left: it must not stop the queue. Whoever calls this takes the key out of \`active\` afterwards.
-- WHY where much would have to be read for it, it comes into \`due\` without a look at it: the next claim looks, perhaps too early.
function open_rest(queue, key, count)
  local root, list = queue.root, messages_key(queue.root, key)
  cut_front(list, count)
  queue.now = queue.now or now_ms()
  local with_options, at = has_options(queue, key), nil
  -- What will be read to learn its deadline: all of it, or the first message and the last.
  local size = with_options and redis.pcall('LLEN', list) or 2
  if type(size) ~= 'table' and (queue.read or 0) + size * (queue.largest + (with_options and OPTIONS_READ or 0)) > LIMITS.windowBytes then
    size = with_options and size or redis.pcall('LLEN', list)
    if size ~= 0 and type(size) ~= 'table' then at = queue.now end
  end
  if not at then
    local head, reply = window_of(queue, key, with_options)
    if not head then
      must_be_empty(list, reply)
      if with_options then write_unless_foreign('SREM', overrides_key(root), key) end
      return nil
    end
    at = enters_at(head, queue.now)
  end
  write_unless_foreign('ZADD', due_key(root), digits(at), key)
  return at
end

-- While a cluster moves the slot, and a node dies meanwhile, a list may be on another node for a while. An entry of an index whose list is
-- missing is looked at again so much later, ms. Its score ends in .5 until then.
LOOK_AGAIN = 10000

local function look_again(queue, key, index) write_unless_foreign('ZADD', index, string.format('%.0f.5', queue.now + LOOK_AGAIN), key) end

-- Takes an entry without a list, which the caller has found there, out of an index, when the list was missing the last time as well.
function forget(queue, key, index)
  local score = redis.call('ZSCORE', index, key)
  if not string.find(score, '%.5$') then return look_again(queue, key, index) end
  if has_options(queue, key) then write_unless_foreign('SREM', overrides_key(queue.root), key) end
  if index == active_key(queue.root) then redis.call('HDEL', claims_key(queue.root), key) end
  redis.call('ZREM', index, key)
  note_event(queue, 'missing', key)
end

-- Hands out what one look at \`due\` has found; \`tally\` has the number of the newest batch. In \`look\` each is a list of arguments: \`records\` has keys
-- and claims, \`leases\` their ends and keys, \`later\` true deadlines and keys of what is not ready yet, \`gone\` keys that are to leave \`due\`, and
-- \`unclaimed\` open keys that are to leave \`active\`.
-- WHY batches are counted first: no two may have the same id. And out of \`due\` last: what a call that is cut off leaves in both indexes, the next
-- look puts right.
function hand_out(queue, look, tally)
  local root = queue.root
  if #look.leases > 0 then
    write_numbers(queue, tally)
    redis.call('HSET', claims_key(root), unpack(look.records))
    redis.call('ZADD', active_key(root), unpack(look.leases))
  end
  if look.later then redis.call('ZADD', due_key(root), unpack(look.later)) end
  if look.unclaimed then
    redis.call('HDEL', claims_key(root), unpack(look.unclaimed))
    redis.call('ZREM', active_key(root), unpack(look.unclaimed))
  end
  if #look.gone > 0 then redis.call('ZREM', due_key(root), unpack(look.gone)) end
end

-- Moves scores that lag behind, and are to come within the next LIMITS.lagAhead ms, to the deadlines, so that one look does for many keys: at
-- \`most\` so many.
-- WHY no batch is late for it: each goes where a look at its time would put it, unless it is due by then.
function move_lagging(queue, most)
  local due, now, later = due_key(queue.root), queue.now, {}
  most = math.min(most, LIMITS.lagging)
  if most < 1 then return end
  local keys = redis.call(
    'ZRANGEBYSCORE', due, '(' .. digits(now), digits(now + LIMITS.lagAhead), 'LIMIT', '0', count_text(most)
  )
  for n = 1, #keys do
    if (queue.read or 0) >= LIMITS.windowBytes then break end
    local head = window_of(queue, keys[n], has_options(queue, keys[n]))
    if head then later[#later + 1], later[#later + 2] = digits(enters_at(head, now)), keys[n] end
  end
  if #later > 0 then redis.call('ZADD', due, 'GT', unpack(later)) end
end

-- Hands batches, each { key, claim }, out once more: the same ids and messages, new tokens.
function hand_out_again(queue, again, take)
  if #again == 0 then return end
  local records, leases, ends = {}, {}, digits(queue.now + take.lease)
  for n = 1, #again do
    local key, claim = again[n].key, again[n].claim
    claim.span, claim.state = take.lease, take.state
    records[2 * n - 1], records[2 * n] = key, encode_claim(claim)
    leases[2 * n - 1], leases[2 * n] = ends, key
  end
  redis.call('HSET', claims_key(queue.root), unpack(records))
  redis.call('ZADD', active_key(queue.root), unpack(leases))
end

-- Lengthens leases, each { key, claim }: none is ever shortened. \`known\`: the caller has them, which acknowledges them.
-- WHY the span first: a lease may end sooner than its claim says, but not later.
function extend_leases(queue, held, lease, known)
  if #held == 0 then return end
  local records, ends, text = {}, {}, digits(queue.now + lease)
  for n = 1, #held do
    local key, claim = held[n].key, held[n].claim
    if claim.span < lease or known and claim.state then
      claim.span = math.max(claim.span, lease)
      if known then claim.state = nil end
      records[#records + 1], records[#records + 2] = key, encode_claim(claim)
    end
    ends[#ends + 1], ends[#ends + 2] = text, key
  end
  if #records > 0 then redis.call('HSET', claims_key(queue.root), unpack(records)) end
  redis.call('ZADD', active_key(queue.root), 'GT', unpack(ends))
end

-- Puts claimed batches off, each { key, head, pause, failed }: the beginning of its claim's record, ms, and what it has failed with, if it has; \`state\`:
-- 'retry' or 'released'.
-- WHY the claims first: from then on the tokens prove nothing, and the batches come when their leases end at the latest.
function put_off(queue, state, batches)
  if #batches == 0 then return end
  local records, ends = {}, {}
  for n = 1, #batches do
    local key, pause = batches[n].key, batches[n].pause
    records[2 * n - 1], records[2 * n] = key, batches[n].head .. claim_tail(pause, state, batches[n].failed)
    ends[2 * n - 1], ends[2 * n] = digits(queue.now + pause), key
  end
  redis.call('HSET', claims_key(queue.root), unpack(records))
  redis.call('ZADD', active_key(queue.root), unpack(ends))
end

-- Takes the messages that are done out of a batch that has failed: all but those at the positions in \`kept\`. Returns those that are left, and how many
-- bytes the batch had.
-- WHY the claim first: its token is void from then on, since made again the call would take other messages for those at its positions.
function shrink(queue, key, claim, kept)
  local root, list, count = queue.root, messages_key(queue.root, key), claim.count
  local done = count - #kept
  claim.count, claim.state = #kept, 'retry'
  redis.call('HSET', claims_key(root), key, encode_claim(claim))
  local left, bytes = keep_front(list, count, kept)
  count_up(root, 'completedMessages', done)
  return left, bytes
end

-- Moves a batch that is given up to the dead ones; \`fate\` and \`messages\`, if they were read, as keep_dead takes them. Returns its bytes, and when what
-- is behind it is due. False, and nothing is done, when \`maxDead\` are kept already, or somebody else has a key where it would lie: then it is tried
-- again, since dropping it would lose messages, and keeping it grow without a bound.
-- WHY this order: a call that is cut off may leave a batch in both places, never in none, and the next look buries it once more.
function bury(queue, key, claim, fate, messages)
  local root = queue.root
  if redis.call('ZCARD', dead_key(root)) >= queue.maxDead then return false end
  local bytes = keep_dead(queue, key, claim, fate, messages)
  if not bytes then return false end
  redis.call('HDEL', claims_key(root), key)
  local at = open_rest(queue, key, claim.count)
  redis.call('ZREM', active_key(root), key)
  return bytes, at
end

-- A batch that is completed while its list is missing: the claim stays as one that is done. When the list comes back, the batch is taken off it,
-- and what is behind the batch is handed over.
local function finish_without_list(queue, key, record)
  local claim = decode_claim(record)
  queue.now = queue.now or now_ms()
  claim.state, claim.span = 'done', LOOK_AGAIN
  redis.call('HSET', claims_key(queue.root), key, encode_claim(claim))
  look_again(queue, key, active_key(queue.root))
end

-- Finishes claimed batches: of each key so many messages of \`counts\`, by the claim in \`records\`. Opens what is left behind them, and returns when
-- the first of that is due.
-- WHY this order: the claims go first, since a token must not prove anything once the messages are gone; \`active\` last, so that no key is in
-- no index.
function finish(queue, keys, counts, records)
  local root, messages, ended, emptied, lists, soonest = queue.root, 0, {}, {}, {}, nil
  redis.call('HDEL', claims_key(root), unpack(keys))
  for n = 1, #keys do
    local key, count = keys[n], counts[n]
    local list = messages_key(root, key)
    local size = redis.pcall('LLEN', list)
    if size == count then
      lists[#lists + 1], emptied[#emptied + 1], ended[#ended + 1] = list, key, key
    elseif size == 0 then
      finish_without_list(queue, key, records[n])
    else
      local at = open_rest(queue, key, count)
      if at then soonest = math.min(soonest or at, at) end
      ended[#ended + 1] = key
    end
    messages = messages + count
  end
  if #lists > 0 then
    redis.call('UNLINK', unpack(lists))
    if any_options(queue) then write_unless_foreign('SREM', overrides_key(root), unpack(emptied)) end
  end
  if #ended > 0 then write_unless_foreign('ZREM', active_key(root), unpack(ended)) end
  count_up(root, 'completed', #keys)
  count_up(root, 'completedMessages', messages)
  return soonest
end

-- Puts a key into \`due\` that messages were brought back to, unless a worker has a batch of it. Returns when it is due, and a refusal.
local function index_brought_back(queue, key, claim, with_options)
  local root = queue.root
  -- A claim that has lost its lease, or is done, holds nobody up: the key must be looked at.
  local held = claim and claim.state ~= 'done' and redis.pcall('ZSCORE', active_key(root), key)
  if held then return nil, error_of(held, 'zset', active_key(root)) end
  local listed = with_options and 1 or redis.pcall('SISMEMBER', overrides_key(root), key)
  if type(listed) == 'table' then return nil, wrong_type(listed, 'set', overrides_key(root)) end
  local at, due = queue.now, due_key(root)
  -- What options make of it only all of its messages could tell: the next claim reads them.
  if listed ~= 1 then
    local head, reply = window_of(queue, key, false)
    if not head then return nil, error_of(reply, 'list', messages_key(root, key)) end
    at = enters_at(head, queue.now)
  end
  -- A key that is due already keeps its turn.
  local done = at <= queue.now and redis.pcall('ZADD', due, 'LT', digits(at), key) or redis.pcall('ZADD', due, digits(at), key)
  return at, error_of(done, 'zset', due)
end

-- Puts messages that have died, which are in order, back where their times belong, and never into a claimed batch; \`with_options\`: some of them have
-- options. Returns what undoes it, and when the key is due, if that has changed; or nil and a refusal, and nothing is written.
function bring_back(queue, key, messages, with_options)
  local root = queue.root
  local stored = redis.pcall('HGET', claims_key(root), key)
  if type(stored) == 'table' then return nil, wrong_type(stored, 'hash', claims_key(root)) end
  local claim = decode_claim(stored)
  local take_out, refused = insert_by_time(root, messages_key(root, key), claim and claim.count or 0, messages)
  if not take_out then return nil, refused end
  local before, listed, at, failed = queue.stored.options, nil, nil, nil
  if with_options then listed, failed = note_options(queue, key) end
  if not failed then at, failed = index_brought_back(queue, key, claim, with_options) end
  local function undo()
    take_out()
    if listed == 1 then forget_options(queue, key, before) end
  end
  if failed then
    undo()
    return nil, failed
  end
  return undo, at
end

-- Brings a whole batch back from the dead. Returns how many messages it has, and when their key is due, if that has changed; nil when there is
-- no such batch; or nil and a refusal, and then it is as dead as before.
-- WHY out of the dead first: a call that is cut off there has moved nothing, and the batch is put back or mended.
function revive(queue, id, key)
  local root = queue.root
  local died = redis.call('ZSCORE', dead_key(root), id)
  local messages, with_options = {}, false
  if died then messages, with_options = placed_messages(root, id) end
  if #messages == 0 then return nil end
  redis.call('ZREM', dead_key(root), id)
  local undo, at = bring_back(queue, key, messages, with_options)
  local failed = not undo and at
  if undo then
    failed = error_of(redis.pcall('UNLINK', dead_key(root, id)), 'hash', dead_key(root, id))
    if failed then undo() end
  end
  if failed then
    redis.call('ZADD', dead_key(root), died, id)
    return nil, failed
  end
  redis.pcall('HINCRBY', root, 'deadMessages', -#messages)
  return #messages, at
end

-- Takes away the messages of a key, \`size\` of them, and what says in which state it is.
-- WHY the claim first: its token proves nothing from then on, whatever becomes of the rest. And the counter right behind the list: all others are
-- taken away once more by the next try.
function erase_messages(queue, key, size)
  local root = queue.root
  redis.call('HDEL', claims_key(root), key)
  delete_list(messages_key(root, key))
  if size > 0 then count_up(root, 'droppedMessages', size) end
  redis.call('SREM', overrides_key(root), key)
  redis.call('ZREM', active_key(root), key)
  redis.call('ZREM', due_key(root), key)
end
end
local digest_of
local drop_slices
local read_ids
local remember_ids
local forget_id
local remember_again
local begin_slice
do
--- Message ids that were accepted are remembered for \`dedupe\` to three times \`dedupe\`, in a set for each slice of time that begins. So they go all at
--- once, and nobody has to delete them one by one.
---
--- A set goes with UNLINK, which frees it beside the calls: when a slice begins, or when a worker looks and finds nothing to do. It expires
--- another \`dedupe\` later, for queues that nobody touches.
--- WHY not by expiry alone: unless it is told otherwise, Redis frees what has expired at one go, and serves nobody meanwhile. 360,000 ids took
--- 90 ms.
---
--- \`ids\` is what one call knows of those of its messages: \`asked\`, their digests; \`known\`, which of these were accepted before; \`forgotten\`, which
--- were taken back; \`failed\`, why none can be remembered; the \`set\` of this slice and when it \`expires\`; and the slice, if it \`begins\` here.
--
-- WHY an id is remembered as a digest of it and its key, 32 of the 40 hex digits of SHA-1: the same id in two conversations is two messages,
-- and a long id costs no more than a short one. As 16 raw bytes it would take 64 bytes of memory instead of 80, and Lua, which has
-- to make them of the digits, 2.0 us instead of 1.1 us for each message (Redis 7.0, sets of 500,000 ids).

-- Lua's stack bounds how many values \`unpack\` can give.
local UNPACKED = 1000

local function unpack_some(values, from)
  -- Nearly all have few.
  if #values <= UNPACKED then return unpack(values) end
  return unpack(values, from, math.min(from + UNPACKED - 1, #values))
end

-- Times that are the same in call after call: each \`what\` keeps the last one that was printed.
local TIMES = {}
local function kept_text(what, ms)
  local kept = TIMES[what]
  if not kept or kept.ms ~= ms then
    kept = { ms = ms, text = digits(ms) }
    TIMES[what] = kept
  end
  return kept.text
end

-- By what the id of a message is remembered; \`name\`: that of a message which comes back from the dead of another partition, and must not be
-- taken for an id.
function digest_of(key, id, name)
  local text = count_text(#key) .. ':' .. key .. (name or id)
  if name then text = 'requeued ' .. text end
  return string.sub(redis.sha1hex(text), 1, 32)
end

-- Adds those of the digests to \`known\` that are in the set. Asked for together: a call for each would cost half of what storing the message
-- does. Returns an error when they cannot be asked for.
local function look_up(set, asked, known)
  for from = 1, #asked, UNPACKED do
    local found = redis.pcall('SMISMEMBER', set, unpack_some(asked, from))
    if found.err then return wrong_type(found, 'set', set) end
    for n = 1, #found do
      if found[n] == 1 then known[asked[from + n - 1]] = true end
    end
  end
end

-- When the ids of the last slice are forgotten. The root has it, since the slice may have begun under another \`dedupe\`.
local function slice_ends(queue) return queue.sliceEnds or queue.slice + 2 * queue.dedupe end

-- Whether that has come, and not only the end of the slice before it. Under a shorter \`dedupe\` than now it cannot have come before.
local function is_forgotten(queue)
  return queue.slice and queue.now >= queue.slice + 2 * queue.dedupe and queue.now >= slice_ends(queue)
end

-- The sets whose ids are forgotten when the last slice has ended; \`all\`: its own too.
local function gone_slices(queue, all)
  local gone = {}
  if queue.sliceBefore then gone[1] = seen_key(queue.root, digits(queue.sliceBefore)) end
  if all then gone[#gone + 1] = seen_key(queue.root, digits(queue.slice)) end
  return gone
end

-- Drops what is forgotten, at a look that has found nothing to do. Who may not do that goes without: the sets expire.
function drop_slices(queue)
  if not queue.slice or queue.now < queue.slice + queue.dedupe then return end
  local all = is_forgotten(queue)
  local gone = gone_slices(queue, all)
  if #gone == 0 then return end
  redis.pcall('UNLINK', unpack(gone))
  write_settings(queue, { sliceBefore = false, slice = not all and queue.slice })
end

-- Looks up the ids of a call.
function read_ids(queue, asked)
  local slice, before, gone = queue.slice, queue.sliceBefore, nil
  local begins = not slice or queue.now >= slice + queue.dedupe
  if begins then
    local all = is_forgotten(queue)
    gone = gone_slices(queue, all)
    slice, before = queue.now, not all and slice
  end
  local ends = slice + 2 * queue.dedupe
  -- The clock has gone back, and ids are remembered that came later than now.
  if slice > queue.now then ends = math.max(ends, slice_ends(queue)) end
  local ids = {
    asked = asked, known = {}, set = seen_key(queue.root, kept_text('slice', slice)), expires = kept_text('expires', ends + queue.dedupe),
  }
  if begins then ids.begins = { slice = slice, before = before, gone = gone } end
  local failed = look_up(ids.set, asked, ids.known)
  if not failed and before then failed = look_up(seen_key(queue.root, kept_text('before', before)), asked, ids.known) end
  if failed then ids.failed = failed end
  return ids
end

-- Remembers those that are not known yet, all or none: then it says why in \`failed\`.
function remember_ids(ids)
  if ids.failed then return end
  local fresh = ids.asked
  if next(ids.known) then
    fresh = {}
    for n = 1, #ids.asked do
      if not ids.known[ids.asked[n]] then fresh[#fresh + 1] = ids.asked[n] end
    end
    if #fresh == 0 then return end
  end
  local failed, from = nil, 1
  while from <= #fresh and not failed do
    failed = error_of(redis.pcall('SADD', ids.set, unpack_some(fresh, from)), 'set', ids.set)
    if not failed then from = from + UNPACKED end
  end
  failed = failed or error_of(redis.pcall('PEXPIREAT', ids.set, ids.expires), 'set', ids.set)
  -- Only what was written is taken back: over maxmemory a script may write all it likes behind its first command that frees memory.
  while failed and from > 1 do
    from = from - UNPACKED
    redis.pcall('SREM', ids.set, unpack_some(fresh, from))
  end
  if failed then ids.failed = failed end
end

-- Takes an id back whose message is not stored. False when that is not allowed.
function forget_id(ids, digest)
  ids.forgotten = ids.forgotten or {}
  ids.forgotten[digest] = true
  return type(redis.pcall('SREM', ids.set, digest)) ~= 'table'
end

-- Remembers an id again that was taken back. The set may have been empty then, and gone.
function remember_again(ids, digest)
  redis.pcall('SADD', ids.set, digest)
  redis.pcall('PEXPIREAT', ids.set, ids.expires)
end

-- From now on ids are remembered in the set of this slice, if it begins here. Returns an error when that cannot be written.
function begin_slice(queue, ids)
  local begins = ids.begins
  if not begins then return nil end
  local done = write_settings(queue, { slice = begins.slice, sliceEnds = begins.slice + 2 * queue.dedupe, sliceBefore = begins.before or false })
  if type(done) == 'table' then return wrong_type(done, 'hash', queue.root) end
  if #begins.gone > 0 then redis.pcall('UNLINK', unpack(begins.gone)) end
  ids.begins = nil
end
end
local read_nonce
local leading_nonce
local kept_reply
local keep_reply
local acknowledged
do
--- Calls that may be repeated. A caller names itself and counts its calls: \`NONCE <name>/<number>\`. What the last call of a name has
--- replied is kept for a while, so a call that is made again, since its reply was lost, says what the first one did.
--- A higher number says that the reply before it has arrived. That is how claims are acknowledged, at no cost: see acknowledged.

-- How long a reply is kept, ms. For claims the lease comes on top.
local NONCE_KEPT = 60000

-- Reads '<name>/<number>'. Returns a nonce, or nil and a refusal; nil when there is no text.
function read_nonce(text)
  if not text then return nil end
  local name, number = string.match(text, '^([%w_-]+)/(%d+)$')
  if not name or #name > LIMITS.caller or #number > 15 then
    return nil, fail('BAD_ARGUMENT', 'NONCE must be a name of 1 to 48 letters, digits, _ or -, a slash and a number; got ' .. shown(text))
  end
  return { text = text, name = name, number = tonumber(number) }
end

-- The nonce of calls whose arguments have no tokens: a pair in front of the others. A nonce has a slash, which no token and no id has.
-- Returns the nonce, where the other arguments begin, and a refusal.
function leading_nonce(args)
  local word = args[1]
  if not word or #word ~= 5 or string.upper(word) ~= 'NONCE' or not args[2] or not string.find(args[2], '/', 1, true) then return nil, 1 end
  local nonce, refusal = read_nonce(args[2])
  return nonce, 3, refusal
end

-- Whether a call was made before; \`call\` is its name. Returns what was kept of it, or false when a later one was made since: then nobody
-- waits for this reply, and nothing is to be done. Nil: it is new.
function kept_reply(queue, nonce, call)
  if not queue.kept then return nil end
  local number, name, kept = string.match(queue.kept, '^(%d+) ([%w_]+) (.*)$')
  number = tonumber(number)
  if not number or number < nonce.number then return nil end
  if number > nonce.number or name ~= call then return false end
  return cmsgpack.unpack(kept)
end

-- Keeps the reply of a call. A user of Redis who may not do so goes without: an error here would hide what the call has written.
function keep_reply(queue, nonce, call, reply, lease)
  if not nonce then return end
  local text = string.format('%.0f %s ', nonce.number, call) .. cmsgpack.pack(reply)
  redis.pcall('SET', calls_key(queue.root, nonce.name), text, 'PX', NONCE_KEPT + (lease or 0))
end

-- Which claims of these records somebody has acknowledged, by position. Those that were taken with a nonce are when the caller of that
-- name has made a later call since, this one included. Looked up only here, when a lease has ended: that is rare, and claims are many.
function acknowledged(root, records, nonce)
  local names, asked, known = {}, {}, {}
  for n = 1, #records do
    local name, number = taken_by(records[n])
    known[n] = not name or nonce and nonce.name == name and nonce.number > number
    if not known[n] then names[#names + 1], asked[#asked + 1] = calls_key(root, name), { position = n, number = number } end
  end
  if #names == 0 then return known end
  local kept = redis.call('MGET', unpack(names))
  for n = 1, #names do
    local last = tonumber(string.match(kept[n] or '', '^(%d+) '))
    known[asked[n].position] = last ~= nil and last > asked[n].number
  end
  return known
end
end
local reopen
local longest_wait
local lower_ahead
local mend
do
--- What puts right that which calls that were cut off, the clock, a failover or a hand has left. Beside lib/conversation.lua and lib/change.lua, with
--- whose steps it agrees, nothing else writes \`due\`, \`active\`, \`claims\` and \`overrides\`.

-- Opens an active key that no worker has: its claim was deleted, by hand or by a call that was cut off, and its messages are an open batch
-- again. Or the batch is done and its list has come back: then it is taken off, unless a message has begun a new list since, and put the key
-- into \`due\`.
function reopen(queue, key, claim)
  local root = queue.root
  local done = claim and not redis.call('ZSCORE', due_key(root), key)
  redis.call('HDEL', claims_key(root), key)
  open_rest(queue, key, done and claim.count or 0)
  redis.call('ZREM', active_key(root), key)
  note_event(queue, 'reopened', key)
end

-- The clock of Redis may go back. What was written before lies ahead of the time then, and would be looked at an hour late. So the first who
-- looks lowers what is further ahead than anything may be.

-- The longest wait of the policy: a shortened one holds only from the next look on.
function longest_wait(queue) return math.max(queue.wait, tonumber(redis.call('HGET', queue.root, 'longestWait')) or 0) end

-- When a key is due that is in \`due\` at \`score\`, further ahead than the policy allows.
local function lowered_due(queue, key, score)
  -- Options of its messages may allow more.
  local head = window_of(queue, key, has_options(queue, key))
  return math.min(score, head and enters_at(head, queue.now) or queue.now)
end

-- Lowers entries of an index that lie later than \`latest\`, at most \`left\`, a page at a time, the furthest first. \`judge\` returns their scores as
-- they should be. Returns how many more may be lowered.
local function lower_index(index, latest, left, judge)
  local at, looks = 0, 0
  while left > 0 and looks < 10 * LIMITS.lowered do
    local found = redis.call('ZREVRANGEBYSCORE', index, '+inf', string.format('(%.0f', latest), 'WITHSCORES', 'LIMIT', at, LIMITS.lowered)
    local keys, scores, moved = {}, {}, {}
    for n = 1, #found, 2 do keys[#keys + 1], scores[#scores + 1] = found[n], tonumber(found[n + 1]) end
    if #keys == 0 then break end
    local right = judge(keys, scores)
    for n = 1, #keys do
      if right[n] < scores[n] and left > 0 then
        moved[#moved + 1], moved[#moved + 2] = right[n], keys[n]
        left = left - 1
      else
        at = at + 1
      end
    end
    if #moved > 0 then redis.call('ZADD', index, unpack(moved)) end
    looks = looks + #keys
  end
  return left
end

-- Lowers what is further ahead than anything may be, when the last look was in the future: some of it in each call, until nothing is left.
function lower_ahead(queue)
  local root, now = queue.root, queue.now
  if looked_before(queue) <= now + CLOCK_STEP then return end
  local left = lower_index(due_key(root), now + longest_wait(queue), LIMITS.lowered, function(keys, scores)
    local right = {}
    for n = 1, #keys do right[n] = lowered_due(queue, keys[n], scores[n]) end
    return right
  end)
  left = lower_index(active_key(root), now + CLOCK_STEP, left, function(keys, scores)
    local right, stored = {}, redis.call('HMGET', claims_key(root), unpack(keys))
    for n = 1, #keys do
      local claim = decode_claim(stored[n])
      right[n] = claim and latest_end(claim, scores[n], now) or scores[n]
    end
    return right
  end)
  -- What the watcher has promised, and until when others stand by, is as far ahead.
  queue.watchAt = 0
  if left > 0 then queue.looked = now end
  redis.pcall('ZREMRANGEBYRANK', watch_key(root, 'standby'), 0, -1)
  redis.call('HSET', root, 'watchAt', 0, 'looked', queue.looked)
end

-- Puts in order what says that a key is active: its claim holds.
local function mend_active(queue, key, claim, size, done)
  local root, active = queue.root, active_key(queue.root)
  -- A call that buried the batch was cut off: its messages are here as well, and a worker may have them again. What is no hash somebody else has put
  -- there, and it stays.
  local removed, grave = redis.call('ZREM', dead_key(root), claim.id), dead_key(root, claim.id)
  if redis.call('TYPE', grave).ok == 'hash' then removed = redis.call('UNLINK', grave) end
  if removed > 0 then done[#done + 1] = 'removed from dead' end
  if claim.count > size then
    claim.count = size
    redis.call('HSET', claims_key(root), key, encode_claim(claim))
    done[#done + 1] = 'claim cut to the messages that are there'
  end
  if redis.call('ZREM', due_key(root), key) == 1 then done[#done + 1] = 'removed from due' end
  -- A lease that ends now: the batch is handed out again.
  if redis.call('ZADD', active, 'NX', queue.now, key) == 1 then done[#done + 1] = 'added to active' end
  local score = tonumber(redis.call('ZSCORE', active, key))
  local right = latest_end(claim, score, queue.now)
  if right < score then
    redis.call('ZADD', active, right, key)
    done[#done + 1] = 'lowered to the lease that was granted'
  end
end

-- Puts in order what says that a key is open, or empty: no claim of it holds.
local function mend_open(queue, key, with_options, done)
  local root, due = queue.root, due_key(queue.root)
  if redis.call('HDEL', claims_key(root), key) == 1 then done[#done + 1] = 'claim removed' end
  if redis.call('ZREM', active_key(root), key) == 1 then done[#done + 1] = 'removed from active' end
  local head = window_of(queue, key, with_options)
  if not head then
    if redis.call('ZREM', due, key) == 1 then done[#done + 1] = 'removed from due' end
    return
  end
  local at, score = enters_at(head, queue.now), tonumber(redis.call('ZSCORE', due, key))
  if not score or score > at then
    redis.call('ZADD', due, digits(at), key)
    wake_watcher(queue, at)
    done[#done + 1] = score and 'moved to its deadline' or 'added to due'
  end
end

-- Makes what is kept about a key follow its list, which is the truth. Adds to \`done\` what was mended, in words.
function mend(queue, key, done)
  local root, list = queue.root, messages_key(queue.root, key)
  local kind = redis.call('TYPE', list).ok
  -- Only its owner can say what a foreign key is for.
  if kind ~= 'none' and kind ~= 'list' then return end
  local size = redis.call('LLEN', list)
  queue.looks = queue.looks + math.min(size, POLICY.MAXSIZE.most)
  local claim, with_options = decode_claim(redis.call('HGET', claims_key(root), key)), carries_options(list, size)
  -- Its list was missing when it was completed, and a message has begun a new one since.
  if claim and claim.state == 'done' and redis.call('ZSCORE', due_key(root), key) then claim = nil end
  if with_options and note_options(queue, key) == 1 then done[#done + 1] = 'added to overrides' end
  if size == 0 and redis.call('SREM', overrides_key(root), key) == 1 then done[#done + 1] = 'removed from overrides' end
  if claim and size > 0 and claim.count > 0 then
    mend_active(queue, key, claim, size, done)
  else
    mend_open(queue, key, with_options, done)
  end
end
end
--- Partitions: whom a root refuses because of them.

-- Whether a root takes no messages of new keys.
local function refuses_new(queue) return queue.serves == 'retired' or not queue.serves and queue.partition ~= '' end

-- What a root that refuses new keys answers to those who do not know. Nobody looks there for new keys.
local function not_serving(root)
  return fail('REPARTITIONED', shown(root) .. ' does not serve new messages: rapidfire_layout of the root of the queue tells what does')
end

-- Refuses a caller that goes by another generation of the partitions than this root: one of the two has missed a change, a caller that was
-- idle, or a root whose server was replaced by one that had not heard of it. A caller without a generation is judged by the root alone.
local function other_generation(queue, generation)
  if not generation or generation == queue.generation then return nil end
  return fail(
    'REPARTITIONED',
    string.format(
      '%s goes by generation %d of the partitions and the caller by %d: rapidfire_layout tells more',
      shown(queue.root), queue.generation, generation
    )
  )
end
--- Batches whose attempts end without their being done. Each is named by key and token and has options behind that; NEXT stands between two.

-- Returns a list of { key, token, options, refusal }, and the nonce of the call, which is an option of any of them; or nil, and a refusal of the
-- whole call behind the nonce.
local function read_ends(args, known)
  local ends, nonce, at = {}, nil, 1
  repeat
    local key, token = args[at], args[at + 1]
    if not token then return nil, nonce, fail('MISSING_ARGUMENT', 'expected a key and a token, got ' .. how_many(#args - at + 1, 'argument')) end
    if #ends == LIMITS.ends then return nil, nonce, fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.ends .. ' batches') end
    local options, stopped, refusal = read_tokens(args, at + 2, known, 'NEXT')
    if not stopped then return nil, nonce, refusal end
    options = options or {}
    if options.nonce then
      local bad
      nonce, bad = read_nonce(options.nonce)
      if bad then return nil, nil, bad end
    end
    ends[#ends + 1] = { key = key, token = token, options = options, refusal = refusal, head = nil, pause = nil }
    at = stopped + 1
  until not args[stopped]
  return ends, nonce
end

-- A refusal when an index that the end of a batch writes to is of another type: found out half-way, that would break the call off.
local function foreign_index(root)
  local foreign
  for _, index in ipairs({ active_key(root), due_key(root), dead_key(root) }) do
    foreign = foreign or error_of(redis.pcall('ZCARD', index), 'zset', index)
  end
  return foreign
end

-- How many messages a key has; or nil and a refusal.
local function size_of(root, key)
  local list = messages_key(root, key)
  local size = redis.pcall('LLEN', list)
  if type(size) == 'table' then return nil, wrong_type(size, 'list', list) end
  return size
end
local groups_of
local delete_acknowledged
local delete_entry
do
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
function groups_of(stream)
  local groups = redis.call('XINFO', 'GROUPS', stream)
  for n = 1, #groups do groups[n] = named(groups[n]) end
  return groups
end

-- Deletes entries that all groups have read and acknowledged, and of these only such as came by \`before\`, ms, if that is given: some thousand at a time,
-- since each call serves nobody else meanwhile. Without a group nobody has. Returns how many it has deleted.
function delete_acknowledged(stream, before)
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
function delete_entry(stream, groups, id)
  for _, group in ipairs(groups) do redis.call('XACK', stream, group.name, id) end
  redis.call('XDEL', stream, id)
end
end
do -- lua/functions/batch
local about_messages
local write_archive
do
--- The archive: batches that were completed, for whoever asks later. While the policy keeps any (\`archive\`), each is a hash \`archive:<batch id>\` that
--- expires, and in \`archived\` by when it was completed. What is in it is flat, and says what it is by name.
--
-- WHY behind all else, and whatever becomes of it: what was done must not fail for want of a note of it, as in lib/events.lua. But nothing is kept that
-- does not expire, or that nobody would find to erase it.

-- Stands between two ids.
local BETWEEN = '\\31'

-- What the messages of a batch say: when the first and the last of them came, and their ids; nil of what was not read. \`spent\` counts bytes, and has
-- a list that is used again for each batch, since to grow one costs as much as a command.
function about_messages(queue, key, count, spent)
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

-- Puts a field and its value, if there is one, behind the first \`length\` of a list. Returns how many there are then.
local function put_field(fields, length, field, value)
  if not value then return length end
  fields[length + 1], fields[length + 2] = field, value
  return length + 2
end

-- Drops the oldest of so many batches that are too old, or too many: at most \`most\` of them.
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

-- Writes batches that have ended since. \`about\`: what their messages have said; \`said\`: for each the options of complete.
function write_archive(queue, about, keys, counts, records, said)
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
end
local read_queue_to_claim
local has_ready
local take_ready
local tidy
local next_look
do
--- Which batches a claim takes. The steps themselves are in lib/conversation.lua.
---
--- \`take\` is what the caller asks for: \`limit\` batches at most, their \`lease\` and \`attempts\`, \`due_by\` (what was due then, and nothing later), its
--- \`nonce\`, the \`state\` of a claim that it will acknowledge, and how much \`work\` each of the messages is for it.
--- \`taken\` is what it gets: \`batches\` and those that are \`dead\` now, each as claim_ready replies it, and how much \`work\` that was.

-- What a call has to know that claims; lib/watch.lua and lib/figures.lua find it by its place.
function read_queue_to_claim(keys, nonce) return read_queue_for(keys, nonce, 'looked', 'batches', 'latenessSum', 'latenessMax', 'watcher') end

-- Work is counted in what it costs to hand out a small message, some 4000 instructions of a processor: a look at a key, handing out a batch and burying one,
-- besides its messages, and so many bytes that are read. A call ends when it has done LIMITS.claimWork: others wait meanwhile.
local LOOK_WORK, BATCH_WORK, BURY_WORK, WORK_BYTES = 12, 16, 100, 256

-- So many keys are asked for at a time, and first no more than may be taken: more might be asked for in vain.
local PAGE = 50

local function reading_work(messages, bytes) return messages / 2 + bytes / WORK_BYTES end

-- Of a batch that is handed out, with so many messages, besides reading it.
local function handing_work(take, messages) return BATCH_WORK + messages * (take.work - 0.5) end

-- Counts the end of a claim. Returns the fate of a batch that is to be buried; \`known\`: somebody has acknowledged the claim.
local function count_end(claim, known, attempts)
  if claim.state == 'released' then return nil end
  if not known then
    claim.lost = claim.lost + 1
    if claim.lost < 4 * attempts then return nil end
    return { cause = 'unacknowledged', error = 'nobody has said that a claim of it arrived, ' .. claim.lost .. ' times' }
  end
  if claim.state == 'retry' or claim.attempt < attempts then
    claim.attempt = claim.attempt + 1
    return nil
  end
  return { cause = 'lease', error = 'the lease of attempt ' .. claim.attempt .. ' ran out' }
end

-- What has come back by \`due_by\`, a text: batches whose lease has run out, whose pause has ended, or which were given back. Nil when nothing has,
-- else a list of them, each { key, claim, known, due }, with the \`next_one\` to be taken, whether one \`began\`, whether there may be \`more\`, and how many
-- are \`urgent\`, which stand in front: what was given back, and what is open again.
-- WHY what is open again is urgent: it may be in \`due\` as well, and must not be claimed there before its old claim is gone.
local function find_returned(queue, take, due_by)
  local most = math.min(take.limit, math.floor(LIMITS.claimWork / BATCH_WORK))
  local ended = redis.call('ZRANGEBYSCORE', active_key(queue.root), '-inf', due_by, 'WITHSCORES', 'LIMIT', '0', count_text(most))
  if #ended == 0 then return nil end
  local keys = {}
  for n = 1, #ended / 2 do keys[n] = ended[2 * n - 1] end
  local stored = redis.call('HMGET', claims_key(queue.root), unpack(keys))
  local known = acknowledged(queue.root, stored, take.nonce)
  local urgent, others = {}, {}
  for n = 1, #keys do
    local claim = decode_claim(stored[n])
    local state = claim and claim.state
    local some = (not claim or state == 'released' or state == 'done') and urgent or others
    some[#some + 1] = { key = keys[n], claim = claim, known = known[n], due = math.floor(ended[2 * n]) }
  end
  local found = { urgent = #urgent, next_one = 1, began = false, more = #keys == most }
  for n = 1, #keys do found[n] = urgent[n] or others[n - #urgent] end
  return found
end

-- Whether a batch, if its other messages are like those that were read, is more than a call has room for. It waits for the next one then, but not the
-- first of its kind: one \`began\` before it.
local function is_too_much(take, taken, head, began)
  if not began then return false end
  local count, read = head.count, #head.messages
  return taken.work + LOOK_WORK + handing_work(take, count) + reading_work(count, head.bytes * count / read) > taken.room
end

-- A batch that has come back, as claim_ready replies it.
local function handed_over(returned, messages)
  local claim = returned.claim
  return { returned.key, token_of(claim), claim.attempt, claim.reason, claim.deadline, messages, returned.due }
end

-- Takes batches that have come back, up to number \`last\` of them.
local function claim_returned(queue, take, taken, returned, last)
  local active, again = active_key(queue.root), {}
  while returned.next_one <= last and #taken.batches < taken.slots and taken.work < taken.room do
    local n = returned.next_one
    local key, claim = returned[n].key, returned[n].claim
    local count = claim and claim.count or 1
    local head, reply = claimed_head(queue, key, count)
    if head and is_too_much(take, taken, head, returned.began) then break end
    returned.next_one, returned.began = n + 1, true
    local messages = head and read_rest(queue, head) or {}
    taken.work = taken.work + LOOK_WORK + reading_work(#messages, head and head.bytes or 0)
    if not head then
      must_be_empty(messages_key(queue.root, key), reply)
      -- Somebody deleted the list by hand, or put a key of another type there: it must not stop the queue.
      forget(queue, key, active)
    elseif not claim or claim.state == 'done' then
      reopen(queue, key, claim)
    else
      claim.count = #messages
      local fate = count_end(claim, returned[n].known, take.attempts)
      taken.work = taken.work + handing_work(take, #messages)
      if fate and bury(queue, key, claim, fate, messages) then
        taken.work = taken.work + BURY_WORK + 3 * #messages
        taken.dead[#taken.dead + 1] = { fate.cause, fate.error, unpack(handed_over(returned[n], messages)) }
      else
        if fate and fate.cause == 'lease' then claim.attempt = claim.attempt + 1 end
        claim.claim = claim.claim + 1
        again[#again + 1] = returned[n]
        taken.batches[#taken.batches + 1] = handed_over(returned[n], messages)
      end
    end
  end
  hand_out_again(queue, again, take)
end

-- When a batch that is claimed now was due: at its deadline, or when its key was put into \`due\` behind that, with \`score\`, since a batch before it
-- ended then. What somebody else has written has no time, and is due now.
local function was_due(head, score, now)
  local deadline = head.deadline
  if deadline == now or deadline <= POLICY.WAIT.most then return now end
  -- A score that ends in .5 is one of an entry whose list was missing.
  local entered = math.floor(score)
  return entered > deadline and entered or deadline
end

-- Claims the first batch of a key: adds it to \`look\`, which hand_out writes, and to what is replied.
local function claim_head(queue, taken, look, key, head, score)
  local messages = read_batch(queue, head)
  local tally, reason, deadline = taken.tally, head.reason, head.deadline
  local leases, records, batches, n = look.leases, look.records, taken.batches, #look.leases
  tally.number = tally.number + 1
  local token, record = first_claim(taken.id_begins .. count_text(tally.number) .. taken.id_ends, head, taken.tail)
  look.gone[#look.gone + 1] = key
  leases[n + 1], leases[n + 2] = taken.lease_ends, key
  records[n + 1], records[n + 2] = key, record
  local due = was_due(head, score, queue.now)
  batches[#batches + 1] = { key, token, 1, reason, deadline, messages, due }
  count_claimed(tally, reason, queue.now - due)
end

-- Judges keys whose \`scores\` in \`due\`, as texts, have come. Returns what hand_out writes.
local function look_through(queue, take, taken, keys, scores)
  local root, now, due_by, work, room = queue.root, queue.now, take.due_by, taken.work, taken.room
  local look = { records = {}, leases = {}, gone = {}, passed = 0, ended = false }
  local active = queue.first_active and redis.call('ZMSCORE', active_key(root), unpack(keys)) or {}
  for n = 1, #keys do
    look.ended = work >= room or #taken.batches >= taken.slots
    if look.ended then break end
    local key, head, reply = keys[n], nil, nil
    -- A key in both indexes has a batch with a worker; or a call was cut off, and it has none; or its batch is done, and this is a new list.
    local record = active[n] and redis.call('HGET', claims_key(root), key)
    local held = record and not is_done(record)
    if not held then head, reply = head_of(queue, key, has_options(queue, key)) end
    if held then
      look.gone[#look.gone + 1] = key
    elseif not head then
      -- Somebody deleted the list by hand, or put a key of another type there.
      must_be_empty(messages_key(root, key), reply)
      forget(queue, key, due_key(root))
    else
      -- Another time than its deadline, which is now, when the clock has gone back.
      local at = head.deadline
      if at > now then at = due_at(head, now) end
      if at > due_by then
        if tonumber(scores[n]) < at then
          look.later = look.later or {}
          look.later[#look.later + 1], look.later[#look.later + 2] = at, key
        else
          -- It is due, and was not due BEFORE.
          look.passed = look.passed + 1
        end
        if active[n] then
          look.unclaimed = look.unclaimed or {}
          look.unclaimed[#look.unclaimed + 1] = key
        end
      else
        taken.work = work
        look.ended = is_too_much(take, taken, head, taken.began)
        if look.ended then break end
        head.deadline, taken.began = at, true
        claim_head(queue, taken, look, key, head, scores[n])
        work = work + handing_work(take, head.count)
      end
      work = work + reading_work(#head.messages, head.bytes) + (head.parsed or 0)
    end
    work = work + LOOK_WORK
  end
  taken.work = work
  return look
end

-- What all new claims of a call share.
local function prepare(queue, take, taken)
  local partition = queue.partition
  taken.tally = begin_tally(queue)
  -- Ids must differ between the partitions of a queue, and a caller finds the partition by them.
  taken.id_begins, taken.id_ends = digits(queue.now) .. '-', partition ~= '' and '-' .. partition or ''
  taken.lease_ends, taken.tail = digits(queue.now + take.lease), claim_tail(take.lease, take.state)
end

-- Batches of keys whose time has come.
-- WHY all are looked at whose scores have come, also those that were not due BEFORE: what is left of a batch that this pass has handed out, and was
-- due then, has the time at which it was left as its score.
local function claim_due(queue, take, taken, now)
  local passed, most = 0, taken.slots - #taken.batches
  while #taken.batches < taken.slots and taken.work < taken.room do
    local wanted = math.min(most, math.ceil((taken.room - taken.work) / LOOK_WORK), PAGE)
    most = PAGE
    local found = redis.call(
      'ZRANGEBYSCORE', due_key(queue.root), '-inf', now, 'WITHSCORES', 'LIMIT', count_text(passed), count_text(wanted)
    )
    if #found == 0 then break end
    if not taken.tally then prepare(queue, take, taken) end
    local keys, scores = {}, {}
    for n = 1, #found / 2 do keys[n], scores[n] = found[2 * n - 1], found[2 * n] end
    local look = look_through(queue, take, taken, keys, scores)
    hand_out(queue, look, taken.tally)
    if look.unclaimed then queue.active_moved = true end
    passed = passed + look.passed
    taken.lagging = taken.lagging or look.later ~= nil
    if look.ended or #keys < wanted then break end
  end
end

-- Takes what has come back beside what is due: what was given back first, and of the slots and the work that are left each kind gets half, while
-- there are both, and all when there is one. Who begins, and gets the odd slot, alternates with each batch that is handed out.
-- WHY not the older first: what fails comes back again and again, and would leave nothing for those whose first attempt is due.
local function share(queue, take, taken, returned, now)
  claim_returned(queue, take, taken, returned, returned.urgent)
  if returned.urgent == #returned then return end
  local counters = redis.call('HMGET', queue.root, 'batches', 'redelivered')
  local count, work = #taken.batches, taken.work
  local due_begins = ((tonumber(counters[1]) or 0) + (tonumber(counters[2]) or 0) + count) % 2 == 1
  taken.slots, taken.room = count + math.ceil((take.limit - count) / 2), work + (LIMITS.claimWork - work) / 2
  if due_begins then
    claim_due(queue, take, taken, now)
  else
    claim_returned(queue, take, taken, returned, #returned)
  end
  taken.slots, taken.room = take.limit, LIMITS.claimWork
  if not due_begins then claim_due(queue, take, taken, now) end
  claim_returned(queue, take, taken, returned, #returned)
end

-- Whether anything has come that may be taken by \`due_by\`; most looks of those who are idle end here. The queue notes what was seen: \`first_active\`, when
-- the first lease or pause ends, nil if there is none; \`active_moved\` when this call may change that otherwise than by the leases that it grants, as
-- where some have come back; and \`next_at\` when nothing has come, false if nothing is pending.
function has_ready(queue, due_by)
  lower_ahead(queue)
  local active, due = first_in(active_key(queue.root)), first_in(due_key(queue.root))
  queue.first_active, queue.active_moved = active, active ~= nil and active <= due_by
  if queue.active_moved or due and due <= queue.now then return true end
  queue.next_at = earlier(due, active) or false
  return false
end

-- Takes what is ready under a lease. Returns the batches, and those that are dead now since their last lease has run out.
function take_ready(queue, take)
  -- \`lagging\`: it has looked too early at a key; \`slots\` and \`room\`: how many batches and how much work it may have by then; \`began\`: it has taken some of
  -- what is due. The others prepare sets.
  local taken = {
    batches = {}, dead = {}, work = 0, slots = take.limit, room = LIMITS.claimWork,
    lagging = nil, began = false, tally = nil, id_begins = nil, id_ends = nil, lease_ends = nil, tail = nil,
  }
  local now = digits(queue.now)
  local due_by = take.due_by == queue.now and now or digits(take.due_by)
  -- WHY again: those that are dead now, or whose lists are gone, hold nothing up that stands behind them.
  local returned = queue.active_moved and find_returned(queue, take, due_by)
  while returned do
    share(queue, take, taken, returned, now)
    if not returned.more or returned.next_one <= #returned or #taken.batches == take.limit then break end
    returned = find_returned(queue, take, due_by)
  end
  claim_due(queue, take, taken, now)
  local tally, batches = taken.tally, taken.batches
  if taken.lagging and #batches == 0 then move_lagging(queue, math.floor((LIMITS.claimWork - taken.work) / LOOK_WORK)) end
  local first_claims = tally and tally.claimed or 0
  if #batches > first_claims then count_up(queue.root, 'redelivered', #batches - first_claims) end
  if first_claims > 0 then write_tally(queue, tally) end
  return batches, taken.dead
end

-- What a look does that has found nothing to do.
function tidy(queue)
  drop_slices(queue)
  settle_options(queue)
end

-- When a caller looks next that has taken so many batches, or 0: nothing is pending. \`caller\`: { worker, rest, echo }, and \`full\`: it has no slot left.
function next_look(queue, caller, full)
  local next_at, active = queue.next_at, queue.first_active
  if next_at == nil then
    if queue.active_moved then active = first_in(active_key(queue.root)) end
    next_at = earlier(first_in(due_key(queue.root)), active)
  end
  -- In a root that serves no more, nothing is left to watch for when nothing is pending: the worker learns that it is drained.
  if not caller.worker or not next_at and refuses_new(queue) then
    -- What this call has made due, or has left, may be due before the watcher means to look.
    wake_watcher(queue, next_at)
    return next_at or 0
  end
  if full then
    leave_watch(queue, caller.worker, next_at)
  else
    next_at = keep_watch(queue, caller.worker, next_at, caller.rest or OPTIONS.rest.default)
  end
  if caller.echo then send(queue, caller.worker, 'echo') end
  return next_at or 0
end
end
do
--- Take ready batches under a lease.
--
--   FCALL rapidfire_claim_ready 1 rapid-fire:{orders}
--   FCALL rapidfire_claim_ready 1 rapid-fire:{orders} LIMIT 50 LEASE 30000 ATTEMPTS 5
--   FCALL rapidfire_claim_ready 1 rapid-fire:{orders} WORKER w1 ECHO
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   LIMIT     at most this many batches, 1 to 1000 (10)
--   LEASE     ms until a batch that is neither completed nor failed is handed out again, at most a day (30000)
--   BEFORE    only what was due at this time, ms since 1970; for one pass over what is due now (no bound)
--   ATTEMPTS  a batch whose lease ran out in this attempt or a later one is dead, 1 to 1000 (5)
--   WORKER    name of a worker that is told by a message when it must look earlier than \`next\`, 1 to 64 bytes
--   ECHO      send that worker '<WORKER> echo', so that it knows that messages reach it
--   REST      rest of that worker, ms, 1 to an hour (1000): what a message that is lost costs
--   DRAIN     take what is left in a partition that does not serve any more
--   DEAD      tell also of batches that died in this call
--   NONCE     '<name>/<number>', who calls and the number of the call: repeated with it, the call returns the same batches (lua/lib/nonce.lua)
--   GENERATION  number of the change of partitions by which the caller has found this root; none without partitions
-- RETURNS
--   now       the time in Redis, ms
--   next      when to look next, ms: now or earlier when more is ready, 0 when nothing is pending; for a WORKER at most REST from now,
--             also when nothing is pending in a root that serves, and no earlier when another worker watches already and looks in time; when many
--             stand by for that one, at most ten seconds from now (lua/lib/watch.lua)
--   dead      with DEAD alone: an array of batches that died in this call, since their last lease had run out; each 'lease' or 'unacknowledged',
--             a text, and what stands for a batch below
--   batch...  each batch is an array: key, token ('<batch id>:<number of the claim>'), attempt (from 1), what closed it ('wait' |
--             'maxWait' | 'size' | 'flush' | 'bytes'), its deadline, an array of its messages, each '<receivedAt> <id length>[,options] <id><data>',
--             and since when it was due, ms: its deadline or the end of the batch before it, or of its pause or lease; and 1 while the policy keeps an
--             archive, so that whoever completes it may give its text and result
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  none of these tokens
--   MISSING_ARGUMENT  a token without its value
--   BAD_ARGUMENT      a value is not an integer in its range, or the NONCE is none
--   REPARTITIONED     this root does not serve, and DRAIN is not given, or it goes by another generation: ask rapidfire_layout
--
-- WHY a claim with a NONCE is no attempt until a call with a higher number, or one with its token, has shown that it arrived: a reply may
-- be lost on its way, and then no handler has run.
-- WHY those that come back get at most half while others are due for the first time: what fails again and again would leave them nothing. Who
-- begins alternates. What was given back comes first: nobody has handled it.
-- WHY scores lag: see add. A key that is looked at too early moves to its true deadline, once or twice a burst.
-- The cost depends on what is due. A call ends after LIMIT batches, or when it has done LIMITS.claimWork, which is some 60 small batches: what was
-- looked at too early or buried counts as well. So fewer than LIMIT does not mean that nothing is left: \`next\` says.
local CLAIM_OPTIONS = {
  LIMIT = OPTIONS.claimed, LEASE = OPTIONS.lease, BEFORE = OPTIONS.before, ATTEMPTS = OPTIONS.attempts,
  WORKER = OPTIONS.worker, ECHO = OPTIONS.echo, REST = OPTIONS.rest,
  DRAIN = OPTIONS.drain, DEAD = OPTIONS.dead, NONCE = OPTIONS.nonce, GENERATION = OPTIONS.generation,
}

-- The keys and tokens of batches in turn, and when they were due: what is kept of a claim.
local function proofs_of(batches)
  local proofs = {}
  for n = 1, #batches do proofs[3 * n - 2], proofs[3 * n - 1], proofs[3 * n] = batches[n][1], batches[n][2], batches[n][7] end
  return proofs
end

-- The batches of a claim that is made again, by the proofs of the first: those that it still holds, under a lease that begins anew, since
-- nobody can tell when the first reply was lost.
local function take_again(queue, lease, proofs)
  local keys, held, batches = {}, {}, {}
  for n = 1, #proofs, 3 do keys[#keys + 1] = proofs[n] end
  local stored = redis.call('HMGET', claims_key(queue.root), unpack(keys))
  for n = 1, #keys do
    local key, token = keys[n], proofs[3 * n - 1]
    local count = claimed_count(stored[n], token)
    local messages = count and redis.pcall('LRANGE', messages_key(queue.root, key), 0, count - 1) or {}
    if #messages > 0 then
      local claim = decode_claim(stored[n])
      held[#held + 1] = { key = key, claim = claim }
      batches[#batches + 1] = { key, token, claim.attempt, claim.reason, claim.deadline, messages, proofs[3 * n] }
    end
  end
  extend_leases(queue, held, lease, false)
  queue.active_moved = true
  return batches
end

-- Notes what a claim has taken, and what has died.
local function note_taken(queue, batches, dead, worker)
  for n = 1, #dead do
    local cause, _, key, token, attempt, _, _, messages = unpack(dead[n])
    note_event(
      queue, 'dead', key, 'batch', parts_of_token(token), 'attempt', count_text(attempt), 'count', count_text(#messages), 'cause', cause
    )
  end
  for n = 1, #batches do
    local key, token, attempt, reason, _, messages = unpack(batches[n])
    local id, claim = parts_of_token(token)
    note_event(
      queue, 'claimed', key, 'batch', id, 'claim', claim, 'attempt', count_text(attempt), 'count', count_text(#messages), 'reason', reason,
      worker and 'worker', worker
    )
    -- What comes again has the messages that it had.
    for m = 1, claim == '1' and #messages or 0 do note_event(queue, 'claimed', key, 'id', messages[m]) end
  end
end

local function claim_ready(keys, args)
  local options, bad = read_options(args, 1, CLAIM_OPTIONS)
  local nonce, no_nonce = read_nonce(options.nonce)
  local queue, refusal = read_queue_to_claim(keys, nonce)
  refusal = refusal or bad or no_nonce or other_generation(queue, options.generation)
  if refusal then return refusal end
  if refuses_new(queue) and not options.drain then return not_serving(queue.root) end
  queue.now = now_ms()
  local kept = kept_reply(queue, nonce, 'claim_ready')
  if kept == false then return { queue.now, 0, options.dead and {} } end
  local limit, lease, due_by = options.limit or OPTIONS.claimed.default, options.lease or OPTIONS.lease.default, queue.now
  if options.before and options.before < due_by then due_by = options.before end

  -- first write
  if queue.maxDeadAge > 0 then drop_old_dead(queue) end
  local batches, dead = {}, {}
  if kept then
    batches = take_again(queue, lease, kept)
  elseif has_ready(queue, due_by) then
    batches, dead = take_ready(queue, {
      limit = limit, lease = lease, attempts = options.attempts or OPTIONS.attempts.default, due_by = due_by,
      nonce = nonce, state = state_by(nonce), work = queue.events > 0 and 2 or 1,
    })
    if queue.events > 0 then note_taken(queue, batches, dead, options.worker) end
  end
  if queue.archive > 0 then
    for n = 1, #batches do batches[n][8] = 1 end
  end
  if #batches == 0 then tidy(queue) end
  if #batches > 0 then queue.first_active = earlier(queue.first_active, queue.now + lease) end
  if nonce and #batches > 0 then keep_reply(queue, nonce, 'claim_ready', proofs_of(batches), lease) end
  local next_at = next_look(queue, options, #batches >= limit)
  if queue.told then write_events(queue) end
  if options.dead then return { queue.now, next_at, dead, unpack(batches) } end
  return { queue.now, next_at, unpack(batches) }
end

register('claim_ready', claim_ready, { 'allow-oom' }, 'Take ready batches under a lease.')
end
do
--- Finish claimed batches: drop their messages and open what has arrived behind them.
--
--   FCALL rapidfire_complete 1 rapid-fire:{orders} 79001234567 1790000000000-17:1
--   FCALL rapidfire_complete 1 rapid-fire:{orders} NONCE w1/7 79001234567 1790000000000-17:1
--   FCALL rapidfire_complete 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 TEXT 'Hi' RESULT '{"answered":true}' NEXT 79007654321 1790000000000-18:1
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   NONCE    in front of all: '<name>/<number>', who calls and the number of the call; repeated with it, the call says what the first did
--   key      the conversation
--   token    proof of the claim, from claim_ready
--   more...  further pairs of key and token, at most 50 pairs in all; or, behind the first pair, tokens and NEXT in front of each further pair
--   TEXT     for the archive: what the messages of the batch say, at most 65536 bytes
--   RESULT   for the archive: what has come of it, at most 65536 bytes
--   WORKER   for the archive: who has handled it, at most 64 bytes
--   NEXT     behind it stand the key, the token and the tokens of another batch
-- RETURNS
--   status   for each pair: 'completed' | 'lost'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or that of the claims, is a key of another type
--   MISSING_ARGUMENT  no pair, a key without its token, or a token without its value
--   UNKNOWN_ARGUMENT  none of these tokens
--   BAD_ARGUMENT      more than 50 pairs, a text that is too long, more than 256 KiB of texts in one call, or the NONCE is none
--
-- WHY a lost batch is a result and not an error: the worker expects it, and the other pairs must not suffer.
-- WHY the word behind the first pair tells whether tokens are used: pairs alone are shorter, and a key may be called TEXT. Whoever has such a key puts NEXT
-- in front of it, or it first.
local COMPLETE_OPTIONS = { TEXT = OPTIONS.text, RESULT = OPTIONS.result, WORKER = OPTIONS.worker }

-- Of pairs alone nothing is said.
local NOTHING_SAID = {}

-- Batches with tokens: keys, tokens, and for each its options; or a refusal in the fourth place.
-- WHY not by read_ends: no table a batch but that of its options, which is made with room for them.
local function read_told(args, first)
  local owners, tokens, said, count, bytes, at, refusal = {}, {}, {}, 0, 0, first, nil
  repeat
    if not args[at + 1] then
      refusal = refusal or fail('MISSING_ARGUMENT', 'expected a key and a token, got ' .. how_many(#args - at + 1, 'argument'))
    end
    if refusal then return nil, nil, nil, refusal end
    local options, stopped
    options, stopped, refusal = read_tokens(args, at + 2, COMPLETE_OPTIONS, 'NEXT', { text = nil, result = nil, worker = nil })
    if not stopped then return nil, nil, nil, refusal end
    count = count + 1
    owners[count], tokens[count], said[count] = args[at], args[at + 1], options
    bytes = bytes + #(options.text or '') + #(options.result or '')
    at = stopped + 1
  until not args[stopped]
  if count > LIMITS.pairs then refusal = fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.pairs .. ' batches, got ' .. count) end
  if bytes > LIMITS.archivedTexts and count > 1 then
    refusal = fail('BAD_ARGUMENT', string.format('expected at most %d bytes of texts in one call, got %d', LIMITS.archivedTexts, bytes))
  end
  return owners, tokens, said, refusal
end

-- The same of pairs alone.
local function read_completed(args, first)
  local word = args[first + 2]
  word = word and #word < 7 and string.upper(word)
  if word == 'NEXT' or COMPLETE_OPTIONS[word] then return read_told(args, first) end
  local owners, tokens, bad = read_pairs(args, first, 'pairs of key and token')
  return owners, tokens, NOTHING_SAID, bad
end

-- What the messages of batches say that are to end, for the archive.
local function about_batches(queue, keys, counts)
  local about, spent = { first = {}, last = {}, ids = {} }, { bytes = 0, ids = {} }
  for n = 1, #keys do about.first[n], about.last[n], about.ids[n] = about_messages(queue, keys[n], counts[n], spent) end
  return about
end

local function complete(keys, args)
  local root = keys[1]
  local nonce, first, no_nonce = leading_nonce(args)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local owners, tokens, said, bad = read_completed(args, first)
  if bad then return bad end
  local kept = kept_reply(queue, nonce, 'complete')
  if kept then return kept end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(owners))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local reply, named, done, counts, records, told = {}, {}, {}, {}, {}, queue.archive > 0 and {}
  for n = 1, #owners do
    local key = owners[n]
    -- One that is named twice is completed once.
    local count = kept == nil and not named[key] and claimed_count(stored[n], tokens[n])
    reply[n] = count and 'completed' or 'lost'
    if count then
      local at = #done + 1
      named[key], done[at], counts[at], records[at] = true, key, count, stored[n]
      if told then told[at] = said[n] or NOTHING_SAID end
    end
  end
  if #done == 0 then return reply end
  local about
  if told then
    queue.now = now_ms()
    about = about_batches(queue, done, counts)
  end

  -- first write
  local soonest = finish(queue, done, counts, records)
  if queue.events > 0 then
    for n = 1, #done do
      note_event(queue, 'completed', done[n], 'batch', string.match(records[n], '^[^:]+'), 'count', count_text(counts[n]))
    end
  end
  keep_reply(queue, nonce, 'complete', reply)
  wake_watcher(queue, soonest)
  if about then write_archive(queue, about, done, counts, records, told) end
  if queue.told then write_events(queue) end
  return reply
end

register('complete', complete, { 'allow-oom' }, 'Finish claimed batches: drop their messages and open what has arrived behind them.')
end
do
--- Lengthen the leases of claimed batches.
--
--   FCALL rapidfire_extend 1 rapid-fire:{orders} 30000 79001234567 1790000000000-17:1
--
-- KEYS
--   root     root key of the queue; every other key is this one plus a part (lua/README.md)
-- ARGV
--   lease    ms from now, 1 to a day
--   key      the conversation
--   token    proof of the claim, from claim_ready
--   more...  further pairs of key and token, at most 50 pairs in all
-- RETURNS
--   status   for each pair: 'extended' | 'lost'
--   queued   for each pair: messages that have arrived behind this batch, 0 when lost
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, or the list of a key is a key of another type
--   BAD_LEASE         lease is not an integer from 1 to 86400000
--   MISSING_ARGUMENT  no pair, or a key without its token
--   BAD_ARGUMENT      more than 50 pairs
--
-- A lease that ends later already stays as it is.
--
-- WHY a lost lease is a result and not an error: the worker expects it and stops quietly.
local function extend(keys, args)
  local root, lease = keys[1], integer(args[1], OPTIONS.lease.least, OPTIONS.lease.most)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if not lease then
    return fail('BAD_LEASE', string.format('lease must be an integer of ms from 1 to %.0f, got %s', OPTIONS.lease.most, shown(args[1])))
  end
  local owners, tokens, bad = read_pairs(args, 2, 'a lease and pairs of key and token')
  if bad then return bad end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(owners))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local leases = redis.pcall('ZCARD', active_key(root))
  if type(leases) == 'table' then return wrong_type(leases, 'zset', active_key(root)) end
  local reply, held = {}, {}
  for n = 1, #owners do
    local count, size = claimed_count(stored[n], tokens[n]), nil
    if count then
      local list = messages_key(root, owners[n])
      size = redis.pcall('LLEN', list)
      if type(size) == 'table' then return wrong_type(size, 'list', list) end
      held[#held + 1] = { key = owners[n], claim = decode_claim(stored[n]) }
    end
    reply[2 * n - 1], reply[2 * n] = count and 'extended' or 'lost', count and math.max(size - count, 0) or 0
  end
  queue.now = now_ms()

  -- first write
  extend_leases(queue, held, lease, true)
  return reply
end

register('extend', extend, { 'allow-oom' }, 'Lengthen the leases of claimed batches.')
end
do
--- Give claimed batches back for a later attempt, or bury those whose attempts are used up.
--
--   FCALL rapidfire_fail 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 DELAY 1000 ATTEMPTS 5 ERROR 'timeout'
--   FCALL rapidfire_fail 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 KEEP 2,5
--   FCALL rapidfire_fail 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 NEXT 79007654321 1790000000000-18:1 DELAY 5000
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   key       the conversation
--   token     proof of the claim, from claim_ready
--   DELAY     ms until the next attempt, 0 to a year (1000)
--   ATTEMPTS  a batch that fails in this attempt or a later one is dead, 1 to 1000 (5)
--   ERROR     why, at most 4096 bytes: kept with a dead batch, and the first 256 of them while it pauses
--   KEEP      which messages failed, ascending positions from 1, with commas: the others are done (all)
--   NEXT      behind it stand the key, the token and the options of another batch, at most 64 in all
--   NONCE     as in claim_ready: repeated with it, the call says what the first did
-- RETURNS
--   status    'retry' | 'dead' | 'lost'; a second call with the same token says the same and changes nothing
--   status... with NEXT, an array: the same for each batch, or its refusal, or 'again': so many messages were moved for those before it that
--             nothing was done for this one; ask for it again
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, or the list of the key is a key of another type
--   MISSING_ARGUMENT  key, token or the value of a token is missing
--   UNKNOWN_ARGUMENT  not DELAY, ATTEMPTS, ERROR, KEEP, NONCE or NEXT
--   BAD_ARGUMENT      a value is out of range, KEEP is not made of ascending positions in the batch, or there are more than 64 batches
--
-- WHY the key stays blocked until the next attempt: a later message must not overtake the batch that failed.
-- WHY a batch may be tried more often than ATTEMPTS: when maxDead batches are dead already, see bury in lua/lib/conversation.lua, or its list is missing.
local FAIL_OPTIONS = {
  DELAY = OPTIONS.delay, ATTEMPTS = OPTIONS.attempts, ERROR = OPTIONS.error, KEEP = OPTIONS.keep, NONCE = OPTIONS.nonce,
}

-- The positions in \`text\` as numbers, or nil when they are not ascending positions from 1 to \`count\`.
local function positions(text, count)
  local found = {}
  for part in string.gmatch(text .. ',', '([^,]*),') do
    local at = integer(part, (found[#found] or 0) + 1, count)
    if not at then return nil end
    found[#found + 1] = at
  end
  return found
end

-- What is said of a batch whose token proves no claim: the same as by the call before with that token.
local function said_before(root, stored, token)
  local claim, id, number = decode_claim(stored), parts_of_token(token)
  if claim and claim.state == 'retry' and token_of(claim) == token then return 'retry' end
  if id and redis.call('HGET', dead_key(root, id), 'claim') == number then return 'dead' end
  return 'lost'
end

-- Judges a batch. What it says of one that has not failed now. Else nil, and \`batch\` has the \`head\` of its record, its \`pause\` and the \`count\` of its
-- messages, whether it \`ends\`, and, when some of its messages move, its \`weight\`: for how many it counts.
local function judge_failure(root, batch, stored)
  if batch.refusal then return batch.refusal end
  local options = batch.options
  local count, attempt, head = claimed_parts(stored, batch.token)
  if not count then return said_before(root, stored, batch.token) end
  local size, foreign = size_of(root, batch.key)
  if foreign then return foreign end
  batch.head, batch.pause, batch.count, batch.failed = head, options.delay or OPTIONS.delay.default, count, options.error
  batch.attempt = attempt
  -- What is not there can neither be taken out nor be buried: the list may be on another node for a while, see LOOK_AGAIN.
  batch.whole = size >= count
  batch.ends = size > 0 and attempt >= (options.attempts or OPTIONS.attempts.default)
  if options.keep or batch.ends then batch.weight = count + LIMITS.movedBatch end
end

-- Takes the messages that are done out of a batch, and buries it when its attempts are used up. Returns whether it is dead, and when what is behind it
-- is due; or nil and a refusal. \`moved\` counts the weight and the bytes of all.
-- WHY the positions are read here: of a call there may be more than it can do.
local function move_failed(queue, batch, stored, moved)
  local key, keep, claim, dead, at = batch.key, batch.options.keep, decode_claim(stored), false, nil
  local kept = keep and positions(keep, batch.count)
  moved.weight = moved.weight + batch.weight
  if keep and not kept then
    return nil, fail('BAD_ARGUMENT', string.format('KEEP must be ascending positions from 1 to %d, got %s', batch.count, shown(keep)))
  end
  local left, bytes
  if kept and batch.whole then
    left, bytes = shrink(queue, key, claim, kept)
    moved.bytes, batch.left = moved.bytes + bytes, #kept
    batch.head = encode_head(claim)
  end
  if batch.ends then
    dead, at = bury(queue, key, claim, { cause = 'failed', error = batch.options.error or '' }, left)
    moved.bytes = moved.bytes + (dead or 0)
  end
  return dead, at
end

-- Notes what has become of a batch that has failed. Of its messages \`done\` are, when some are: all but those at the positions in \`kept\`.
local function note_failure(queue, batch, dead)
  local count, id = batch.left or batch.count, parts_of_token(batch.token)
  local fields = { 'batch', id, 'attempt', count_text(batch.attempt), 'count', count_text(count) }
  if batch.left then
    for _, value in ipairs({ 'done', count_text(batch.count - count), 'kept', batch.options.keep }) do fields[#fields + 1] = value end
  end
  fields[#fields + 1] = dead and 'cause' or 'until'
  fields[#fields + 1] = dead and 'failed' or digits(queue.now + batch.pause)
  note_event(queue, dead and 'dead' or 'failed', batch.key, unpack(fields))
end

local function fail_batches(keys, args)
  local root = keys[1]
  local batches, nonce, bad = read_ends(args, FAIL_OPTIONS)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or bad
  if refusal then return refusal end
  local said, owners = kept_reply(queue, nonce, 'fail'), {}
  if said then return said end
  for n = 1, #batches do owners[n] = batches[n].key end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(owners))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local reply, failed = {}, {}
  for n = 1, #batches do
    reply[n] = said == false and 'lost' or judge_failure(root, batches[n], stored[n])
    if not reply[n] then failed[#failed + 1] = n end
  end
  if #failed == 0 then return #batches == 1 and reply[1] or reply end
  refusal = foreign_index(root)
  if refusal then return refusal end
  queue.now = now_ms()

  -- first write
  local paused, moved, soonest, ended = {}, { weight = 0, bytes = 0 }, nil, {}
  for _, n in ipairs(failed) do
    local batch, dead, at = batches[n], false, nil
    local weight = batch.weight
    if ended[batch.key] then
      -- One that is named twice has failed once.
      reply[n] = ended[batch.key]
    elseif weight and moved.weight > 0 and (moved.weight + weight > LIMITS.moved or moved.bytes >= LIMITS.movedBytes) then
      reply[n] = 'again'
    else
      if weight then dead, at = move_failed(queue, batch, stored[n], moved) end
      if dead == nil then
        reply[n] = at
      else
        if not dead then paused[#paused + 1], at = batch, queue.now + batch.pause end
        reply[n] = dead and 'dead' or 'retry'
        ended[batch.key] = reply[n]
        if queue.events > 0 then note_failure(queue, batch, dead) end
        if at then soonest = math.min(soonest or at, at) end
      end
    end
  end
  put_off(queue, 'retry', paused)
  if #paused > 0 then count_up(root, 'failed', #paused) end
  local answer = #batches == 1 and reply[1] or reply
  if next(ended) then keep_reply(queue, nonce, 'fail', answer) end
  wake_watcher(queue, soonest)
  if queue.told then write_events(queue) end
  return answer
end

register('fail', fail_batches, { 'allow-oom' }, 'Give claimed batches back for a later attempt, or bury those whose attempts are used up.')
end
do
--- Move ready batches into a Redis Stream, one entry each.
--
--   FCALL rapidfire_forward 1 rapid-fire:{orders} batches
--   FCALL rapidfire_forward 1 rapid-fire:{orders} batches LIMIT 100 MAXLEN 50000
--
-- KEYS
--   root       root key of the queue
-- ARGV
--   name       of the stream, 1 to 128 bytes: its key is the root, ':stream:' and this
--   LIMIT      at most this many batches, 1 to 1000 (100)
--   MAXLEN     most entries of the stream, 1 to 10000000 (100000)
--   KEEP       ms for which an entry stays that all groups have acknowledged, 0 to a year (3600000)
--   WORKER     as in claim_ready
--   ECHO       as in claim_ready
--   REST       as in claim_ready
--   DRAIN      as in claim_ready
--   NONCE      as in claim_ready: repeated with it, the call says what the first did, and moves nothing
--   GENERATION  number of the change of partitions by which the caller has found this root; none without partitions
-- RETURNS
--   now        the time in Redis, ms
--   next       as in claim_ready; a second from now when the stream is full
--   forwarded  batches moved: at most what a call may do, as in claim_ready
--   room       entries that still fit into the stream
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or the key of the stream, is a key of another type
--   MISSING_ARGUMENT  the name, or the value of a token, is missing
--   UNKNOWN_ARGUMENT  not LIMIT, MAXLEN, KEEP, WORKER, ECHO, REST, DRAIN or NONCE
--   BAD_ARGUMENT      a value, or the name, is out of its range, or the NONCE is none
--   REPARTITIONED     as in claim_ready
--
-- WHY there is no lease: the batch leaves its key in the same script that writes the entry, so nothing can come between. What
-- happens to the entry is the affair of the stream's consumer groups.
-- An entry has the fields id, key, reason, count, openedAt and deadline, and for each message, n from 1, id:<n> (empty without one), at:<n>
-- and data:<n>, whose bytes are those that were added. What add has not written has no id, the time 0, and is data as a whole.
-- WHY a full stream is not cut: entries that every group has acknowledged are deleted first, however new; if there is still no room, the
-- batches stay where they are, since to delete the others would lose messages.
-- WHY the age of an entry and not of its acknowledgement: Redis does not keep that.
local FORWARD_OPTIONS = {
  LIMIT = OPTIONS.forwarded, MAXLEN = OPTIONS.entries, KEEP = OPTIONS.kept,
  WORKER = OPTIONS.worker, ECHO = OPTIONS.echo, REST = OPTIONS.rest,
  DRAIN = OPTIONS.drain, NONCE = OPTIONS.nonce, GENERATION = OPTIONS.generation,
}

-- If the call is cut off, the batches come again so much later, ms.
local LEASE = 60000

-- Names of the fields of message n: made once, since to join a number to a text costs more than to write the field.
local FIELDS = {}

-- The fields of the entry of a batch. At most some 6000 values, which is less than a call takes in Lua.
local function fields_of(batch)
  local messages = batch[6]
  local fields, at = {
    'id', (parts_of_token(batch[2])), 'key', batch[1], 'reason', batch[4], 'count', count_text(#messages), 'openedAt', '0',
    'deadline', string.format('%.0f', batch[5]),
  }, 12
  for n = 1, #messages do
    local names = FIELDS[n]
    if not names then
      names = { 'id:' .. n, 'at:' .. n, 'data:' .. n }
      FIELDS[n] = names
    end
    fields[at + 1], fields[at + 3], fields[at + 5] = names[1], names[2], names[3]
    fields[at + 4], fields[at + 2], fields[at + 6] = parts_of(messages[n])
    at = at + 6
  end
  fields[10] = fields[16]
  return fields
end

-- Notes which batches have gone into a stream: who reads on there finds them by their ids.
local function note_forwarded(queue, name, batches)
  for n = 1, #batches do
    local key, token, _, reason, _, messages = unpack(batches[n])
    note_event(queue, 'forwarded', key, 'batch', (parts_of_token(token)), 'count', count_text(#messages), 'reason', reason, 'stream', name)
    for m = 1, #messages do note_event(queue, 'forwarded', key, 'id', messages[m]) end
  end
end

local function forward(keys, args)
  local root, name = keys[1], args[1]
  local options, bad = read_options(args, 2, FORWARD_OPTIONS)
  local nonce, no_nonce = read_nonce(options.nonce)
  local queue, refusal = read_queue_to_claim(keys, nonce)
  if refusal then return refusal end
  if not name then return fail('MISSING_ARGUMENT', 'expected the name of a stream') end
  if #name < 1 or #name > LIMITS.stream then
    return fail('BAD_ARGUMENT', 'the name of a stream must have 1 to ' .. LIMITS.stream .. ' bytes, got ' .. #name)
  end
  bad = bad or no_nonce or other_generation(queue, options.generation)
  if bad then return bad end
  if refuses_new(queue) and not options.drain then return not_serving(root) end
  queue.now = now_ms()
  local stream, longest = stream_key(root, name), options.longest or OPTIONS.entries.default
  local length = redis.pcall('XLEN', stream)
  if type(length) == 'table' then return wrong_type(length, 'stream', stream) end
  local said = kept_reply(queue, nonce, 'forward')
  if said then return said end
  if said == false then return { queue.now, 0, 0, math.max(longest - length, 0) } end

  -- first write
  if queue.maxDeadAge > 0 then drop_old_dead(queue) end
  if length > 0 then
    local kept = options.kept or OPTIONS.kept.default
    length = length - delete_acknowledged(stream, length < longest and queue.now - kept)
    if length >= longest then
      if queue.told then write_events(queue) end
      return { queue.now, queue.now + 1000, 0, 0 }
    end
  end
  local limit = math.min(options.limit or OPTIONS.forwarded.default, longest - length)
  -- A lease ends with this script, so attempts are never used up: nothing is buried here.
  local take = {
    limit = limit, lease = LEASE, due_by = queue.now, attempts = math.huge, nonce = nonce, state = nil, work = queue.events > 0 and 6 or 5,
  }
  local batches = has_ready(queue, queue.now) and take_ready(queue, take) or {}
  local done, counts = {}, {}
  -- So that it is known which streams there are. Nothing is lost without it: an error must not keep the batches.
  if #batches > 0 then redis.pcall('ZADD', streams_key(root), '0', name) end
  for n = 1, #batches do
    local key, messages = batches[n][1], batches[n][6]
    redis.call('XADD', stream, '*', unpack(fields_of(batches[n])))
    done[n], counts[n] = key, #messages
  end
  if #done > 0 then finish(queue, done, counts, {}) else tidy(queue) end
  if #done > 0 and queue.events > 0 then note_forwarded(queue, name, batches) end
  local reply = { queue.now, next_look(queue, options, #done >= limit), #done, longest - length - #done }
  if #done > 0 then keep_reply(queue, nonce, 'forward', reply) end
  if queue.told then write_events(queue) end
  return reply
end

register('forward', forward, {}, 'Move ready batches into a Redis Stream, one entry each.')
end
do
--- Give claimed batches back, ready at once for others, without using up an attempt.
--
--   FCALL rapidfire_release 1 rapid-fire:{orders} 79001234567 1790000000000-17:1
--   FCALL rapidfire_release 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 REASON closing
--   FCALL rapidfire_release 1 rapid-fire:{orders} 79001234567 1790000000000-17:1 NEXT 79007654321 1790000000000-18:1
--
-- KEYS
--   root    root key of the queue
-- ARGV
--   key     the conversation
--   token   proof of the claim, from claim_ready
--   REASON  why, at most 256 bytes: for those who read along (MONITOR, SLOWLOG), it is kept nowhere
--   NEXT    behind it stand the key, the token and the REASON of another batch, at most 64 in all
--   NONCE   as in claim_ready: repeated with it, the call says what the first did
-- RETURNS
--   status     'released' | 'lost'; a second call says the same, until the batch is claimed again
--   status...  with NEXT, an array: the same for each batch, or its refusal
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, one of the indexes, or the list of the key is a key of another type
--   MISSING_ARGUMENT  key, token or the value of a token is missing
--   UNKNOWN_ARGUMENT  not REASON, NONCE or NEXT
--   BAD_ARGUMENT      the REASON is too long, the NONCE is none, or there are more than 64 batches
--
-- WHY the batch stays a batch: its id is the same in the next claim, and what arrives meanwhile stays behind it.
local RELEASE_OPTIONS = { REASON = OPTIONS.reason, NONCE = OPTIONS.nonce }

-- Judges a batch. What it says of one that is not given back now; else nil, and \`batch\` has the \`head\` of its record.
local function judge_release(root, batch, stored)
  if batch.refusal then return batch.refusal end
  local count, _, head = claimed_parts(stored, batch.token)
  if not count then
    local claim = decode_claim(stored)
    return claim and claim.state == 'released' and token_of(claim) == batch.token and 'released' or 'lost'
  end
  local _, foreign = size_of(root, batch.key)
  batch.head, batch.pause = head, 0
  return foreign
end

local function release(keys, args)
  local root = keys[1]
  local batches, nonce, bad = read_ends(args, RELEASE_OPTIONS)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or bad
  if refusal then return refusal end
  local said, owners = kept_reply(queue, nonce, 'release'), {}
  if said then return said end
  for n = 1, #batches do owners[n] = batches[n].key end
  local stored = redis.pcall('HMGET', claims_key(root), unpack(owners))
  if stored.err then return wrong_type(stored, 'hash', claims_key(root)) end
  local reply, released = {}, {}
  for n = 1, #batches do
    reply[n] = said == false and 'lost' or judge_release(root, batches[n], stored[n])
    if not reply[n] then reply[n], released[#released + 1] = 'released', batches[n] end
  end
  local answer = #batches == 1 and reply[1] or reply
  if #released == 0 then return answer end
  refusal = foreign_index(root)
  if refusal then return refusal end
  queue.now = now_ms()

  -- first write
  put_off(queue, 'released', released)
  if queue.events > 0 then
    for n = 1, #released do note_event(queue, 'released', released[n].key, 'batch', (parts_of_token(released[n].token))) end
  end
  keep_reply(queue, nonce, 'release', answer)
  wake_watcher(queue, queue.now)
  if queue.told then write_events(queue) end
  return answer
end

register('release', release, { 'allow-oom' }, 'Give claimed batches back, ready at once for others, without using up an attempt.')
end
end
do -- lua/functions/conversation
local bad_change
local change_open
do
--- Messages that their author has edited or taken back while they were open: the batch is then what it would be had they been sent so, or never.
--- They are steps of a conversation as those of lib/conversation.lua:
---
---   replaced    open, or behind the batch of a worker → the same, with other data
---   withdrawn   the same, with a message less; or open → empty
--
-- WHY neither begins the wait anew: deadlines are made of when messages came, and an edited one keeps its time. So the batch is handed over when it
-- would have been, as its author has left it. When somebody has edited would have to be kept somewhere, and everybody would pay for that.

-- What is wrong with the tokens of a message that edits or withdraws another one, or nil.
function bad_change(options)
  local id = options.edits or options.withdraws
  if id == '' then return fail('BAD_ID', 'EDITS and WITHDRAWS must name an id of 1 to ' .. OPTIONS.id.bytes .. ' bytes, got 0') end
  if id == options.id then return fail('BAD_ARGUMENT', 'EDITS and WITHDRAWS must name another message, got its own ID') end
  if options.edits and options.withdraws or options.requeued then
    return fail('BAD_ARGUMENT', 'EDITS, WITHDRAWS and REQUEUED exclude each other')
  end
end

-- Sees to it that a key is looked at now of which a message is about to change, if its batch may be due earlier then: without its last message, or, when
-- messages close their batch by options, with fewer bytes. Returns when it is due, if that has changed, and a refusal.
-- WHY before it changes: a look that comes too early does no harm, so nothing has to be taken back.
local function look_again_now(queue, key, takes_away)
  local listed = takes_away and 1 or queue.options ~= false and redis.pcall('SISMEMBER', overrides_key(queue.root), key) or 0
  if listed == 0 then return nil end
  if listed ~= 1 then return nil, wrong_type(listed, 'set', overrides_key(queue.root)) end
  return look_by(queue, key, queue.now)
end

-- Notes that a key is empty. What cannot be written is put right by the next look, as of a list that is missing.
local function leave_empty(queue, key)
  redis.pcall('ZREM', due_key(queue.root), key)
  redis.pcall('SREM', overrides_key(queue.root), key)
end

-- Changes the message that \`change\` names, if it is still open: behind what a worker has, or has failed with. \`element\`: what would be stored instead,
-- which has the new data. Returns 'replaced' or 'withdrawn', how many messages the key has then, and when it is due if that has changed; or a refusal
-- and 0, and nothing is written; or nil when that message is not found there.
function change_open(queue, key, element, change, digest, ids)
  local list, claims = messages_key(queue.root, key), claims_key(queue.root)
  local size, claim = redis.pcall('LLEN', list), redis.pcall('HGET', claims, key)
  local failed = error_of(size, 'list', list) or error_of(claim, 'hash', claims)
  local before, old, at
  if not failed then
    claim = decode_claim(claim)
    before, old = find_newest(queue, list, claim and claim.count or 0, size, change.of)
    failed = not before and old
  end
  if not before and not failed then return nil end
  local is_only = size == 1
  if not failed and digest then failed = begin_slice(queue, ids) end
  if not failed and not is_only then at, failed = look_again_now(queue, key, change.takes_away) end
  if not failed then failed = put_for(list, before, old, not change.takes_away and with_data_of(old, element)) end
  if failed then
    if digest then forget_id(ids, digest) end
    return failed, 0
  end
  if digest then ids.known[digest] = true end
  local status = change.takes_away and 'withdrawn' or 'replaced'
  note_event(queue, status, key, 'id', old)
  if change.takes_away then
    size = size - 1
    redis.pcall('HINCRBY', queue.root, 'droppedMessages', '1')
    if is_only then leave_empty(queue, key) end
  end
  return status, size, at
end
end
do
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
--   ID       message id, 1 to 512 bytes, unique in the conversation: a second message of the key with it is a duplicate within \`dedupe\`
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

-- The refusal of a message whose key or data may be out of bounds. Data that is larger than any before is noted in \`messages\`.
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

-- Returns the messages, or nil and a refusal of the whole call. They are lists: \`keys\` and \`elements\`, as they are stored, of all; \`specials\` as
-- read_special has them, \`refusals\`, and \`digests\` of the ids, of those that have one; and in \`asked\` all digests. And the \`generation\`, and
-- \`largest\`: no message has more bytes of data, rounded up.
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

-- Takes back what is remembered of a message, and the message: by \`undo\`, or it is the last of its key. False when that is not allowed: then
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

-- Stores a message at the end of its key, unless it was put there before: \`size\`. Returns how many the key has then, and when it is due if that has
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
-- \`digest\`: that of its id, if it has one, which is among the \`ids\` of the call; \`size\`: how many messages its key has, if it was put there before.
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

-- Notes that there is data that is larger than any before, as \`largest\` says. Returns a refusal.
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

-- One message alone, as most calls bring it: the lists that several need would cost a third of it. \`special\`: as read_special has it, or nil.
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
end
do
--- Erase all that is kept of a conversation, some of it in each call.
--
--   FCALL rapidfire_erase 1 rapid-fire:{orders} 79001234567
--   FCALL rapidfire_erase 1 rapid-fire:{orders} 79001234567 AFTER 1790000000000-42:dead:640:
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   key       the conversation
--   AFTER     \`next\` of the call before: where this one goes on; at most 256 bytes
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

-- The highest number of a batch that can be told in \`next\`.
local NEWEST = 999999999999999

-- What is being erased: the \`key\`; when that \`began\`, and the \`number\` of the newest batch then; \`what\` is looked at, and the \`place\` up to which that
-- was done, of a stream with this \`name\`; and the figures of this call. Or nil and a refusal.
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
end
do
--- Show the messages, state and deadline of one key.
--
--   FCALL_RO rapidfire_peek 1 rapid-fire:{orders} 79001234567
--   FCALL_RO rapidfire_peek 1 rapid-fire:{orders} 79001234567 LIMIT 1
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   key       the conversation
--   LIMIT     at most this many messages, oldest first, 1 to 1000 (100)
-- RETURNS
--   state     'empty' | 'collecting' | 'ready' | 'active' | 'retry'; a batch that was given back is ready
--   now       the time in Redis, ms
--   deadline  of the batch at the head, ms; 0 when empty
--   until     ms at which the lease or the pause before the next attempt ends; 0 when neither holds
--   token     '<batch id>:<number of the claim>' when active, or of the last claim when a retry waits or the batch was given back; else ''
--   count     messages of the batch at the head
--   size      messages of the key
--   messages  array of messages, as in claim_ready: no more when they have 256 KiB together, whatever LIMIT says
--   error     what the last attempt has failed with, its first 256 bytes, while a retry waits; else ''
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   BAD_KEY           the key is empty or too long
--   MISSING_ARGUMENT  the key, or the value of LIMIT, is missing
--   UNKNOWN_ARGUMENT  not LIMIT
--   BAD_ARGUMENT      LIMIT is not an integer in its range
local PEEK_OPTIONS = { LIMIT = OPTIONS.shown }

-- The first messages of a list, at most \`limit\`: as many at a time as surely fit, or one, until what fits is there.
local function first_messages(queue, list, limit)
  local messages, bytes, read = {}, 0, 0
  while read < limit and bytes < LIMITS.shownBytes do
    local step = math.max(1, math.floor((LIMITS.shownBytes - bytes) / queue.largest))
    local some = redis.call('LRANGE', list, count_text(read), count_text(math.min(read + step, limit) - 1))
    if #some == 0 then break end
    for n = 1, #some do messages[read + n], bytes = some[n], bytes + #some[n] end
    read = read + #some
  end
  return messages
end

local function peek(keys, args)
  local call, root, key = redis.call, keys[1], args[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local bad = bad_key(key)
  if bad then return bad end
  local options, unreadable = read_options(args, 2, PEEK_OPTIONS)
  if unreadable then return unreadable end
  local list, now = messages_key(root, key), now_ms()
  local size = call('LLEN', list)
  if size == 0 then return { 'empty', now, 0, 0, '', 0, 0, {}, '' } end
  local messages = first_messages(queue, list, options.limit or OPTIONS.shown.default)
  local claim = decode_claim(call('HGET', claims_key(root), key))
  if claim then
    local ends = tonumber(call('ZSCORE', active_key(root), key)) or 0
    local state = claim.state == 'retry' and 'retry' or claim.state == 'released' and 'ready' or 'active'
    return { state, now, claim.deadline, math.ceil(ends), token_of(claim), claim.count, size, messages, claim.failed or '' }
  end
  local head = head_of(queue, key, has_options(queue, key))
  if not head then return { 'empty', now, 0, 0, '', 0, 0, messages, '' } end
  read_batch(queue, head)
  local deadline = due_at(head, now)
  return { deadline <= now and 'ready' or 'collecting', now, deadline, 0, '', head.count, size, messages, '' }
end

register('peek', peek, { 'no-writes' }, 'Show the messages, state and deadline of one key.')
end
do
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
--   AFTER       \`next\` of the call before: where this one goes on; at most 256 bytes
-- RETURNS
--   now         the time in Redis, ms
--   next        where the next call has to go on, to be given as AFTER; '' when nothing is left to look at, or what was asked for is found
--   remembered  1 when ID was accepted for KEY within \`dedupe\`, else 0
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

-- What is traced, \`what\` is looked at, the \`place\` in it up to which that was done, and its \`name\`; or nil and a refusal.
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

-- In which state a key is, with its claim or without; \`position\` and \`received\` of the message that is traced.
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
end
end
do -- lua/functions/dead
do
--- List dead batches, oldest first, or show one with its messages.
--
--   FCALL_RO rapidfire_dead 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_dead 1 rapid-fire:{orders} LIMIT 20 OFFSET 100
--   FCALL_RO rapidfire_dead 1 rapid-fire:{orders} ID 1790000000000-17
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   LIMIT     at most this many, 1 to 50 (50)
--   OFFSET    after this many (0)
--   ID        only the batch with this id, at most 64 bytes
-- RETURNS
--   batch...  each batch is an array: id, key, when it died (ms), attempt, reason, deadline,
--             cause ('failed' | 'lease' | 'unacknowledged'), error, number of messages, and an array of its messages as in
--             claim_ready, empty without ID; no batch when none is dead or the id is unknown
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  not LIMIT, OFFSET or ID
--   MISSING_ARGUMENT  a token without its value
--   BAD_ARGUMENT      a value is out of its range
local DEAD_OPTIONS = { LIMIT = OPTIONS.listed, OFFSET = OPTIONS.offset, ID = OPTIONS.batch }

local function dead(keys, args)
  local call, root = redis.call, keys[1]
  local _, refusal = read_queue(keys)
  if refusal then return refusal end
  local options, bad = read_options(args, 1, DEAD_OPTIONS)
  if bad then return bad end
  local ids, reply = options.id and { options.id }, {}
  if not ids then
    local offset = options.offset or OPTIONS.offset.default
    ids = call('ZRANGE', dead_key(root), offset, offset + (options.limit or OPTIONS.listed.default) - 1)
  end
  for n = 1, #ids do
    local died = call('ZSCORE', dead_key(root), ids[n])
    if died then
      -- Of what stands in its place no more is known than of one that is missing.
      local about = read_unless_foreign('HMGET', dead_key(root, ids[n]), 'key', 'attempt', 'reason', 'deadline', 'error', 'count', 'cause')
      local messages = about and options.id and dead_messages(root, ids[n]) or {}
      about = about or {}
      local count = tonumber(about[6]) or 0
      reply[#reply + 1] = {
        ids[n], about[1] or '', tonumber(died), tonumber(about[2]) or 0, about[3] or '', tonumber(about[4]) or 0, about[7] or '',
        about[5] or '', count, messages,
      }
    end
  end
  return reply
end

register('dead', dead, { 'no-writes' }, 'List dead batches, oldest first, or show one with its messages.')
end
do
--- Delete dead batches with their messages.
--
--   FCALL rapidfire_drop 1 rapid-fire:{orders} 1790000000000-17
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   NONCE    in front of all, as in complete
--   id       of a dead batch
--   more...  further ids, at most 100 in all
-- RETURNS
--   status   for each id: 'dropped' | 'unknown'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   MISSING_ARGUMENT  no id
--   BAD_ARGUMENT      more than 100 ids, or the NONCE is none
local function drop(keys, args)
  local nonce, first, no_nonce = leading_nonce(args)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local ids, bad = read_batch_ids(args, first, #args)
  if bad then return bad end
  local said = kept_reply(queue, nonce, 'drop')
  if said then return said end

  -- first write
  local reply, dropped = {}, false
  for n = 1, #ids do
    local gone = said == nil and drop_dead(queue, ids[n], 'asked')
    reply[n], dropped = gone and 'dropped' or 'unknown', dropped or gone
  end
  if dropped then keep_reply(queue, nonce, 'drop', reply) end
  if queue.told then write_events(queue) end
  return reply
end

register('drop', drop, { 'allow-oom' }, 'Delete dead batches with their messages.')
end
do
--- Put the messages of dead batches back where their times belong among those of their keys.
--
--   FCALL rapidfire_requeue 1 rapid-fire:{orders} 1790000000000-17
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   NONCE    in front of all, as in complete
--   id       of a dead batch
--   more...  further ids, at most 100 in all
--   GENERATION  as in add: the last two arguments
-- RETURNS
--   status   for each id: 'requeued' | 'unknown' | 'again': the call has brought back many messages before it; ask for this one again
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or the list of the key of a batch, is a key of another type
--   MISSING_ARGUMENT  no id
--   BAD_ARGUMENT      more than 100 ids, or the NONCE is none
--   REPARTITIONED     this root does not serve, or goes by another generation: add the messages again where their key belongs now, then drop the batch
--
-- WHY they open a batch with a new id: newer messages of the key may join it, and their attempts begin anew.
-- They keep the time at which they were received, so they are ready at once.
-- WHY by their times: batches may be brought back in any order, and the conversation must not be turned around. Of messages of one ms
-- those of the batch that was claimed first came first, so each carries the number of its batch and its position there from then on.
-- WHY a message may take its key over maxBacklog: it was accepted once.
local function requeue(keys, args)
  local root = keys[1]
  local nonce, first, no_nonce = leading_nonce(args)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local said = kept_reply(queue, nonce, 'requeue')
  if said then return said end
  local last, generation = #args, nil
  if last > first and string.upper(args[last - 1]) == 'GENERATION' then
    generation, last = integer(args[last], 1, LIMITS.number), last - 2
    if not generation then return fail('BAD_ARGUMENT', 'GENERATION must be an integer from 1 to ' .. LIMITS.number .. ', got ' .. shown(args[#args])) end
  end
  local ids, bad = read_batch_ids(args, first, last)
  refusal = bad or other_generation(queue, generation)
  if refusal then return refusal end
  if refuses_new(queue) then return not_serving(root) end
  local owners, counts = {}, {}
  for n = 1, #ids do
    local about = read_unless_foreign('HMGET', dead_key(root, ids[n]), 'key', 'count') or {}
    local key = about[1]
    if key then
      local size = redis.pcall('LLEN', messages_key(root, key))
      if type(size) == 'table' then return wrong_type(size, 'list', messages_key(root, key)) end
      owners[n], counts[n] = key, integer(about[2], 0, POLICY.MAXSIZE.most) or POLICY.MAXSIZE.most
    end
  end
  queue.now = now_ms()

  -- first write
  local reply, revived, soonest = {}, 0, nil
  for n = 1, #ids do
    reply[n] = 'unknown'
    if owners[n] and revived + counts[n] + LIMITS.revivedMore > LIMITS.revived then
      reply[n] = 'again'
    elseif owners[n] and said == nil then
      local count, at = revive(queue, ids[n], owners[n])
      if count then
        note_event(queue, 'requeued', owners[n], 'batch', ids[n], 'count', count_text(count))
        reply[n], revived = 'requeued', revived + count + LIMITS.revivedMore
        if at then soonest = math.min(soonest or at, at) end
      elseif at then
        if queue.told then write_events(queue) end
        return at
      end
    end
  end
  if revived > 0 then keep_reply(queue, nonce, 'requeue', reply) end
  wake_watcher(queue, soonest)
  if queue.told then write_events(queue) end
  return reply
end

register('requeue', requeue, { 'allow-oom' }, 'Put the messages of dead batches back where their times belong among those of their keys.')
end
end
do -- lua/functions/health
local INDEXES
local kind_of
local broken_laws
do
--- What must hold of a queue. Each law is written here once: its name, what it says, and how it is judged. \`check\` tells which are broken,
--- lib/mend.lua mends them, every test that looks at the keys goes by them, and lua/README.md has their table.
---
--- \`broken\` is given what is seen of a part (lib/look.lua), and tells what is wrong, in words; nothing when the law holds. \`by_hand\`: only a person
--- can mend it without loss. \`misplaced\`: while it is broken, messages are where they are not counted; then the laws that are \`counted\` say nothing.

-- What ends in .5 is looked at again, for its list was missing: while a slot is moved it may have been on another node.
local function is_put_off(score, now) return score % 1 == 0.5 and score <= now + LOOK_AGAIN + 1 end

-- The keys of the table that have no name of their own behind a colon, and the kinds of those that have one.
INDEXES = { due = 'zset', active = 'zset', claims = 'hash', overrides = 'set', dead = 'zset', streams = 'zset' }
local NAMED = { seen = 'set', calls = 'string', rate = 'string', stream = 'stream', watch = 'zset', archive = 'hash' }

function kind_of(part)
  return part == 'events' and 'stream' or part == 'archived' and 'zset' or NAMED[string.match(part, '^(%l+):.')]
end

-- Holds for several kinds of parts.
local KEPT = {
  name = 'kept',
  says = 'What holds messages, or says where they are, never expires',
  broken = function(seen)
    if not seen.expires or seen.what == 'other' and not INDEXES[seen.part] then return nil end
    if seen.what == 'root' then return 'the root will expire, and with it the policy and the counters' end
    return 'it will expire, and what is in it will be lost'
  end,
}

-- Of a part that is a conversation.
local KEY_LAWS = {
  {
    name = 'list-type', by_hand = true, misplaced = true,
    says = 'The messages of a key are a list',
    broken = function(seen)
      if seen.type ~= 'list' and seen.type ~= 'none' then return 'its messages should be a list and are a ' .. seen.type end
    end,
  },
  {
    name = 'readable', by_hand = true,
    says = 'Each message begins as \`add\` writes it',
    broken = function(seen)
      if seen.unreadable > 0 then return seen.unreadable .. ' of ' .. how_many(seen.size, 'message') .. ' cannot be read' end
    end,
  },
  {
    name = 'index-has-messages', misplaced = true,
    says = 'A key in \`due\` or \`active\` has messages',
    broken = function(seen)
      if seen.type ~= 'none' or not (seen.due or seen.active) then return nil end
      local where = seen.due and seen.active and 'due and active' or seen.due and 'due' or 'active'
      return 'it is in ' .. where .. ' and has no messages'
    end,
  },
  {
    name = 'messages-indexed', misplaced = true,
    says = 'A key with messages is in \`due\` or \`active\`',
    broken = function(seen)
      if seen.type ~= 'list' or seen.due or seen.active then return nil end
      return 'it has ' .. how_many(seen.size, 'message') .. ' and is in neither due nor active: nobody would look at it'
    end,
  },
  {
    name = 'one-index',
    says = 'A key is not in both \`due\` and \`active\`',
    broken = function(seen)
      if seen.due and seen.active then return 'it is in both due and active' end
    end,
  },
  {
    name = 'active-has-claim',
    says = 'A key in \`active\` has a claim',
    broken = function(seen)
      if seen.active and not seen.record then return 'it is active without a claim' end
    end,
  },
  {
    name = 'claim-is-active',
    says = 'A key with a claim is in \`active\`',
    broken = function(seen)
      if seen.record and not seen.active then return 'it has a claim and is not active' end
    end,
  },
  {
    name = 'claim-readable',
    says = 'A claim can be read',
    broken = function(seen)
      if seen.record and not seen.claim then return 'its claim cannot be read: ' .. string.sub(seen.record, 1, 40) end
    end,
  },
  {
    name = 'claim-count',
    says = 'A claim has at least one and at most all of the messages of the list',
    broken = function(seen)
      local claim = seen.claim
      if not claim or seen.type ~= 'list' or claim.count >= 1 and claim.count <= seen.size then return nil end
      return 'its claim has ' .. how_many(claim.count, 'message') .. ' and the list ' .. seen.size
    end,
  },
  {
    name = 'alive-or-dead', misplaced = true,
    says = 'The batch of a claim is not dead as well',
    broken = function(seen)
      if seen.dead then return 'its batch ' .. seen.claim.id .. ' is dead as well: a call was cut off' end
    end,
  },
  {
    name = 'lease-ends',
    says = 'A score in \`active\` is never later than the \`span\` of its claim from now, but for a second',
    broken = function(seen)
      local claim, ends = seen.claim, seen.active
      if seen.type ~= 'list' or not claim or not ends or latest_end(claim, ends, seen.now) == ends or is_put_off(ends, seen.now) then return nil end
      return string.format('its lease or pause of %.0f ms ends in %.0f ms: the clock of Redis has gone back', claim.span, ends - seen.now)
    end,
  },
  {
    name = 'due-in-time',
    says = 'A score in \`due\` is never later than the deadline under the policy of the time at which it was set, or than that time',
    broken = function(seen)
      if not seen.due or not seen.latest or seen.due <= math.max(seen.latest, seen.now + CLOCK_STEP) or is_put_off(seen.due, seen.now) then return nil end
      return string.format('it is due %.0f ms later than the longest wait of any of its messages allows', seen.due - seen.latest)
    end,
  },
  {
    name = 'due-ahead',
    says = 'A score in \`due\` is never later than the longest wait from now, but for a second',
    broken = function(seen)
      if not seen.due or not seen.wait or seen.due <= seen.now + seen.wait + CLOCK_STEP then return nil end
      -- What is later than any message allows is told already.
      if seen.due > math.max(seen.latest, seen.now + CLOCK_STEP) and not is_put_off(seen.due, seen.now) then return nil end
      return string.format('it is due in %.0f ms, the longest wait is %.0f ms: the clock of Redis has gone back', seen.due - seen.now, seen.wait)
    end,
  },
  {
    name = 'received', by_hand = true,
    says = 'No message lies in the future, but for a second',
    broken = function(seen)
      if seen.ahead == 0 then return nil end
      return 'in the future: ' .. seen.ahead .. ' of ' .. how_many(seen.size, 'message') .. '; the clock of Redis has gone back'
    end,
  },
  {
    name = 'overrides-known',
    says = 'A key whose messages have options is in \`overrides\`',
    broken = function(seen)
      if seen.options > 0 and not seen.listed then return 'a message has options of its own and the key is not in overrides' end
    end,
  },
  {
    name = 'overrides-have-messages',
    says = 'A key in \`overrides\` has messages',
    broken = function(seen)
      if seen.type == 'none' and seen.listed then return 'it is in overrides and has no messages' end
    end,
  },
  KEPT,
}

-- Of a part that is a dead batch.
local DEAD_LAWS = {
  {
    name = 'dead-has-batch', misplaced = true,
    says = 'An id in \`dead\` has its batch',
    broken = function(seen)
      if seen.type == 'none' and seen.since then return 'it is in dead, and the batch itself is not there' end
    end,
  },
  {
    name = 'dead-type', by_hand = true, misplaced = true,
    says = 'A dead batch is a hash',
    broken = function(seen)
      if seen.type ~= 'hash' and seen.type ~= 'none' then return 'a dead batch should be a hash and is a ' .. seen.type end
    end,
  },
  {
    name = 'dead-indexed', misplaced = true,
    says = 'A dead batch is in \`dead\`',
    broken = function(seen)
      if seen.type ~= 'hash' or seen.since then return nil end
      return 'a dead batch of ' .. how_many(seen.messages, 'message') .. ' is not in dead: nobody would see it'
    end,
  },
  {
    name = 'dead-has-key', by_hand = true, misplaced = true,
    says = 'A dead batch says of which key it is',
    broken = function(seen)
      if seen.type == 'hash' and (seen.key or '') == '' then return 'a dead batch does not say of which key it is' end
    end,
  },
  {
    name = 'dead-has-messages', by_hand = true, misplaced = true,
    says = 'A dead batch has messages',
    broken = function(seen)
      if seen.type == 'hash' and seen.messages == 0 then return 'a dead batch has no messages that could be read' end
    end,
  },
  {
    name = 'dead-complete', misplaced = true,
    says = 'A dead batch has as many messages as it says, from the first on',
    broken = function(seen)
      if seen.type ~= 'hash' or seen.messages == 0 then return nil end
      if seen.gapless ~= seen.messages then return 'message ' .. seen.gapless + 1 .. ' of a dead batch is missing' end
      if tonumber(seen.count) == seen.messages then return nil end
      return 'a dead batch says that it has ' .. how_many(seen.count or 'no', 'message') .. ', there are ' .. seen.messages
    end,
  },
  KEPT,
}

-- Of any other part.
local OTHER_LAWS = {
  {
    name = 'index-type', by_hand = true, misplaced = true,
    says = '\`due\`, \`active\`, \`claims\`, \`overrides\`, \`dead\` and \`streams\` have the types of the table of keys',
    broken = function(seen)
      local expected = INDEXES[seen.part]
      if not expected or seen.type == 'none' or seen.type == expected then return nil end
      return seen.part .. ' should be a ' .. expected .. ' and is a ' .. seen.type
    end,
  },
  {
    name = 'known-key', by_hand = true,
    says = 'Under the root there is no key but those of the table of keys',
    broken = function(seen)
      if seen.type ~= 'none' and not INDEXES[seen.part] and not kind_of(seen.part) then return 'this ' .. seen.type .. ' is no key of a queue' end
    end,
  },
  {
    name = 'part-type', by_hand = true,
    says = 'Every other key has the type of the table of keys',
    broken = function(seen)
      local expected = kind_of(seen.part)
      if expected and seen.type ~= 'none' and seen.type ~= expected then return 'it should be a ' .. expected .. ' and is a ' .. seen.type end
    end,
  },
  {
    name = 'expires',
    says = 'Every \`seen\`, \`calls\`, \`rate\`, \`watch\` and \`archive\` key and \`archived\` expires',
    broken = function(seen)
      local expected = kind_of(seen.part)
      if not expected or expected == 'stream' or seen.type ~= expected or seen.expires then return nil end
      -- Who knows when a set was begun knows when its ids may go; who stands by says so again.
      return 'it never expires', seen.type == 'string'
    end,
  },
  {
    name = 'archive-indexed',
    says = 'A batch in the archive is in \`archived\`',
    broken = function(seen)
      if seen.archived == false then return 'a batch in the archive is not in archived: nobody would find it, nor erase it' end
    end,
  },
  KEPT,
}

-- Of the root.
local ROOT_LAWS = {
  KEPT,
  {
    name = 'counters', counted = true,
    says = '\`added - completedMessages - deadMessages - droppedMessages\` messages are in the lists',
    broken = function(seen)
      local counted = seen.added - seen.completed - seen.dead - seen.dropped
      if not seen.held or counted == seen.held then return nil end
      return 'the counters speak of ' .. how_many(string.format('%.0f', counted), 'message') .. ', the lists hold ' .. string.format('%.0f', seen.held)
    end,
  },
  {
    name = 'dead-counter', counted = true,
    says = '\`deadMessages\` messages are in dead batches',
    broken = function(seen)
      if not seen.buried or seen.dead == seen.buried then return nil end
      local dead, buried = string.format('%.0f', seen.dead), string.format('%.0f', seen.buried)
      return 'the counter speaks of ' .. how_many(dead, 'message') .. ' in dead batches, they hold ' .. buried
    end,
  },
}

local LAWS = { messages = KEY_LAWS, dead = DEAD_LAWS, other = OTHER_LAWS, root = ROOT_LAWS }

-- The laws that are broken by what is seen: of each its name, what is wrong, and 1 when it can be mended without loss, else 0.
function broken_laws(seen)
  local broken = {}
  for _, law in ipairs(LAWS[seen.what]) do
    local text, by_hand = law.broken(seen)
    if text then broken[#broken + 1] = { law.name, text, (law.by_hand or by_hand) and 0 or 1 } end
  end
  return broken
end
end
local look_at
local look_at_root
do
--- What can be seen of a part of a queue at one moment: what the laws (lib/laws.lua) judge. A part is a key in Redis, without the root and its
--- colon; \`messages:<key>\` stands for all that is kept about a conversation, \`dead:<batch id>\` for all about a dead batch.

-- What the first messages of a list say: how many are \`unreadable\`, carry \`options\` or lie \`ahead\` of the time; the \`latest\` time in \`due\` that one
-- of them allows, and the longest \`wait\`.
local function look_at_messages(list, seen, longest, largest, spent)
  local at, most = 0, math.min(seen.size, POLICY.MAXSIZE.most)
  seen.latest, seen.wait = seen.last + longest, longest
  while at < most and spent.bytes < LIMITS.checkBytes do
    local step = math.max(1, math.min(20, math.floor((LIMITS.checkBytes - spent.bytes) / largest)))
    local messages = redis.call('LRANGE', list, count_text(at), count_text(math.min(at + step, most) - 1))
    for n = 1, #messages do
      local message, wait = messages[n], longest
      local received, readable, options = header_of(message)
      if options then
        seen.options = seen.options + 1
        wait = option_of(options, 'W', POLICY.WAIT.most) or longest
        seen.wait = math.max(seen.wait, wait)
      end
      if not readable then seen.unreadable = seen.unreadable + 1 end
      if received > seen.now + CLOCK_STEP then seen.ahead = seen.ahead + 1 end
      if received + wait > seen.latest then seen.latest = received + wait end
      spent.bytes = spent.bytes + #message
    end
    at = at + #messages
  end
  spent.looks = spent.looks + at
  -- An option that was not read may allow more.
  if at < most then seen.latest, seen.wait = nil, nil end
end

-- Times in ms; nil where nothing stands.
local function look_at_key(queue, key, seen, spent)
  local root, list = queue.root, messages_key(queue.root, key)
  seen.key, seen.now = key, queue.now
  seen.size, seen.unreadable, seen.options, seen.ahead = 0, 0, 0, 0
  if seen.type == 'list' then
    seen.size = redis.call('LLEN', list)
    seen.since, seen.last = received_at(redis.call('LINDEX', list, 0)), received_at(redis.call('LINDEX', list, -1))
    look_at_messages(list, seen, queue.longest, queue.largest, spent)
  end
  seen.due = tonumber(read_unless_foreign('ZSCORE', due_key(root), key))
  seen.active = tonumber(read_unless_foreign('ZSCORE', active_key(root), key))
  seen.record = read_unless_foreign('HGET', claims_key(root), key)
  seen.claim = decode_claim(seen.record)
  local id = seen.claim and seen.claim.id
  seen.dead = id and (read_unless_foreign('ZSCORE', dead_key(root), id) or redis.call('TYPE', dead_key(root, id)).ok == 'hash')
  seen.listed = any_options(queue) and read_unless_foreign('SISMEMBER', overrides_key(root), key) == 1
end

local function look_at_dead(root, id, seen, spent)
  local name = dead_key(root, id)
  local positions = dead_positions(name) or {}
  spent.looks = spent.looks + #positions
  seen.key, seen.since = read_unless_foreign('HGET', name, 'key'), tonumber(read_unless_foreign('ZSCORE', dead_key(root), id))
  seen.count, seen.messages, seen.gapless = read_unless_foreign('HGET', name, 'count'), #positions, 0
  while positions[seen.gapless + 1] == seen.gapless + 1 do seen.gapless = seen.gapless + 1 end
end

-- Of a batch in the archive whether it is in the index; nil of anything else.
local function is_archived(root, part, kind)
  local id = kind == 'hash' and string.match(part, '^archive:(.+)$')
  if id then return read_unless_foreign('ZSCORE', name_of(root, 'archived'), id) and true or false end
end

-- What is seen of a part; \`spent\` counts what the call has read.
function look_at(queue, part, spent)
  spent.looks = spent.looks + LIMITS.partLooks
  local what, of = named_part(part)
  local name = part_key(queue.root, part)
  local seen = { what = what, part = part, type = redis.call('TYPE', name).ok, expires = redis.call('PTTL', name) >= 0 }
  if what == 'messages' then look_at_key(queue, of, seen, spent) end
  if what == 'dead' then look_at_dead(queue.root, of, seen, spent) end
  if what == 'other' then seen.archived = is_archived(queue.root, part, seen.type) end
  return seen
end

-- What is seen of the root: the counters, and the messages that are \`held\` in lists and \`buried\` in dead batches, unless there are too many
-- keys to be counted at one moment.
function look_at_root(root)
  local seen = { what = 'root', expires = redis.call('PTTL', root) >= 0 }
  local counters = redis.call('HMGET', root, 'added', 'completedMessages', 'deadMessages', 'droppedMessages')
  for n = 1, #counters do counters[n] = tonumber(counters[n]) or 0 end
  seen.added, seen.completed, seen.dead, seen.dropped = unpack(counters)
  seen.held, seen.buried = count_messages(root)
  seen.messages = seen.held and seen.held + seen.buried or -1
  return seen
end
end
local has_foreign_index
local mend_part
local mend_root
do
--- Puts parts of a queue in order that break a law (lib/laws.lua). It never deletes a message: the list of a key is the truth, and everything else is
--- made to follow it. What is in order is left as it is, but for a score that the policy has made late since; so doing it again, or on a live
--- queue, does no harm. What is kept about a conversation is mended in lib/recover.lua.

-- Whether a key of another type stands where an index should: then nothing can be put in order.
function has_foreign_index(root)
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

-- Makes a dead batch say what it has, without a gap, and puts it into \`dead\`, or takes an id out that has no batch.
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
function mend_part(queue, part)
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
function mend_root(root)
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
end
do
--- Tell which laws some parts of a queue break, each at one moment, or its root.
--
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders} messages:79001234567
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders} dead:1790000000000-17 seen:1790000000000 due
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   part...  names of keys without the root and its colon, at most 100; 'messages:<key>' stands for all that is kept about the conversation,
--            'dead:<batch id>' for all about the dead batch. Without one, the root: its counters
-- RETURNS
--   part...  for each part, or for the root, an array: the key of the conversation, or '' when it concerns none; since when its messages wait
--            or are dead, ms, or ''; how many messages it has, of the root all that are held or dead, -1 when there are too many keys to count
--            them at one moment; and for each law that is broken an array: its name (lua/README.md), what is wrong, and 1 when repair mends it
--            without loss, else 0. Fewer arrays than parts when there was much to read: ask for the others again
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   WRONG_TYPE    the root is a key of another type
--   BAD_ARGUMENT  more than 100 parts
--
-- WHY parts and no walk: a call must not last longer than a few ms, whatever there is. Its cost is bounded by messages and bytes, however long the
-- lists are; who calls finds the names, by SCAN and in the indexes.
local function told(seen)
  local since = seen.since and seen.since > 0 and string.format('%.0f', seen.since) or ''
  return { seen.key or '', since, seen.messages or seen.size or 0, unpack(broken_laws(seen)) }
end

local function check(keys, args)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if #args > LIMITS.parts then return fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.parts .. ' parts, got ' .. #args) end
  if #args == 0 then return { told(look_at_root(queue.root)) } end
  -- A shortened wait holds only from the next look on.
  queue.now, queue.longest = now_ms(), longest_wait(queue)
  local reply, spent = {}, { looks = 0, bytes = 0 }
  for n = 1, #args do
    if spent.looks >= LIMITS.checkLooks or spent.bytes >= LIMITS.checkBytes then break end
    reply[n] = told(look_at(queue, args[n], spent))
  end
  return reply
end

register('check', check, { 'no-writes' }, 'Tell which laws some parts of a queue break, each at one moment, or its root.')
end
do
--- Put some parts of a queue in order, each at one moment, or its root.
--
--   FCALL rapidfire_repair 1 rapid-fire:{orders}
--   FCALL rapidfire_repair 1 rapid-fire:{orders} messages:79001234567
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   part...  as in check, at most 100; without one, the root: its counters
-- RETURNS
--   done     for each part, or for the root: what was mended, in words, or '' when nothing was. Fewer than parts when there was much to do, as in check
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   WRONG_TYPE    the root is a key of another type
--   BAD_ARGUMENT  more than 100 parts
local function repair(keys, args)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if #args > LIMITS.parts then return fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.parts .. ' parts, got ' .. #args) end
  local reply, foreign = {}, has_foreign_index(queue.root)
  queue.now = now_ms()

  -- first write
  if #args == 0 then return { mend_root(queue.root) } end
  queue.looks = 0
  for n = 1, #args do
    if queue.looks >= LIMITS.checkLooks then break end
    reply[n] = foreign and '' or mend_part(queue, args[n])
  end
  if queue.told then write_events(queue) end
  return reply
end

register('repair', repair, { 'allow-oom' }, 'Put some parts of a queue in order, each at one moment, or its root.')
end
do
--- Tell which commands of Redis the caller may not use on this queue.
--
--   FCALL_RO rapidfire_rights 1 rapid-fire:{orders} rpush zadd xinfo|groups
--
-- KEYS
--   root        root key of the queue
-- ARGV
--   command...  as ACL SETUSER names them, at most 200; lua/README.md tells which a call needs
-- RETURNS
--   command...  those that the user of Redis may not use, or not on the keys of this queue. Before Redis 7 that cannot be told: none
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   BAD_ARGUMENT  more than 200 commands
--
-- WHY: Redis looks at the rights of the caller with each command of a function, and undoes nothing. A call for which one is missing would be cut off
-- behind some of its writes. To ask within each call would cost half as much as storing a message; so whoever has a connection asks once.

-- Each word behind the command is the name of a key, since commands find theirs at different places. Redis 7 is not to be given too few of them,
-- and Redis 8 refuses to tell unless their number is one that the command takes: so they become fewer until it tells.
local function is_allowed(root, command)
  local name, words = part_key(root, 'rights'), {}
  if command == 'publish' then name = wake_channel(root) end
  for word in string.gmatch(command, '[^|]+') do words[#words + 1] = word end
  local own = #words
  for n = 1, 4 do words[own + n] = name end
  for last = own + 4, own, -1 do
    local known, allowed = pcall(redis.acl_check_cmd, unpack(words, 1, last))
    if known then return allowed end
  end
  return true
end

local function rights(keys, args)
  -- Nothing is read: that might be what is not allowed.
  local refusal = bad_root(keys)
  if refusal then return refusal end
  if #args > LIMITS.commands then return fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.commands .. ' commands, got ' .. #args) end
  local reply = {}
  if not redis.acl_check_cmd then return reply end
  for n = 1, #args do
    if not is_allowed(keys[1], args[n]) then reply[#reply + 1] = args[n] end
  end
  return reply
end

register('rights', rights, { 'no-writes' }, 'Tell which commands of Redis the caller may not use on this queue.')
end
do
--- Tell the version of the library that is loaded.
--
--   FCALL_RO rapidfire_version 0
--
-- KEYS
-- ARGV
-- RETURNS
--   version  such as 1.2.3
-- ERRORS
local function version() return VERSION end

register('version', version, { 'no-writes' }, 'Tell the version of the library that is loaded.')
end
end
do -- lua/functions/layout
--- Partitions: what a root knows of them.

-- A layout: its state, which partitions serve, which others are being prepared or drained, and the number of the change that made those serve.
-- Each root knows one: the root of the queue that which holds now, a partition that by which it was opened or retired. It is stored as
-- '<state>:<generation>:<partitions>:<first>:<other>:<otherFirst>'.
local function layout_of(state, partitions, first, other, other_first, generation)
  return { state = state, partitions = partitions, first = first, other = other, otherFirst = other_first, generation = generation }
end

local function encode_layout(known)
  return string.format(
    '%s:%d:%d:%d:%d:%d', known.state, known.generation, known.partitions, known.first, known.other, known.otherFirst
  )
end

local function read_layout(root)
  local text = redis.call('HGET', root, 'layout') or ''
  local state, generation, partitions, first, other, other_first = string.match(text, '^(%a+):(%d+):(%d+):(%d+):(%d+):(%d+)$')
  if not state then return layout_of('steady', 0, 0, 0, 0, 0) end
  return layout_of(state, tonumber(partitions), tonumber(first), tonumber(other), tonumber(other_first), tonumber(generation))
end

-- As it is told to callers.
local function layout_reply(known)
  return { known.state, known.partitions, known.first, known.other, known.otherFirst, known.generation }
end

-- The value of LAYOUT, '<partitions>:<first>:<other>:<otherFirst>', as a layout of that generation. Whether the others are drained is not
-- known to who tells it: to take them for being drained does no harm. Returns nil and a refusal when it cannot be read.
local function told_layout(text, generation)
  local partitions, first, other, other_first = string.match(text, '^(%d+):(%d+):(%d+):(%d+)$')
  partitions, first = integer(partitions, 1, LIMITS.partitions), integer(first, 0, LIMITS.number)
  other, other_first = integer(other, 0, LIMITS.partitions), integer(other_first, 0, LIMITS.number)
  if not (partitions and first and other and other_first) then
    return nil, fail('BAD_ARGUMENT', 'LAYOUT must be <partitions>:<first>:<other>:<otherFirst>, got ' .. shown(text))
  end
  return layout_of('draining', partitions, first, other, other_first, generation)
end

-- Conversations that have messages in a root.
local function count_keys(root)
  return (read_unless_foreign('ZCARD', due_key(root)) or 0) + (read_unless_foreign('ZCARD', active_key(root)) or 0)
end
do
--- Tell which partitions a queue has, as far as this root knows, and what this root is among them.
--
--   FCALL_RO rapidfire_layout 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_layout 1 rapid-fire:{orders:3}
--
-- KEYS
--   root        root key of the queue, which tells what holds now; or of a partition, which tells by what layout it was opened or retired
-- ARGV
-- RETURNS
--   state       'steady' | 'preparing' | 'draining'; a partition always says 'draining'
--   partitions  that serve: 0 when the queue has none and the root itself serves
--   first       number of the first of them: a key belongs to partition first + CRC-32 of the key modulo partitions
--   other       partitions that are being prepared, or drained; 0 for the root itself, or when the state is steady
--   otherFirst  number of the first of those
--   generation  number of the change that made those partitions that serve; 0 when there never was one
--   serves      'open' | 'retired' | 'unused': whether this root takes messages of new keys
--   since       generation in which it began to do so, or ceased
--   keys        conversations that have messages in this root
--   policy      an array: name and value of each member of the policy that is stored in this root
--   given       an array: name of each member that a program gives at its start, and what was given, newest first: '<value> <program>', by commas
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  there are no arguments
local function layout(keys, args)
  local call, root = redis.call, keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local _, bad = read_options(args, 1, {})
  if bad then return bad end
  local reply, stored, given = layout_reply(read_layout(root)), {}, {}
  reply[7], reply[8], reply[9] = state_of(queue), queue.generation, count_keys(root)
  for _, field in ipairs(MEMBERS) do
    if queue.stored[field] then stored[#stored + 1], stored[#stored + 2] = field, count_text(queue.stored[field]) end
  end
  for n, text in ipairs(call('HMGET', root, unpack(GIVEN))) do
    if text then given[#given + 1], given[#given + 2] = MEMBERS[n], text end
  end
  reply[10], reply[11] = stored, given
  return reply
end

register('layout', layout, { 'no-writes' }, 'Tell which partitions a queue has, as far as this root knows, and what this root is among them.')
end
do
--- Open a partition for new keys, or retire it, or tell what is left in it.
--
--   FCALL rapidfire_partition 1 rapid-fire:{orders:3}
--   FCALL rapidfire_partition 1 rapid-fire:{orders:3} OPEN GENERATION 1 LAYOUT 4:0:0:0 WAIT 5000 MAXWAIT 30000
--   FCALL rapidfire_partition 1 rapid-fire:{orders} RETIRE GENERATION 1 LAYOUT 4:0:0:0
--
-- KEYS
--   root             root key of a partition, or of a queue
-- ARGV
--   OPEN             serve new keys, with the policy that follows; one that was retired stays so, and one that is open keeps its policy
--   RETIRE           serve no new keys from now on; those that have messages keep their order: newer ones follow until all are done
--   GENERATION       number of the change of partitions that this belongs to, 1 to 999999; an older one than this root knows changes nothing
--   LAYOUT           partitions of that generation: '<partitions>:<first>:<other>:<otherFirst>', as layout tells them; kept, so that it can be asked for
--   WAIT             as in policy, like the other members
--   MAXWAIT          as in policy
--   MAXSIZE          as in policy
--   MAXBACKLOG       as in policy
--   MAXMESSAGEBYTES  as in policy
--   MAXBATCHBYTES    as in policy
--   DEDUPE           as in policy
--   MAXDEAD          as in policy
--   MAXDEADAGE       as in policy
--   MAXKEYS          as in policy
--   EVENTS           as in policy
--   ARCHIVE          as in policy
--   MAXARCHIVED      as in policy
-- RETURNS
--   state            'open' | 'retired' | 'unused'
--   keys             that have messages here
--   remembers        ms since 1970, when the last message id that is remembered here has expired; 0 when none is
--   generation       in which it was opened or retired; greater than the one that was given when the caller has missed a change
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  none of these tokens
--   MISSING_ARGUMENT  a token without its value
--   BAD_POLICY        a member of the policy is out of its range, or two of them contradict each other
--   BAD_ARGUMENT      both OPEN and RETIRE, one of GENERATION and LAYOUT alone, or a value that cannot be read
--
-- WHY remembered ids keep a partition from being forgotten: a message that is sent once more must be known as a duplicate.
-- WHY each root keeps the layout: the server of any root may be replaced by one that has not heard of the last change; those that have tell it.
local PARTITION_OPTIONS = {
  OPEN = OPTIONS.open, RETIRE = OPTIONS.retire, GENERATION = OPTIONS.generation, LAYOUT = OPTIONS.layout,
  WAIT = POLICY.WAIT, MAXWAIT = POLICY.MAXWAIT, MAXSIZE = POLICY.MAXSIZE, MAXBACKLOG = POLICY.MAXBACKLOG,
  MAXMESSAGEBYTES = POLICY.MAXMESSAGEBYTES, MAXBATCHBYTES = POLICY.MAXBATCHBYTES, DEDUPE = POLICY.DEDUPE, MAXDEAD = POLICY.MAXDEAD,
  MAXDEADAGE = POLICY.MAXDEADAGE, MAXKEYS = POLICY.MAXKEYS, EVENTS = POLICY.EVENTS, ARCHIVE = POLICY.ARCHIVE, MAXARCHIVED = POLICY.MAXARCHIVED,
}

local function partition(keys, args)
  local call, root = redis.call, keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local options, bad = read_options(args, 1, PARTITION_OPTIONS)
  if bad then return bad end
  local generation, told = options.generation, options.layout
  if options.open and options.retire then return fail('BAD_ARGUMENT', 'expected OPEN or RETIRE, got both') end
  if (generation == nil) ~= (told == nil) then
    return fail('BAD_ARGUMENT', 'expected GENERATION and LAYOUT together, got ' .. (told and 'LAYOUT' or 'GENERATION') .. ' alone')
  end
  if told then
    told, bad = told_layout(told, generation)
    if bad then return bad end
  end
  bad = bad_policy(changed_policy(queue, options))
  if bad then return bad end
  local remembers = queue.slice and queue.slice + 2 * (options.dedupe or queue.dedupe) or 0
  if remembers <= now_ms() then remembers = 0 end
  local state, since, held = state_of(queue), queue.generation, count_keys(root)
  local newer = generation and generation > since
  local became
  if options.open and (state == 'unused' or state == 'open' and newer) then
    became = 'open'
  elseif options.retire and (newer or not generation) then
    became = 'retired'
  end

  -- first write
  if became then
    local changes = {}
    if became == 'open' and state == 'unused' then
      for _, field in ipairs(MEMBERS) do changes[field] = options[field] end
    end
    -- The root of the queue has the layout that holds now: only repartition changes it.
    if told and queue.partition ~= '' then call('HSET', root, 'layout', encode_layout(told)) end
    since = generation or since
    changes.open, changes.retired = became == 'open' and since, became == 'retired' and since
    local done = write_settings(queue, changes)
    if type(done) == 'table' then return done end
    -- Workers that rest here must learn where new keys go.
    if became ~= state and became == 'retired' then send(queue, nil, '0') end
    state = became
  end
  return { state, held, remembers, since }
end

register('partition', partition, { 'allow-oom' }, 'Open a partition for new keys, or retire it, or tell what is left in it.')
end
do
--- Change the number of partitions of a queue, step by step.
--
--   FCALL rapidfire_repartition 1 rapid-fire:{orders} PREPARE 4
--   FCALL rapidfire_repartition 1 rapid-fire:{orders} COMMIT 0
--   FCALL rapidfire_repartition 1 rapid-fire:{orders} SETTLE 0
--   FCALL rapidfire_repartition 1 rapid-fire:{orders} RESTORE 1 LAYOUT 4:0:0:0
--
-- KEYS
--   root             root key of the queue, not of a partition
-- ARGV
--   PREPARE          begin a change to so many partitions, 1 to 1024; they will be those of the next generation
--   NEW              with PREPARE: only when the queue is new, without a message or a change so far
--   COMMIT           the partitions from this number on are open and the others retired: new keys go to them
--   DRAINED          with COMMIT: nothing is left in the others
--   SETTLE           nothing is left in the others: forget them. The number is that of the first partition that serves
--   RESTORE          a root of a partition knows this generation: when it is newer than the one here, a change was lost here, and this is it
--   LAYOUT           with RESTORE: its partitions, '<partitions>:<first>:<other>:<otherFirst>'
--   WAIT             with RESTORE: as in policy, like the other members; taken when no such member is stored here
--   MAXWAIT          as WAIT
--   MAXSIZE          as WAIT
--   MAXBACKLOG       as WAIT
--   MAXMESSAGEBYTES  as WAIT
--   MAXBATCHBYTES    as WAIT
--   DEDUPE           as WAIT
--   MAXDEAD          as WAIT
--   MAXDEADAGE       as WAIT
--   MAXKEYS          as WAIT
--   EVENTS           as WAIT
--   ARCHIVE          as WAIT
--   MAXARCHIVED      as WAIT
-- RETURNS
--   state            the layout after that, as in layout; a step that is not the next one changes nothing
--   partitions       as in layout
--   first            as in layout
--   other            as in layout
--   otherFirst       as in layout
--   generation       as in layout
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag, or that of a partition
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  none of these tokens
--   MISSING_ARGUMENT  a token without its value
--   BAD_ARGUMENT      a value is not an integer in its range, or RESTORE and LAYOUT do not come together
--   BAD_POLICY        a member of the policy is out of its range, or two of them contradict each other
--   REPARTITIONING    another change is under way
--
-- WHY three steps: no script reaches more than one slot. Between them every partition is open or retired, never both, and each step can be
-- repeated by anybody: a change that was broken off is ended by the next one who reads the layout.
-- WHY numbers are never used twice: a partition that was retired stays so, whatever a caller with an old layout does.
-- WHY a restored member of the policy is marked: the program that gives it at its start must not take it for one that nobody has set.
local REPARTITION_OPTIONS = {
  PREPARE = OPTIONS.prepare, NEW = OPTIONS.new,
  COMMIT = OPTIONS.commit, DRAINED = OPTIONS.drained,
  SETTLE = OPTIONS.settle,
  RESTORE = OPTIONS.restore, LAYOUT = OPTIONS.layout,
  WAIT = POLICY.WAIT, MAXWAIT = POLICY.MAXWAIT, MAXSIZE = POLICY.MAXSIZE, MAXBACKLOG = POLICY.MAXBACKLOG,
  MAXMESSAGEBYTES = POLICY.MAXMESSAGEBYTES, MAXBATCHBYTES = POLICY.MAXBATCHBYTES, DEDUPE = POLICY.DEDUPE, MAXDEAD = POLICY.MAXDEAD,
  MAXDEADAGE = POLICY.MAXDEADAGE, MAXKEYS = POLICY.MAXKEYS, EVENTS = POLICY.EVENTS, ARCHIVE = POLICY.ARCHIVE, MAXARCHIVED = POLICY.MAXARCHIVED,
}

-- The layout after the next step, or nil when it is not the next one.
local function stepped(known, options, told, added)
  local state, serving, first, generation = known.state, known.partitions, known.first, known.generation
  if options.restore then return options.restore > generation and told end
  -- A queue without partitions has one, so to say.
  if options.prepare and state == 'steady' and options.prepare ~= math.max(serving, 1) then
    if options.new and (generation > 0 or added) then return nil end
    return layout_of('preparing', serving, first, options.prepare, first + serving, generation)
  end
  if options.commit == known.otherFirst and state == 'preparing' then
    if options.drained then return layout_of('steady', known.other, known.otherFirst, 0, 0, generation + 1) end
    return layout_of('draining', known.other, known.otherFirst, serving, first, generation + 1)
  end
  if options.settle == first and state == 'draining' then return layout_of('steady', serving, first, 0, 0, generation) end
end

local function repartition(keys, args)
  local call, root = redis.call, keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if queue.partition ~= '' then return fail('BAD_ROOT', 'expected the root of the queue, got that of a partition: ' .. shown(root)) end
  local options, bad = read_options(args, 1, REPARTITION_OPTIONS)
  if bad then return bad end
  local told
  if (options.restore == nil) ~= (options.layout == nil) then return fail('BAD_ARGUMENT', 'expected RESTORE and LAYOUT together, got one alone') end
  if options.restore then
    told, bad = told_layout(options.layout, options.restore)
    if bad then return bad end
  end
  local known = read_layout(root)
  local state, wanted = known.state, options.prepare
  -- What is under way is what is wanted.
  local same = state == 'preparing' and wanted == known.other or state == 'draining' and wanted == known.partitions
  if wanted and state ~= 'steady' and not (options.new or same) then
    return fail('REPARTITIONING', 'the queue is ' .. state .. ' its partitions: wait until that has ended')
  end
  local missing = {}
  for _, field in ipairs(MEMBERS) do
    if told and options[field] and not queue.stored[field] then missing[field] = options[field] end
  end
  bad = bad_policy(changed_policy(queue, missing))
  if bad then return bad end
  local after = stepped(known, options, told, call('HGET', root, 'added'))

  -- first write
  if not after then return layout_reply(known) end
  if next(missing) then
    local done = write_settings(queue, missing)
    if type(done) == 'table' then return done end
    for field in pairs(missing) do call('HSET', root, 'given:' .. field, '*') end
  end
  call('HSET', root, 'layout', encode_layout(after))
  return layout_reply(after)
end

register('repartition', repartition, { 'allow-oom' }, 'Change the number of partitions of a queue, step by step.')
end
end
do -- lua/functions/queue
do
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
--   AFTER     only what came behind this: \`next\` of the call before; or what was completed at this time or later, ms; at most 256 bytes (everything)
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
-- WHY one that \`next\` names and that is gone costs nothing: those of its ms may come once more.
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
    local ids = '\\31' .. (about[2] or '') .. '\\31'
    if options.message and not (about[2] and string.find(ids, '\\31' .. options.message .. '\\31', 1, true)) then return nil, bytes end
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
end
do
--- Read what has happened in the queue, oldest first.
--
--   FCALL_RO rapidfire_events 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_events 1 rapid-fire:{orders} AFTER 1790000000000-0 LIMIT 10
--   FCALL_RO rapidfire_events 1 rapid-fire:{orders} KEY 79001234567
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   AFTER     only what came behind this: \`next\` of the call before, or the id of an entry; + for what is to come; at most 256 bytes (everything)
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
end
do
--- Give up the watch of a worker that looks no more, or has no slot left.
--
--   FCALL rapidfire_leave 1 rapid-fire:{orders} w1
--   FCALL rapidfire_leave 1 rapid-fire:{orders} p1/
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   worker   its name, as WORKER of claim_ready; one that ends in a slash is of a process, and stands for all of its workers, that are called
--            '<process>/<what else>', or as it is
-- RETURNS
--   status   'passed': one that stood by watches instead, and was told so | 'vacant': nobody stands by | 'idle': it did not watch
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   MISSING_ARGUMENT  the worker is missing
--   BAD_ARGUMENT      the name of the worker is empty or too long
--
-- WHY: whoever stands by looks seldom in each of many partitions, and a worker that goes, or is full, would keep its batches waiting until then.
local function leave(keys, args)
  local root, worker = keys[1], args[1]
  local queue, refusal = read_queue(keys)
  refusal = refusal or bad_worker(worker)
  if refusal then return refusal end
  queue.now = now_ms()

  -- first write
  local name = string.match(worker, '^(.+)/$') or worker
  redis.pcall('ZREM', watch_key(root, 'standby'), name)
  redis.pcall('ZREM', watch_key(root, 'present'), name)
  if not is_named(watcher_of(queue), worker) or watch_at(queue) == 0 then return 'idle' end
  return appoint(queue, earlier(first_in(due_key(root)), first_in(active_key(root))), worker) and 'passed' or 'vacant'
end

register('leave', leave, { 'allow-oom' }, 'Give up the watch of a worker that looks no more, or has no slot left.')
end
do
--- Read the policy of the queue, or change it for every caller at once.
--
--   FCALL rapidfire_policy 1 rapid-fire:{orders}
--   FCALL rapidfire_policy 1 rapid-fire:{orders} WAIT 5000 MAXWAIT 30000
--   FCALL rapidfire_policy 1 rapid-fire:{orders} WAIT 5000 GIVEN bot.js@host1
--
-- KEYS
--   root             root key of the queue
-- ARGV
--   WAIT             quiet time after the last message, ms (10000)
--   MAXWAIT          from the first message, ms, not shorter than WAIT (60000)
--   MAXSIZE          messages a batch, 1 to 500 (10)
--   MAXBACKLOG       messages a key, not fewer than MAXSIZE, at most a million (1000)
--   MAXMESSAGEBYTES  bytes of one message's data, 1 to 1048576 (262144)
--   MAXBATCHBYTES    bytes of the messages of a batch as they are stored, 1 to 1048576 (1048576); a larger message is one alone
--   DEDUPE           ms for which a message id is accepted once (3600000)
--   MAXDEAD          dead batches that are kept, at most a million (10000)
--   MAXDEADAGE       ms for which a dead batch is kept, at most a year; 0: for ever (0)
--   MAXKEYS          conversations that may have messages at a time, at most 100000000; 0: any number (0)
--   EVENTS           entries of events that are kept, about, at most a million; 0: none are written, and those that were kept are deleted (0)
--   ARCHIVE          ms for which a batch that was completed is kept, with its text and result, at most a year; 0: none is, and what was goes in its time (0)
--   MAXARCHIVED      batches that are kept so, at most a million: the oldest go (10000)
--   GIVEN            '<name>@<host>' of a program that gives these members at each start: a member is written only when it differs from what
--                    a program gave last, so that a start undoes nothing that a person has set. 1 to 64 of [A-Za-z0-9_.@-]
--   AGAIN            with GIVEN: it has given them before; only those are written of which nothing is kept any more
-- RETURNS
--   field            for each member of the policy: its name
--   value            for each member of the policy: its value
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  not a member of the policy
--   MISSING_ARGUMENT  a member without its value
--   BAD_POLICY        a value is not an integer in its range, or two of them contradict each other
--   BAD_ARGUMENT      GIVEN is not a name
--
-- A lengthened policy holds at once for open batches, a shortened one from their next look on.
-- WHY what was given is kept apart from what holds: a program that starts again with the same policy means no change, and one that was
-- deployed with another does. Only what it gave before tells the one from the other.
local POLICY_OPTIONS = {
  WAIT = POLICY.WAIT, MAXWAIT = POLICY.MAXWAIT, MAXSIZE = POLICY.MAXSIZE, MAXBACKLOG = POLICY.MAXBACKLOG,
  MAXMESSAGEBYTES = POLICY.MAXMESSAGEBYTES, MAXBATCHBYTES = POLICY.MAXBATCHBYTES, DEDUPE = POLICY.DEDUPE, MAXDEAD = POLICY.MAXDEAD,
  MAXDEADAGE = POLICY.MAXDEADAGE, MAXKEYS = POLICY.MAXKEYS, EVENTS = POLICY.EVENTS,
  ARCHIVE = POLICY.ARCHIVE, MAXARCHIVED = POLICY.MAXARCHIVED,
  GIVEN = OPTIONS.program, AGAIN = OPTIONS.again,
}

local function program_of(program) return string.match(program, '^[^@]*') end

-- Of the members that a program gives, those that are to be written; and by field what is to be kept beside, newest first.
local function given_members(root, members, program, again)
  local changes, kept = {}, {}
  local stored = redis.call('HMGET', root, unpack(GIVEN))
  for n, field in ipairs(MEMBERS) do
    local value, text = members[field], stored[n] or ''
    local last = tonumber(string.match(text, '^%d+'))
    if value then
      local gifts = {}
      local agrees = last == value
      -- '*': the root was lost, and has this member from another root.
      if text == '' or last and not agrees and not again then changes[field] = value end
      if changes[field] or text == '*' then gifts[1] = string.format('%d %s', value, program) end
      for before, by in string.gmatch(text, '(%d+) ([^,]+)') do
        -- With what it gives now it takes back what it gave before, wherever it ran.
        local taken_back = agrees and tonumber(before) ~= value and program_of(by) == program_of(program)
        if not taken_back and #gifts < LIMITS.programs then gifts[#gifts + 1] = before .. ' ' .. by end
      end
      kept[field] = table.concat(gifts, ',')
      if kept[field] == text then kept[field] = nil end
    end
  end
  return changes, kept
end

-- What a person sets ends all differences between programs: only what was given last is kept.
local function settled_gifts(root, members)
  local kept = {}
  local stored = redis.call('HMGET', root, unpack(GIVEN))
  for n, field in ipairs(MEMBERS) do
    if members[field] and stored[n] and string.find(stored[n], ',', 1, true) then kept[field] = string.match(stored[n], '^[^,]+') end
  end
  return kept
end

local function policy(keys, args)
  local call, root = redis.call, keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local members, bad = read_options(args, 1, POLICY_OPTIONS)
  if bad then return bad end
  local given, again = members.given, members.again
  members.given, members.again = nil, nil
  if given and not string.find(given, '^[%w_.@%-]+$') then
    return fail('BAD_ARGUMENT', 'GIVEN must have 1 to ' .. OPTIONS.program.bytes .. ' bytes of letters, digits and _.@-, got ' .. shown(given))
  end
  local changes, kept = members, {}
  if given then
    changes, kept = given_members(root, members, given, again)
  elseif next(members) then
    kept = settled_gifts(root, members)
  end
  local after = changed_policy(queue, changes)
  if bad_policy(after) then
    -- What has changed of what a program gives contradicts what a person has set: then all that it gives holds.
    changes, after = members, changed_policy(queue, members)
  end
  bad = bad_policy(after)
  if bad then return bad end

  -- first write
  -- The ids that are remembered now must live as long as a longer policy says. The last of them may have come just now: under a longer policy a slice went
  -- on for longer.
  local slice, before, longer = queue.slice, queue.sliceBefore, after.dedupe > queue.dedupe
  if longer and slice then changes.sliceEnds = math.max(slice + after.dedupe, now_ms()) + after.dedupe end
  -- How far ahead an entry of \`due\` may rightly lie: a shortened wait holds only from the next look on.
  local longest = after.wait < queue.wait and math.max(queue.wait, longest_wait(queue))
  if next(changes) then
    local done = write_settings(queue, changes)
    if type(done) == 'table' then return done end
  end
  for field, text in pairs(kept) do call('HSET', root, 'given:' .. field, text) end
  if longest then call('HSET', root, 'longestWait', count_text(longest)) end
  if changes.events == 0 then write_events(queue) end
  if longer and slice then call('PEXPIREAT', seen_key(root, digits(slice)), digits(changes.sliceEnds + after.dedupe)) end
  if longer and before then call('PEXPIREAT', seen_key(root, digits(before)), digits(slice + 2 * after.dedupe)) end
  local reply = {}
  for _, field in ipairs(MEMBERS) do reply[#reply + 1], reply[#reply + 2] = field, after[field] end
  return reply
end

register('policy', policy, { 'allow-oom' }, 'Read the policy of the queue, or change it for every caller at once.')
end
do
--- Say that a worker or a process is there, and learn which others are there no more.
--
--   FCALL rapidfire_present 1 rapid-fire:{orders} w1
--   FCALL rapidfire_present 1 rapid-fire:{orders} w1 REST 900
--
-- KEYS
--   root     root key of a queue, also when it has partitions; of all queues that a process serves, one
-- ARGV
--   worker   its name, as WORKER of claim_ready; of a process, whose workers are called '<its name>/<what else>', its own
--   REST     ms until it says so again, 1 to an hour (1000)
-- RETURNS
--   worker... those that hear nothing any more, or have not said so for twice their REST: each is told once. Also the one that says so, when
--             it was not known: what Redis knew of who watches may be lost as well
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or what is known of the workers, is a key of another type
--   UNKNOWN_ARGUMENT  not REST
--   MISSING_ARGUMENT  the worker, or the value of REST, is missing
--   BAD_ARGUMENT      the name of the worker is empty or too long, or REST is out of its range
--
-- WHY: of many roots, queues or partitions, a process looks seldom at each. One that was killed would be missed there when the others have
-- rested; so whoever is told of it gives up its watch everywhere (rapidfire_leave).
-- The cost does not depend on how many workers there are.
local PRESENT_OPTIONS = { REST = OPTIONS.rest }

-- How many hear each of these workers' channels; nil when that may not be asked.
local function hearing(root, workers)
  local channels = {}
  for n = 1, #workers do channels[n] = wake_channel(root, workers[n]) end
  local told, counts = redis.pcall('PUBSUB', 'NUMSUB', unpack(channels)), {}
  if told.err then return nil end
  for n = 1, #workers do counts[n] = told[2 * n] end
  return counts
end

-- A worker says that it is there, as it does once in \`rest\` ms. Returns those of the others that are not: they hear nothing any more, or have not
-- said so for twice that time; and itself when it was not known. Of those that are there, it asks after some, whose word is the oldest.
local function meet(queue, worker, rest)
  local present, gone = watch_key(queue.root, 'present'), {}
  local found = redis.call('ZRANGE', present, '0', count_text(LIMITS.asked - 1), 'WITHSCORES')
  local names = { worker }
  for n = 1, #found, 2 do names[#names + 1] = found[n] end
  local heard = hearing(queue.root, names)
  local function is_deaf(n) return heard and heard[n] == 0 and string.sub(names[n], 1, 1) ~= '~' end
  for n = 2, #names do
    if names[n] ~= worker and (is_deaf(n) or tonumber(found[2 * n - 2]) <= queue.now) then gone[#gone + 1] = names[n] end
  end
  if #gone > 0 then redis.call('ZREM', present, unpack(gone)) end
  -- While it hears nothing itself, others look in its place.
  if is_deaf(1) then
    redis.call('ZREM', present, worker)
  elseif note_worker(present, worker, queue.now + 2 * rest, queue.now + 2 * rest) then
    gone[#gone + 1] = worker
  end
  return gone
end

local function present(keys, args)
  local root, worker = keys[1], args[1]
  local options, bad = read_options(args, 2, PRESENT_OPTIONS)
  local queue, refusal = read_queue(keys)
  refusal = refusal or bad_worker(worker) or bad
  if refusal then return refusal end
  local count = redis.pcall('ZCARD', watch_key(root, 'present'))
  if type(count) == 'table' then return wrong_type(count, 'zset', watch_key(root, 'present')) end
  queue.now = now_ms()

  -- first write
  return meet(queue, worker, options.rest or OPTIONS.rest.default)
end

register('present', present, { 'allow-oom' }, 'Say that a worker or a process is there, and learn which others are there no more.')
end
do
--- Count what the queue holds and what it has done.
--
--   FCALL_RO rapidfire_stats 1 rapid-fire:{orders}
--
-- KEYS
--   root   root key of the queue
-- ARGV
-- RETURNS
--   field  for each figure: its name (lua/README.md explains them)
--   value  for each figure: an integer
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  there are no arguments
--
-- WHY \`queued\` looks at 100 active keys at most: the cost must not depend on the size of the queue, and an add does not ask whether its key is
-- active. With more of them it is an estimate: of 100 neighbours, other ones each ms, what they have is taken for all.
local function count_queued(root, now)
  local active, looks = redis.call('ZCARD', active_key(root)), LIMITS.sampled
  if active == 0 then return 0, 0 end
  local first = now % (math.max(active - looks, 0) + 1)
  local keys, held, claimed = redis.call('ZRANGE', active_key(root), first, first + looks - 1), 0, 0
  for n = 1, #keys do
    -- A key of another type must not hide the figures of all others.
    held = held + (read_unless_foreign('LLEN', messages_key(root, keys[n])) or 0)
  end
  local records = redis.call('HMGET', claims_key(root), unpack(keys))
  for n = 1, #records do claimed = claimed + (decode_claim(records[n]) or { count = 0 }).count end
  return active, math.floor(math.max(held - claimed, 0) * active / #keys + 0.5)
end

local function stats(keys, args)
  local root, names = keys[1], counter_names()
  local queue, refusal = read_queue(keys, 'dead', 'deadMessages', 'droppedMessages', unpack(names))
  if refusal then return refusal end
  if args[1] then
    local _, bad = read_options(args, 1, {})
    return bad
  end
  local fields, now = queue.fields, now_ms()
  local active, queued = count_queued(root, now)
  local due = redis.call('ZCARD', due_key(root))
  local ready = due > 0 and redis.call('ZCOUNT', due_key(root), '-inf', digits(now)) or 0
  local reply, at, held = {
    'now', now, 'collecting', due - ready, 'ready', ready, 'active', active,
    'queued', queued, 'dead', redis.call('ZCARD', dead_key(root)), 'messages', 0, 'died', tonumber(fields[3]) or 0,
  }, 16, { added = 0, completedMessages = 0 }
  for n = 1, #names do
    local name, count = names[n], fields[n + 5]
    count = count and tonumber(count) or 0
    if held[name] then held[name] = count end
    reply[at + 1], reply[at + 2], at = name, count, at + 2
  end
  reply[14] = held.added - held.completedMessages - (tonumber(fields[4]) or 0) - (tonumber(fields[5]) or 0)
  -- What only some queues have.
  local kept = queue.events > 0 and redis.pcall('XLEN', name_of(root, 'events'))
  if type(kept) == 'number' then reply[at + 1], reply[at + 2] = 'events', kept end
  return reply
end

register('stats', stats, { 'no-writes' }, 'Count what the queue holds and what it has done.')
end
end
`
