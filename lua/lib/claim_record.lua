--- A claim as it is stored in `claims`. This file writes it and reads it, and no other does.
--
--   <batch id>:<claim>:<attempt>:<lost>:<count>:<deadline>:<reason>:<span>[:<state>]
--
-- The token is its beginning, '<batch id>:<claim>'. Claims are counted apart from attempts: one that nobody has heard of is no attempt.
-- `span` is the length of the lease or pause, so no score in `active` is further ahead than that. `state` says what the claim is waiting for:
--   'retry'               it failed, and pauses
--   'released'            it was given back
--   'by=<name>/<number>'  it was taken by this call, and nobody has acknowledged it yet (lib/nonce.lua)
--   none                  it is acknowledged: a worker has it

local function encode_claim(claim)
  return string.format(
    '%s:%d:%d:%d:%d:%.0f:%s:%.0f%s', claim.id, claim.claim, claim.attempt, claim.lost, claim.count, claim.deadline, claim.reason,
    claim.span, claim.state and ':' .. claim.state or ''
  )
end

-- Nil when the text is no claim.
local function decode_claim(text)
  local id, number, attempt, lost, count, deadline, reason, span, state =
    string.match(text or '', '^([%d%-]+):(%d+):(%d+):(%d+):(%d+):(%d+):(%a+):(%d+)(.*)$')
  if not id or not (state == '' or state == ':retry' or state == ':released' or string.find(state, '^:by=[%w_-]+/%d+$')) then return nil end
  return {
    id = id, claim = tonumber(number), attempt = tonumber(attempt), lost = tonumber(lost), count = tonumber(count),
    deadline = tonumber(deadline), reason = reason, span = tonumber(span), state = state ~= '' and string.sub(state, 2) or nil,
  }
end

local function token_of(claim) return string.format('%s:%d', claim.id, claim.claim) end

-- The batch id and the number of the claim in a token, as texts, or nil.
local function parts_of_token(token) return string.match(token, '^([%d%-]+):(%d+)$') end

-- How many messages the batch has whose token this is, or nil when the token no longer proves a claim.
-- WHY not by decode_claim: each pair of complete and extend is asked, and this costs a third.
local function claimed_count(stored, token)
  if not stored or string.sub(stored, 1, #token) ~= token then return nil end
  local count, state = string.match(stored, '^:%d+:%d+:(%d+):%d+:%a+:%d+(:?r?)', #token + 1)
  return state ~= ':r' and tonumber(count) or nil
end

-- When a lease or pause ends that is in `active` until `score`. It was granted for `span` at some moment that has passed, so it cannot end later
-- than that from now, whatever has become of the clock.
local function latest_end(claim, score, now)
  if score > now + claim.span + CLOCK_STEP then return now + claim.span end
  return score
end

-- The state of a claim that this call takes and that has to be acknowledged.
local function state_by(nonce) return nonce and 'by=' .. nonce.text or nil end

-- Which call has taken a claim, when nobody has acknowledged it yet: its name and number. Nil when somebody has.
local function taken_by(stored)
  local name, number = string.match(stored or '', ':by=([%w_-]+)/(%d+)$')
  return name, tonumber(number)
end
