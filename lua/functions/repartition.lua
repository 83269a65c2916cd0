--- Change the number of partitions of a queue, step by step.
--
--   FCALL rapidfire_repartition 1 rapid-fire:{orders} PREPARE 4
--   FCALL rapidfire_repartition 1 rapid-fire:{orders} COMMIT 0
--   FCALL rapidfire_repartition 1 rapid-fire:{orders} SETTLE 0
--
-- KEYS
--   root        root key of the queue, not of a partition
-- ARGV
--   PREPARE     begin a change to so many partitions, 1 to 1024
--   COMMIT      the partitions from this number on are open and the others retired: new keys go to them
--   DRAINED     with COMMIT: nothing is left in the others
--   SETTLE      nothing is left in the others: forget them. The number is that of the first partition that serves
-- RETURNS
--   state       the layout after that, as in layout; a step that is not the next one changes nothing
--   partitions  as in layout
--   first       as in layout
--   other       as in layout
--   otherFirst  as in layout
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag, or that of a partition
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  none of these tokens
--   MISSING_ARGUMENT  a token without its value
--   BAD_ARGUMENT      a value is not an integer in its range
--   REPARTITIONING    another change is under way
--
-- WHY three steps: no script reaches more than one slot. Between them every partition is open or retired, never both, and each step can be
-- repeated by anybody: a change that was broken off is ended by the next one who reads the layout.
-- WHY numbers are never used twice: a partition that was retired stays so, whatever a caller with an old layout does.
local REPARTITION_TOKENS = {
  PREPARE = { 'prepare', 1, 1024 },
  COMMIT = { 'commit', 0, 999999 },
  DRAINED = { 'drained', flag = true },
  SETTLE = { 'settle', 0, 999999 },
}

local function repartition(keys, args)
  local stored, refusal = read_layout(keys)
  if refusal then return refusal end
  local options, _, bad = read_tokens(args, 1, REPARTITION_TOKENS)
  if bad then return bad end
  options = options or {}
  local state, serving, first, other, other_first = unpack(stored)
  local wanted = options.prepare
  -- A queue without partitions has one, so to say.
  local same = wanted == math.max(serving, 1)
  if wanted and state ~= 'steady' and not (state == 'preparing' and wanted == other or state == 'draining' and same) then
    return fail('REPARTITIONING', 'the queue is ' .. state .. ' its partitions: wait until that has ended')
  end

  -- first write
  if wanted and state == 'steady' and not same then
    state, other, other_first = 'preparing', wanted, first + serving
  elseif options.commit == other_first and state == 'preparing' then
    state, serving, first, other, other_first = options.drained and 'steady' or 'draining', other, other_first, serving, first
  elseif options.settle == first and state == 'draining' then
    state = 'steady'
  else
    return stored
  end
  if state == 'steady' then other, other_first = 0, 0 end
  redis.call(
    'HSET', keys[1], 'layout', state, 'partitions', serving, 'firstPartition', first, 'otherPartitions', other, 'otherFirst', other_first
  )
  return { state, serving, first, other, other_first }
end

register('repartition', repartition, { 'allow-oom' }, 'Change the number of partitions of a queue, step by step.')
