--- Give up the watch of a worker that looks no more, or has no slot left.
--
--   FCALL rapidfire_leave 1 rapid-fire:{orders} w1
--   FCALL rapidfire_leave 1 rapid-fire:{orders} p1/
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   worker   its name, as WORKER of claim_ready; one that ends in a slash is of a process, and stands for all of its workers, that are called
--            '<process>/<what else>', or as it is
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
  refusal = refusal or bad_worker(worker)
  if refusal then return refusal end
  queue.now = now_ms()

  -- first write
  local name = string.match(worker, '^(.+)/$') or worker
  redis.pcall('ZREM', watch_key(root, 'standby'), name)
  redis.pcall('ZREM', watch_key(root, 'present'), name)
  if not is_named(watcher_of(queue), worker) or watch_at(queue) == 0 then return 'idle' end
  return appoint(queue, earlier(first_in(due_key(root)), first_in(active_key(root))), worker) and 'passed' or 'vacant'
end

register('leave', leave, { 'allow-oom' }, 'Give up the watch of a worker that looks no more, or has no slot left.')
