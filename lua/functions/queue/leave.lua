--- Give up the watch of a worker that looks no more, or has no slot left.
--
--   FCALL rapidfire_leave 1 rapid-fire:{orders} w1
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   worker   its name, as WORKER of claim_ready
-- RETURNS
--   status   'passed': one that stood by watches instead, and was told so | 'vacant': nobody stands by | 'idle': it did not watch
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   MISSING_ARGUMENT  the worker is missing
--   BAD_ARGUMENT      the name of the worker is empty or too long
--
-- WHY: whoever stands by looks seldom in each of many partitions, and a worker that goes, or is full, would keep its batches waiting until then.
local function leave(keys, args)
  local root, worker = keys[1], args[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if not worker then return fail('MISSING_ARGUMENT', 'expected the name of a worker') end
  if #worker < 1 or #worker > OPTIONS.worker.bytes then
    return fail('BAD_ARGUMENT', 'the name of a worker must have 1 to ' .. OPTIONS.worker.bytes .. ' bytes, got ' .. #worker)
  end
  queue.now = now_ms()

  -- first write
  redis.pcall('ZREM', watch_key(root, 'standby'), worker)
  redis.pcall('ZREM', watch_key(root, 'present'), worker)
  if queue.watcher ~= worker or queue.watchAt == 0 then return 'idle' end
  return appoint(queue, next_due(queue)) and 'passed' or 'vacant'
end

register('leave', leave, { 'allow-oom' }, 'Give up the watch of a worker that looks no more, or has no slot left.')
