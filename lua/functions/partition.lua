--- Open a partition for new keys, or retire it, or tell what is left in it.
--
--   FCALL rapidfire_partition 1 rapid-fire:{orders:3}
--   FCALL rapidfire_partition 1 rapid-fire:{orders:3} OPEN WAIT 5000 MAXWAIT 30000
--   FCALL rapidfire_partition 1 rapid-fire:{orders} RETIRE
--
-- KEYS
--   root             root key of a partition, or of a queue that has none
-- ARGV
--   OPEN             serve new keys, with the policy that follows; ignored by one that is open or retired
--   RETIRE           serve no new keys from now on; those that have messages keep their order: newer ones follow until all are done
--   WAIT             as in policy, like the other members
--   MAXWAIT          as in policy
--   MAXSIZE          as in policy
--   MAXBACKLOG       as in policy
--   MAXMESSAGEBYTES  as in policy
--   DEDUPE           as in policy
--   MAXDEAD          as in policy
-- RETURNS
--   state            'open' | 'retired' | 'unused'
--   keys             that have messages here
--   remembers        ms since 1970, when the last message id that is remembered here has expired; 0 when none is
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  none of these tokens
--   MISSING_ARGUMENT  a token without its value
--   BAD_POLICY        a member of the policy is out of its range, or two of them contradict each other
--   BAD_ARGUMENT      both OPEN and RETIRE
--
-- WHY remembered ids keep a partition from being forgotten: a message that is sent once more must be known as a duplicate.
local PARTITION_TOKENS = {
  OPEN = { 'open', flag = true },
  RETIRE = { 'retire', flag = true },
}

local function partition(keys, args)
  local call, root = redis.call, keys[1]
  local current, refusal = read_policy(keys)
  if refusal then return refusal end
  for name, token in pairs(POLICY) do PARTITION_TOKENS[name] = token end
  local options, _, bad = read_tokens(args, 1, PARTITION_TOKENS)
  if bad then return bad end
  options = options or {}
  local open, retire = options.open, options.retire
  options.open, options.retire = nil, nil
  if open and retire then return fail('BAD_ARGUMENT', 'expected OPEN or RETIRE, got both') end
  for field, value in pairs(options) do current[field] = value end
  bad = bad_policy(current)
  if bad then return bad end
  local remembers = current.slice and current.slice + 2 * current.dedupe or 0
  if remembers <= now_ms() then remembers = 0 end
  local state = call('HGET', root, 'partition')
  if not state then state = partition_of(root) and 'unused' or 'open' end

  -- first write
  if open and state == 'unused' then
    for field, value in pairs(options) do call('HSET', root, field, value) end
    state = 'open'
    call('HSET', root, 'partition', state)
  elseif retire and state ~= 'retired' then
    state = 'retired'
    call('HSET', root, 'partition', state)
    -- Workers that rest here must learn where new keys go.
    say(root, '*', '0')
  end
  return { state, call('ZCARD', due_key(root)) + call('ZCARD', active_key(root)), remembers }
end

register('partition', partition, { 'allow-oom' }, 'Open a partition for new keys, or retire it, or tell what is left in it.')
