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
--   WORKER     as in claim_ready
--   ECHO       as in claim_ready
--   REST       as in claim_ready
--   DRAIN      as in claim_ready
--   GENERATION  number of the change of partitions by which the caller has found this root; none without partitions
-- RETURNS
--   now        the time in Redis, ms
--   next       as in claim_ready; a second from now when the stream is full
--   forwarded  batches moved
--   room       entries that still fit into the stream
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or the key of the stream, is a key of another type
--   MISSING_ARGUMENT  the name, or the value of a token, is missing
--   UNKNOWN_ARGUMENT  not LIMIT, MAXLEN, WORKER or ECHO
--   BAD_ARGUMENT      a value, or the name, is out of its range
--   REPARTITIONED     as in claim_ready
--
-- WHY there is no lease: the batch leaves its key in the same script that writes the entry, so nothing can come between. What
-- happens to the entry is the affair of the stream's consumer groups.
-- WHY a full stream is not cut: entries that every group has acknowledged are deleted first; if there is still no room, the
-- batches stay where they are, since to delete the others would lose messages.
local FORWARD_TOKENS = {
  LIMIT = { 'limit', 1, 1000 },
  MAXLEN = { 'longest', 1, 10000000 },
  WORKER = { 'worker', text = 64 },
  ECHO = { 'echo', flag = true },
  REST = { 'rest', 1, 3600000 },
  DRAIN = { 'drain', flag = true },
  GENERATION = { 'generation', 1, 999999 },
}

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

-- Deletes the entries that all groups have read and acknowledged. Without a group nobody has.
local function delete_acknowledged(stream)
  local oldest
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local about = named(group)
    local pending = redis.call('XPENDING', stream, about.name)
    -- The oldest entry that the group still needs: one that is not acknowledged, or the one behind the last that was read.
    local needed = pending[1] > 0 and pending[2] or string.gsub(about['last-delivered-id'], '%d+$', function(seq) return seq + 1 end)
    if not oldest or is_before(needed, oldest) then oldest = needed end
  end
  if oldest then redis.call('XTRIM', stream, 'MINID', oldest) end
end

-- The payloads of a batch as one JSON array, joined and never decoded. Nil when a message cannot be read.
local function json_of(messages)
  local payloads = {}
  for n = 1, #messages do
    local length, start = string.match(messages[n], '^%d+ (%d+)[^ ]* ()')
    if not length then return nil end
    payloads[n] = string.sub(messages[n], start + length)
  end
  return '[' .. table.concat(payloads, ',') .. ']'
end

local function forward(keys, args)
  local call, root, name = redis.call, keys[1], args[1]
  local policy, refusal = read_policy(keys)
  if refusal then return refusal end
  if not name then return fail('MISSING_ARGUMENT', 'expected the name of a stream') end
  if #name < 1 or #name > 128 then return fail('BAD_ARGUMENT', 'the name of a stream must have 1 to 128 bytes, got ' .. #name) end
  local options, _, bad = read_tokens(args, 2, FORWARD_TOKENS)
  if bad then return bad end
  options = options or {}
  bad = other_generation(root, policy, options.generation)
  if bad then return bad end
  if policy.closed and not options.drain then return not_serving(root) end
  local now, stream, longest = now_ms(), stream_key(root, name), options.longest or 100000
  local length = redis.pcall('XLEN', stream)
  if type(length) == 'table' then return wrong_type(length, 'stream', stream) end

  -- first write
  if length >= longest then
    delete_acknowledged(stream)
    length = call('XLEN', stream)
    if length >= longest then return { now, now + 1000, 0, 0 } end
  end
  options.limit = math.min(options.limit or 100, longest - length)
  -- A lease ends with this script, but for a batch that can neither be read nor be buried; so many attempts are never used up.
  options.lease, options.attempts, options.before = 60000, 1000, now
  local batches = take_ready(root, now, options, policy)
  local done, counts, written = {}, {}, 0
  for n = 1, #batches do
    local key, token, reason, deadline, messages = unpack(batches[n])
    local json = json_of(messages)
    if json then
      call('XADD', stream, '*', 'id', string.match(token, '^(.*):%d+$'), 'key', key, 'reason', reason, 'count', #messages,
        'openedAt', received_at(messages[1]), 'deadline', deadline, 'messages', json)
      written = written + 1
      done[written], counts[key] = key, #messages
    else
      -- Raising here would stop the queue for good.
      local claim = decode_claim(call('HGET', claims_key(root), key))
      bury(root, key, claim, 'a message was not written by rapidfire', now, policy, has_overrides(root))
    end
  end
  if written > 0 then finish(root, done, counts, policy) end
  return { now, next_look(root, now, options, policy, #batches), written, longest - length - written }
end

register('forward', forward, {}, 'Move ready batches into a Redis Stream, one entry each.')
