--- Tell which laws some parts of a queue break, each at one moment, or its root.
--
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders} messages:79001234567
--   FCALL_RO rapidfire_check 1 rapid-fire:{orders} dead:1790000000000-17 seen:1790000000000 due
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   part...  names of keys without the root and its colon, at most 100; 'messages:<key>' stands for all that is kept about the conversation,
--            'dead:<batch id>' for all about the dead batch. Without one, the root: its counters
-- RETURNS
--   part...  for each part, or for the root, an array: the key of the conversation, or '' when it concerns none; since when its messages wait
--            or are dead, ms, or ''; how many messages it has, of the root all that are held or dead, -1 when there are too many keys to count
--            them at one moment; and for each law that is broken an array: its name (lua/README.md), what is wrong, and 1 when repair mends it
--            without loss, else 0. Fewer arrays than parts when there was much to read: ask for the others again
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   WRONG_TYPE    the root is a key of another type
--   BAD_ARGUMENT  more than 100 parts
--
-- WHY parts and no walk: a call must not last longer than a few ms, whatever there is. Its cost is bounded by messages and bytes, however long the
-- lists are; who calls finds the names, by SCAN and in the indexes.
local function told(seen)
  local since = seen.since and seen.since > 0 and string.format('%.0f', seen.since) or ''
  return { seen.key or '', since, seen.messages or seen.size or 0, unpack(broken_laws(seen)) }
end

local function check(keys, args)
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  if #args > LIMITS.parts then return fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.parts .. ' parts, got ' .. #args) end
  if #args == 0 then return { told(look_at_root(queue.root)) } end
  -- A shortened wait holds only from the next look on.
  queue.now, queue.longest = now_ms(), longest_wait(queue)
  local reply, spent = {}, { looks = 0, bytes = 0 }
  for n = 1, #args do
    if spent.looks >= LIMITS.checkLooks or spent.bytes >= LIMITS.checkBytes then break end
    reply[n] = told(look_at(queue, args[n], spent))
  end
  return reply
end

register('check', check, { 'no-writes' }, 'Tell which laws some parts of a queue break, each at one moment, or its root.')
