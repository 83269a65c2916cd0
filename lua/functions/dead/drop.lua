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
  local nonce, first, no_nonce = leading_nonce(args)
  local queue, refusal = read_queue_for(keys, nonce)
  refusal = refusal or no_nonce
  if refusal then return refusal end
  local ids, bad = read_batch_ids(args, first, #args)
  if bad then return bad end
  local said = kept_reply(queue, nonce, 'drop')
  if said then return said end

  -- first write
  local reply, dropped = {}, false
  for n = 1, #ids do
    local gone = said == nil and drop_dead(queue, ids[n], 'asked')
    reply[n], dropped = gone and 'dropped' or 'unknown', dropped or gone
  end
  if dropped then keep_reply(queue, nonce, 'drop', reply) end
  if queue.told then write_events(queue) end
  return reply
end

register('drop', drop, { 'allow-oom' }, 'Delete dead batches with their messages.')
