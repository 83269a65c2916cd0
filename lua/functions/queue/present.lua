--- Say that a worker is there, and learn which others are there no more.
--
--   FCALL rapidfire_present 1 rapid-fire:{orders} w1
--   FCALL rapidfire_present 1 rapid-fire:{orders} w1 REST 900
--
-- KEYS
--   root     root key of the queue, also when it has partitions
-- ARGV
--   worker   its name, as WORKER of claim_ready
--   REST     ms until it says so again, 1 to an hour (1000)
-- RETURNS
--   worker... those that hear nothing any more, or have not said so for twice their REST: each is told once
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or what is known of the workers, is a key of another type
--   UNKNOWN_ARGUMENT  not REST
--   MISSING_ARGUMENT  the worker, or the value of REST, is missing
--   BAD_ARGUMENT      the name of the worker is empty or too long, or REST is out of its range
--
-- WHY: with many partitions each worker looks seldom at each. One that was killed would be missed there when the others have rested; so
-- whoever is told of it gives up its watch everywhere (rapidfire_leave).
-- The cost does not depend on how many workers there are.
local PRESENT_OPTIONS = { REST = OPTIONS.rest }

local function present(keys, args)
  local root, worker = keys[1], args[1]
  local options, bad = read_options(args, 2, PRESENT_OPTIONS)
  local queue, refusal = read_queue(keys)
  refusal = refusal or bad_worker(worker) or bad
  if refusal then return refusal end
  local count = redis.pcall('ZCARD', present_key(root))
  if type(count) == 'table' then return wrong_type(count, 'zset', present_key(root)) end
  queue.now = now_ms()

  -- first write
  return meet(queue, worker, options.rest or OPTIONS.rest.default)
end

register('present', present, { 'allow-oom' }, 'Say that a worker is there, and learn which others are there no more.')
