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
--   WORKER    name of a worker that is told by a message when it must look earlier than `next`, 1 to 64 bytes
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
-- looked at too early or buried counts as well. So fewer than LIMIT does not mean that nothing is left: `next` says.
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
