--- Put some parts of a queue in order, each at one moment, or its root.
--
--   FCALL rapidfire_repair 1 rapid-fire:{orders}
--   FCALL rapidfire_repair 1 rapid-fire:{orders} messages:79001234567
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   part...  as in check, at most 100; without one, the root: its counters
-- RETURNS
--   done     for each part, or for the root: what was mended, in words, or '' when nothing was. Fewer than parts when there was much to do, as in check
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   WRONG_TYPE    the root is a key of another type
--   BAD_ARGUMENT  more than 100 parts
local function repair(keys, args)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if #args > LIMITS.parts then return fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.parts .. ' parts, got ' .. #args) end
  local reply, foreign = {}, has_foreign_index(queue.root)
  queue.now = now_ms()

  -- first write
  if #args == 0 then return { mend_root(queue.root) } end
  queue.looks = 0
  for n = 1, #args do
    if queue.looks >= LIMITS.checkLooks then break end
    reply[n] = foreign and '' or mend_part(queue, args[n])
  end
  if queue.told then write_events(queue) end
  return reply
end

register('repair', repair, { 'allow-oom' }, 'Put some parts of a queue in order, each at one moment, or its root.')
