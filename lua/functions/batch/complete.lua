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
