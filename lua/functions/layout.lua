--- Tell which partitions a queue has.
--
--   FCALL_RO rapidfire_layout 1 rapid-fire:{orders}
--
-- KEYS
--   root        root key of the queue, not of a partition
-- ARGV
-- RETURNS
--   state       'steady' | 'preparing' | 'draining'
--   partitions  that serve: 0 when the queue has none and the root itself serves
--   first       number of the first of them: a key belongs to partition first + CRC-32 of the key modulo partitions
--   other       partitions that are being prepared, or drained; 0 for the root itself, or when the state is steady
--   otherFirst  number of the first of those
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag, or that of a partition
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  there are no arguments
local function layout(keys, args)
  local stored, refusal = read_layout(keys)
  if refusal then return refusal end
  local _, _, bad = read_tokens(args, 1, {})
  if bad then return bad end
  return stored
end

register('layout', layout, { 'no-writes' }, 'Tell which partitions a queue has.')
