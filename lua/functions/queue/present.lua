--- Say that a worker or a process is there, and learn which others are there no more.
--
--   FCALL rapidfire_present 1 rapid-fire:{orders} w1
--   FCALL rapidfire_present 1 rapid-fire:{orders} w1 REST 900
--
-- KEYS
--   root     root key of a queue, also when it has partitions; of all queues that a process serves, one
-- ARGV
--   worker   its name, as WORKER of claim_ready; of a process, whose workers are called '<its name>/<what else>', its own
--   REST     ms until it says so again, 1 to an hour (1000)
-- RETURNS
--   worker... those that hear nothing any more, or have not said so for twice their REST: each is told once. Also the one that says so, when
--             it was not known: what Redis knew of who watches may be lost as well
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or what is known of the workers, is a key of another type
--   UNKNOWN_ARGUMENT  not REST
--   MISSING_ARGUMENT  the worker, or the value of REST, is missing
--   BAD_ARGUMENT      the name of the worker is empty or too long, or REST is out of its range
--
-- WHY: of many roots, queues or partitions, a process looks seldom at each. One that was killed would be missed there when the others have
-- rested; so whoever is told of it gives up its watch everywhere (rapidfire_leave).
-- The cost does not depend on how many workers there are.
local PRESENT_OPTIONS = { REST = OPTIONS.rest }

-- How many hear each of these workers' channels; nil when that may not be asked.
local function hearing(root, workers)
  local channels = {}
  for n = 1, #workers do channels[n] = wake_channel(root, workers[n]) end
  local told, counts = redis.pcall('PUBSUB', 'NUMSUB', unpack(channels)), {}
  if told.err then return nil end
  for n = 1, #workers do counts[n] = told[2 * n] end
  return counts
end

-- A worker says that it is there, as it does once in `rest` ms. Returns those of the others that are not: they hear nothing any more, or have not
-- said so for twice that time; and itself when it was not known. Of those that are there, it asks after some, whose word is the oldest.
local function meet(queue, worker, rest)
  local present, gone = watch_key(queue.root, 'present'), {}
  local found = redis.call('ZRANGE', present, '0', count_text(LIMITS.asked - 1), 'WITHSCORES')
  local names = { worker }
  for n = 1, #found, 2 do names[#names + 1] = found[n] end
  local heard = hearing(queue.root, names)
  local function is_deaf(n) return heard and heard[n] == 0 and string.sub(names[n], 1, 1) ~= '~' end
  for n = 2, #names do
    if names[n] ~= worker and (is_deaf(n) or tonumber(found[2 * n - 2]) <= queue.now) then gone[#gone + 1] = names[n] end
  end
  if #gone > 0 then redis.call('ZREM', present, unpack(gone)) end
  -- While it hears nothing itself, others look in its place.
  if is_deaf(1) then
    redis.call('ZREM', present, worker)
  elseif note_worker(present, worker, queue.now + 2 * rest, queue.now + 2 * rest) then
    gone[#gone + 1] = worker
  end
  return gone
end

local function present(keys, args)
  local root, worker = keys[1], args[1]
  local options, bad = read_options(args, 2, PRESENT_OPTIONS)
  local queue, refusal = read_queue(keys)
  refusal = refusal or bad_worker(worker) or bad
  if refusal then return refusal end
  local count = redis.pcall('ZCARD', watch_key(root, 'present'))
  if type(count) == 'table' then return wrong_type(count, 'zset', watch_key(root, 'present')) end
  queue.now = now_ms()

  -- first write
  return meet(queue, worker, options.rest or OPTIONS.rest.default)
end

register('present', present, { 'allow-oom' }, 'Say that a worker or a process is there, and learn which others are there no more.')
