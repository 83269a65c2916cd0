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
