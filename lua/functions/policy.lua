--- Read the policy of the queue, or change it for every caller at once.
--
--   FCALL rapidfire_policy 1 rapid-fire:{orders}
--   FCALL rapidfire_policy 1 rapid-fire:{orders} WAIT 5000 MAXWAIT 30000
--
-- KEYS
--   root             root key of the queue
-- ARGV
--   WAIT             quiet time after the last message, ms (10000)
--   MAXWAIT          from the first message, ms, not shorter than WAIT (60000)
--   MAXSIZE          messages a batch, 1 to 1000 (10)
--   MAXBACKLOG       messages a key, not fewer than MAXSIZE, at most a million (1000)
--   MAXMESSAGEBYTES  bytes of one message's data, at most 16 MiB (262144)
--   DEDUPE           ms for which a message id is accepted once (3600000)
--   MAXDEAD          dead batches that are kept, at most a million (10000)
-- RETURNS
--   field            for each member of the policy: its name
--   value            for each member of the policy: its value
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  not a member of the policy
--   MISSING_ARGUMENT  a member without its value
--   BAD_POLICY        a value is not a positive integer in its range, or two of them contradict each other
--
-- A lengthened policy holds at once for open batches, a shortened one from their next look on.
local function policy(keys, args)
  local call, root = redis.call, keys[1]
  local current, refusal = read_policy(keys)
  if refusal then return refusal end
  local changes, _, bad = read_tokens(args, 1, POLICY)
  if bad then return bad end
  local before = { dedupe = current.dedupe, wait = current.wait }
  for field, value in pairs(changes or {}) do current[field] = value end
  bad = bad_policy(current)
  if bad then return bad end

  -- first write
  for field, value in pairs(changes or {}) do call('HSET', root, field, value) end
  -- How far ahead an entry of `due` may rightly lie: a shortened wait holds only from the next look on.
  if current.wait < before.wait then
    call('HSET', root, 'longestWait', math.max(before.wait, tonumber(call('HGET', root, 'longestWait')) or 0))
  end
  if current.dedupe > before.dedupe then
    -- The ids that are remembered now must live as long as the new policy says.
    if current.slice then call('PEXPIREAT', seen_key(root, string.format('%.0f', current.slice)), string.format('%.0f', current.slice + 2 * current.dedupe)) end
    if current.sliceBefore then
      call('PEXPIREAT', seen_key(root, string.format('%.0f', current.sliceBefore)), string.format('%.0f', current.slice + current.dedupe))
    end
  end
  return {
    'wait', current.wait, 'maxWait', current.maxWait, 'maxSize', current.maxSize, 'maxBacklog', current.maxBacklog,
    'maxMessageBytes', current.maxMessageBytes, 'dedupe', current.dedupe, 'maxDead', current.maxDead,
  }
end

register('policy', policy, { 'allow-oom' }, 'Read the policy of the queue, or change it for every caller at once.')
