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
