--- List dead batches, oldest first, or show one with its messages.
--
--   FCALL_RO rapidfire_dead 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_dead 1 rapid-fire:{orders} LIMIT 20 OFFSET 100
--   FCALL_RO rapidfire_dead 1 rapid-fire:{orders} ID 1790000000000-17
--
-- KEYS
--   root      root key of the queue
-- ARGV
--   LIMIT     at most this many, 1 to 50 (50)
--   OFFSET    after this many (0)
--   ID        only the batch with this id, at most 64 bytes
-- RETURNS
--   batch...  each batch is an array: id, key, when it died (ms), attempt, reason, deadline,
--             cause ('failed' | 'lease' | 'unacknowledged'), error, number of messages, and an array of its messages as in
--             claim_ready, empty without ID; no batch when none is dead or the id is unknown
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  not LIMIT, OFFSET or ID
--   MISSING_ARGUMENT  a token without its value
--   BAD_ARGUMENT      a value is out of its range
local DEAD_OPTIONS = { LIMIT = OPTIONS.listed, OFFSET = OPTIONS.offset, ID = OPTIONS.batch }

local function dead(keys, args)
  local call, root = redis.call, keys[1]
  local _, refusal = read_queue(keys)
  if refusal then return refusal end
  local options, bad = read_options(args, 1, DEAD_OPTIONS)
  if bad then return bad end
  local ids, reply = options.id and { options.id }, {}
  if not ids then
    local offset = options.offset or OPTIONS.offset.default
    ids = call('ZRANGE', dead_key(root), offset, offset + (options.limit or OPTIONS.listed.default) - 1)
  end
  for n = 1, #ids do
    local died = call('ZSCORE', dead_key(root), ids[n])
    if died then
      -- Of what stands in its place no more is known than of one that is missing.
      local about = read_unless_foreign('HMGET', dead_key(root, ids[n]), 'key', 'attempt', 'reason', 'deadline', 'error', 'count', 'cause')
      local messages = about and options.id and dead_messages(root, ids[n]) or {}
      about = about or {}
      local count = tonumber(about[6]) or 0
      reply[#reply + 1] = {
        ids[n], about[1] or '', tonumber(died), tonumber(about[2]) or 0, about[3] or '', tonumber(about[4]) or 0, about[7] or '',
        about[5] or '', count, messages,
      }
    end
  end
  return reply
end

register('dead', dead, { 'no-writes' }, 'List dead batches, oldest first, or show one with its messages.')
