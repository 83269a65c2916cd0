--- A claim as it is stored in `claims`. This file writes it and reads it, and no other does.
--
--   <batch id>:<claim>:<attempt>:<lost>:<count>:<deadline>:<reason>:<span>[:<state>]
--
-- The token is its beginning, '<batch id>:<claim>'. Claims are counted apart from attempts: one that nobody has heard of is no attempt.
-- `span` is the length of the lease or pause, so no score in `active` is further ahead than that. `state` says what the claim is waiting for:
--   'retry:<error>.'      it failed, and pauses: the beginning of what it failed with; 'retry' when nothing was said
--   'released'            it was given back
--   'done'                it was completed while its list was missing; see finish in lib/conversation.lua
--   'by=<name>/<number>'  it was taken by this call, and nobody has acknowledged it yet (lib/nonce.lua)
--   none                  it is acknowledged: a worker has it

-- The end of a record. `failed`: what the batch has failed with, if it pauses.
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

-- When a lease or pause ends that is in `active` until `score`. It was granted for `span` at some moment that has passed, so it cannot end later
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

-- Pairs of key and token, from args[first] to the end; `expected`: what the call expects, in words. Returns the keys, the tokens, and a refusal.
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
