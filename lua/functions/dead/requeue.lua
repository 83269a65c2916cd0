--- Put the messages of dead batches back where their times belong among those of their keys.
--
--   FCALL rapidfire_requeue 1 rapid-fire:{orders} 1790000000000-17
--
-- KEYS
--   root     root key of the queue
-- ARGV
--   NONCE    in front of all, as in complete
--   id       of a dead batch
--   more...  further ids, at most 100 in all
--   GENERATION  as in add: the last two arguments
-- RETURNS
--   status   for each id: 'requeued' | 'unknown'
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root, or the list of the key of a batch, is a key of another type
--   MISSING_ARGUMENT  no id
--   BAD_ARGUMENT      more than 100 ids, or the NONCE is none
--   REPARTITIONED     this root does not serve, or goes by another generation: add the messages again where their key belongs now, then drop the batch
--
-- WHY they open a batch with a new id: newer messages of the key may join it, and their attempts begin anew.
-- They keep the time at which they were received, so they are ready at once.
-- WHY by their times: batches may be brought back in any order, and the conversation must not be turned around. Of messages of one ms
-- those of the batch that was claimed first came first, so each carries the number of its batch and its position there from then on.
-- WHY a message may take its key over maxBacklog: it was accepted once.
local function requeue(keys, args)
  local call, root = redis.call, keys[1]
  local nonce, first, no_nonce = leading_nonce(args)
  local policy, refusal = read_queue(keys, nonce and nonce.name)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local said = kept_reply(policy, nonce, 'requeue')
  if said then return said end
  for _ = 2, first do table.remove(args, 1) end
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
    local died = key and said == nil and call('ZSCORE', dead_key(root), id)
    local messages = died and dead_messages(root, id) or {}
    local count = #messages
    reply[n] = 'unknown'
    if count > 0 then
      for at = 1, count do messages[at] = with_place(messages[at], place_among_dead(id, at)) end
      -- Out of the dead first: a call that is cut off here has moved nothing, and the batch is put back or mended.
      call('ZREM', dead_key(root), id)
      local undo, deadline = bring_back(root, key, messages, policy)
      local gone = undo and redis.pcall('DEL', dead_key(root, id))
      if type(gone) == 'table' then
        undo()
        undo, deadline = nil, gone
      end
      if not undo then
        call('ZADD', dead_key(root), died, id)
        return deadline
      end
      reply[n] = 'requeued'
      if deadline then soonest = math.min(soonest or deadline, deadline) end
      redis.pcall('HINCRBY', root, 'deadMessages', -count)
    end
  end
  keep_reply(root, nonce, 'requeue', reply)
  if soonest then wake(root, policy, soonest, now) end
  return reply
end

register('requeue', requeue, { 'allow-oom' }, 'Put the messages of dead batches back where their times belong among those of their keys.')
