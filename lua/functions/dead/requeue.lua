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
--   status   for each id: 'requeued' | 'unknown' | 'again': the call has brought back many messages before it; ask for this one again
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
  local root = keys[1]
  local nonce, first, no_nonce = leading_nonce(args)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local said = kept_reply(queue, nonce, 'requeue')
  if said then return said end
  local last, generation = #args, nil
  if last > first and string.upper(args[last - 1]) == 'GENERATION' then
    generation, last = integer(args[last], 1, LIMITS.number), last - 2
    if not generation then return fail('BAD_ARGUMENT', 'GENERATION must be an integer from 1 to ' .. LIMITS.number .. ', got ' .. shown(args[#args])) end
  end
  local ids, bad = read_batch_ids(args, first, last)
  refusal = bad or other_generation(queue, generation)
  if refusal then return refusal end
  if refuses_new(queue) then return not_serving(root) end
  local owners, counts = {}, {}
  for n = 1, #ids do
    local about = read_unless_foreign('HMGET', dead_key(root, ids[n]), 'key', 'count') or {}
    local key = about[1]
    if key then
      local size = redis.pcall('LLEN', messages_key(root, key))
      if type(size) == 'table' then return wrong_type(size, 'list', messages_key(root, key)) end
      owners[n], counts[n] = key, integer(about[2], 0, POLICY.MAXSIZE.most) or POLICY.MAXSIZE.most
    end
  end
  queue.now = now_ms()

  -- first write
  local reply, revived, soonest = {}, 0, nil
  for n = 1, #ids do
    reply[n] = 'unknown'
    if owners[n] and revived + counts[n] + LIMITS.revivedMore > LIMITS.revived then
      reply[n] = 'again'
    elseif owners[n] and said == nil then
      local count, at = revive(queue, ids[n], owners[n])
      if count then
        note_event(queue, 'requeued', owners[n], 'batch', ids[n], 'count', count_text(count))
        reply[n], revived = 'requeued', revived + count + LIMITS.revivedMore
        if at then soonest = math.min(soonest or at, at) end
      elseif at then
        if queue.told then write_events(queue) end
        return at
      end
    end
  end
  if revived > 0 then keep_reply(queue, nonce, 'requeue', reply) end
  wake_watcher(queue, soonest)
  if queue.told then write_events(queue) end
  return reply
end

register('requeue', requeue, { 'allow-oom' }, 'Put the messages of dead batches back where their times belong among those of their keys.')
