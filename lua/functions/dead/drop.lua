--- Delete dead batches with their messages.
--
--   FCALL rapidfire_drop 1 rapid-fire:{orders} 1790000000000-17
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   NONCE    in front of all, as in complete
--   id       of a dead batch
--   more...  further ids, at most 100 in all
-- RETURNS
--   status   for each id: 'dropped' | 'unknown'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   MISSING_ARGUMENT  no id
--   BAD_ARGUMENT      more than 100 ids, or the NONCE is none
local function drop(keys, args)
  local call, root = redis.call, keys[1]
  local nonce, first, no_nonce = leading_nonce(args)
  local policy, refusal = read_queue(keys, nonce and nonce.name)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local given = #args - first + 1
  if given == 0 then return fail('MISSING_ARGUMENT', 'expected the id of a dead batch') end
  if given > 100 then return fail('BAD_ARGUMENT', 'expected at most 100 ids, got ' .. given) end
  local reply, dropped, kept = {}, false, kept_reply(policy, nonce, 'drop')
  if kept then return kept end

  -- first write
  for n = 1, given do
    local id = args[first + n - 1]
    reply[n] = 'unknown'
    if kept == nil and call('ZREM', dead_key(root), id) == 1 then
      reply[n], dropped = 'dropped', true
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
  if dropped then keep_reply(root, nonce, 'drop', reply) end
  return reply
end

register('drop', drop, { 'allow-oom' }, 'Delete dead batches with their messages.')
