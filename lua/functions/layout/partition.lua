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
