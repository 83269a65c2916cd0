--- Tell which partitions a queue has, as far as this root knows, and what this root is among them.
--
--   FCALL_RO rapidfire_layout 1 rapid-fire:{orders}
--   FCALL_RO rapidfire_layout 1 rapid-fire:{orders:3}
--
-- KEYS
--   root        root key of the queue, which tells what holds now; or of a partition, which tells by what layout it was opened or retired
-- ARGV
-- RETURNS
--   state       'steady' | 'preparing' | 'draining'; a partition always says 'draining'
--   partitions  that serve: 0 when the queue has none and the root itself serves
--   first       number of the first of them: a key belongs to partition first + CRC-32 of the key modulo partitions
--   other       partitions that are being prepared, or drained; 0 for the root itself, or when the state is steady
--   otherFirst  number of the first of those
--   generation  number of the change that made those partitions that serve; 0 when there never was one
--   serves      'open' | 'retired' | 'unused': whether this root takes messages of new keys
--   since       generation in which it began to do so, or ceased
--   keys        conversations that have messages in this root
--   policy      an array: name and value of each member of the policy that is stored in this root
--   given       an array: name of each member that a program gives at its start, and what was given, newest first: '<value> <program>', by commas
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  there are no arguments
local function layout(keys, args)
  local call, root = redis.call, keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local _, bad = read_options(args, 1, {})
  if bad then return bad end
  local reply, stored, given = layout_reply(read_layout(root)), {}, {}
  reply[7], reply[8], reply[9] = state_of(queue), queue.generation, count_keys(root)
  for _, field in ipairs(MEMBERS) do
    if queue.stored[field] then stored[#stored + 1], stored[#stored + 2] = field, count_text(queue.stored[field]) end
  end
  for n, text in ipairs(call('HMGET', root, unpack(GIVEN))) do
    if text then given[#given + 1], given[#given + 2] = MEMBERS[n], text end
  end
  reply[10], reply[11] = stored, given
  return reply
end

register('layout', layout, { 'no-writes' }, 'Tell which partitions a queue has, as far as this root knows, and what this root is among them.')
