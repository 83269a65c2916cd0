--- Put the messages of dead batches back in front of the newer messages of their keys.
--
--   FCALL rapidfire_requeue 1 rapid-fire:{orders} 1790000000000-17
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   id       of a dead batch
--   more...  further ids, at most 100 in all
--   GENERATION  as in add: the last two arguments
-- RETURNS
--   status   for each id: 'requeued' | 'unknown'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or the list of the key of a batch, is a key of another type
--   MISSING_ARGUMENT  no id
--   BAD_ARGUMENT      more than 100 ids
--   REPARTITIONED     this root does not serve, or goes by another generation: add the messages again where their key belongs now, then drop the batch
--
-- WHY they open a batch with a new id: newer messages of the key may join it, and their attempts begin anew.
-- They keep the time at which they were received, so they are ready at once.
local function requeue(keys, args)
  local call, root = redis.call, keys[1]
  local policy, refusal = read_policy(keys)
  if refusal then return refusal end
  local generation
  if string.upper(args[#args - 1] or '') == 'GENERATION' then
    generation = integer(args[#args], 1, 999999)
    if not generation then return fail('BAD_ARGUMENT', 'GENERATION must be an integer from 1 to 999999, got ' .. shown(args[#args])) end
    args = { unpack(args, 1, #args - 2) }
  end
  if #args == 0 then return fail('MISSING_ARGUMENT', 'expected the id of a dead batch') end
  if #args > 100 then return fail('BAD_ARGUMENT', 'expected at most 100 ids, got ' .. #args) end
  local stale = other_generation(root, policy, generation)
  if stale then return stale end
  if policy.closed then return not_serving(root) end
  local reply, soonest, now, owners = {}, nil, now_ms(), {}
  for n = 1, #args do
    local key = redis.pcall('HGET', dead_key(root, args[n]), 'key')
    if type(key) == 'string' then
      owners[n] = key
      local size = redis.pcall('LLEN', messages_key(root, key))
      if type(size) == 'table' then return wrong_type(size, 'list', messages_key(root, key)) end
    end
  end

  -- first write
  for n = 1, #args do
    local id, key = args[n], owners[n]
    local messages = key and dead_messages(root, id) or {}
    local count = #messages
    reply[n] = 'unknown'
    if count > 0 and call('ZREM', dead_key(root), id) == 1 then
      reply[n] = 'requeued'
      local list, claim = messages_key(root, key), decode_claim(call('HGET', claims_key(root), key))
      -- Behind the claimed messages, which are the beginning of the list, and in front of all others, which may be many.
      local claimed = claim and call('LRANGE', list, 0, claim.count - 1) or {}
      call('LTRIM', list, #claimed, -1)
      for at = count, 1, -1 do
        call('LPUSH', list, messages[at])
        if own_options(messages[at]) then call('SADD', overrides_key(root), key) end
      end
      for at = #claimed, 1, -1 do call('LPUSH', list, claimed[at]) end
      if not claim then
        local _, deadline = head_batch(list, policy, has_overrides(root) and is_overridden(root, key))
        call('ZADD', due_key(root), deadline, key)
        soonest = math.min(soonest or deadline, deadline)
      end
      call('DEL', dead_key(root, id))
      call('HINCRBY', root, 'deadMessages', -count)
    end
  end
  if soonest then wake(root, policy, soonest, now) end
  return reply
end

register('requeue', requeue, { 'allow-oom' }, 'Put the messages of dead batches back in front of the newer messages of their keys.')
