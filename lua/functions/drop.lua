--- Delete dead batches with their messages.
--
--   FCALL rapidfire_drop 1 rapid-fire:{orders} 1790000000000-17
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   id       of a dead batch
--   more...  further ids, at most 100 in all
-- RETURNS
--   status   for each id: 'dropped' | 'unknown'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   MISSING_ARGUMENT  no id
--   BAD_ARGUMENT      more than 100 ids
local function drop(keys, args)
  local call, root = redis.call, keys[1]
  local _, refusal = read_policy(keys)
  if refusal then return refusal end
  if #args == 0 then return fail('MISSING_ARGUMENT', 'expected the id of a dead batch') end
  if #args > 100 then return fail('BAD_ARGUMENT', 'expected at most 100 ids, got ' .. #args) end
  local reply = {}

  -- first write
  for n = 1, #args do
    local id = args[n]
    reply[n] = 'unknown'
    if call('ZREM', dead_key(root), id) == 1 then
      reply[n] = 'dropped'
      if call('TYPE', dead_key(root, id)).ok == 'hash' then
        local count = integer(call('HGET', dead_key(root, id), 'count'), 0, 1000) or 0
        call('DEL', dead_key(root, id))
        if count > 0 then
          call('HINCRBY', root, 'deadMessages', -count)
          call('HINCRBY', root, 'droppedMessages', count)
        end
      end
    end
  end
  return reply
end

register('drop', drop, { 'allow-oom' }, 'Delete dead batches with their messages.')
