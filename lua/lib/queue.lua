--- What every call begins with: the root of the queue, read in one command. It holds the policy, by which every caller goes, and a little state.

-- The members of the policy in the order in which they are told, and beside each of them what programs have given.
local MEMBERS = {
  'wait', 'maxWait', 'maxSize', 'maxBacklog', 'maxMessageBytes', 'maxBatchBytes', 'dedupe', 'maxDead', 'maxDeadAge', 'maxKeys',
}
local GIVEN = {
  'given:wait', 'given:maxWait', 'given:maxSize', 'given:maxBacklog', 'given:maxMessageBytes', 'given:maxBatchBytes', 'given:dedupe',
  'given:maxDead', 'given:maxDeadAge', 'given:maxKeys',
}

-- The refusal for an error that Redis replied when it was asked for two keys that never exist.
-- WHY two: while a cluster moves the slot, some keys of the queue are on one node and some on the other, and neither may answer for those that it
-- lacks. A call would fail half-done; asked for two at once, each of the nodes refuses.
local function moving_away(root, found)
  -- A right that the user of Redis lacks is told as it is.
  for _, said in ipairs({ 'NOPERM', 'ACL failure', "can't run", "can't access" }) do
    if string.find(found.err, said, 1, true) then return { err = found.err } end
  end
  return { err = 'TRYAGAIN ' .. shown(root) .. ' is being moved to another node' }
end

-- The fields of the root that every call needs, in one command; or nil and a refusal.
local function read_root(keys)
  local refusal = bad_root(keys)
  if refusal then return nil, refusal end
  local stored = redis.pcall(
    'HMGET', keys[1], 'wait', 'maxWait', 'maxSize', 'maxBacklog', 'maxMessageBytes', 'maxBatchBytes', 'dedupe', 'maxDead', 'slice',
    'sliceBefore', 'watcher', 'watchAt', 'partition', 'looked', 'largest', 'maxDeadAge', 'maxKeys'
  )
  if stored.err then return nil, wrong_type(stored, 'hash', keys[1]) end
  return stored
end

-- The last moment of a time with 13 digits, and the most bytes of data that `largest` may say.
local LAST, LARGEST = 9999999999999, 2 * POLICY.MAXMESSAGEBYTES.most

-- These fields as a table:
--   root             its key
--   wait, maxWait, maxSize, maxBacklog, maxMessageBytes, maxBatchBytes, dedupe, maxDead, maxDeadAge, maxKeys   the policy
--   slice, sliceBefore   in which sets ids are remembered: lib/dedupe.lua
--   largest          no message has more bytes of data: lib/window.lua
--   watcher, watchAt, looked   who looks next, and when: lib/watch.lua
--   kept             what is kept of the last call of this caller: lib/nonce.lua
--   refuses_new      it takes no messages of new keys: lib/layout.lua
--   serves, generation   'open' or 'retired', and since which change of the partitions; a queue without partitions has neither
local function queue_of(root, stored, kept)
  local wait, maxWait, maxSize, maxBacklog, maxMessageBytes, maxBatchBytes, dedupe, maxDead, slice, before, watcher, watch_at, partition,
    looked, largest, maxDeadAge, maxKeys = unpack(stored)
  -- Most of it is not stored: to ask first costs a twentieth of an add less than to call tonumber with nothing.
  local serves, since
  if partition then serves, since = string.match(partition, '^(%a+):(%d+)$') end
  return {
    root = root,
    wait = wait and bounded(wait, POLICY.WAIT.least, POLICY.WAIT.most) or POLICY.WAIT.default,
    maxWait = maxWait and bounded(maxWait, POLICY.MAXWAIT.least, POLICY.MAXWAIT.most) or POLICY.MAXWAIT.default,
    maxSize = maxSize and bounded(maxSize, POLICY.MAXSIZE.least, POLICY.MAXSIZE.most) or POLICY.MAXSIZE.default,
    maxBacklog = maxBacklog and bounded(maxBacklog, POLICY.MAXBACKLOG.least, POLICY.MAXBACKLOG.most) or POLICY.MAXBACKLOG.default,
    maxMessageBytes = maxMessageBytes and bounded(maxMessageBytes, POLICY.MAXMESSAGEBYTES.least, POLICY.MAXMESSAGEBYTES.most)
      or POLICY.MAXMESSAGEBYTES.default,
    maxBatchBytes = maxBatchBytes and bounded(maxBatchBytes, POLICY.MAXBATCHBYTES.least, POLICY.MAXBATCHBYTES.most)
      or POLICY.MAXBATCHBYTES.default,
    dedupe = dedupe and bounded(dedupe, POLICY.DEDUPE.least, POLICY.DEDUPE.most) or POLICY.DEDUPE.default,
    maxDead = maxDead and bounded(maxDead, POLICY.MAXDEAD.least, POLICY.MAXDEAD.most) or POLICY.MAXDEAD.default,
    maxDeadAge = maxDeadAge and bounded(maxDeadAge, POLICY.MAXDEADAGE.least, POLICY.MAXDEADAGE.most) or POLICY.MAXDEADAGE.default,
    maxKeys = maxKeys and bounded(maxKeys, POLICY.MAXKEYS.least, POLICY.MAXKEYS.most) or POLICY.MAXKEYS.default,
    largest = largest and bounded(largest, LIMITS.small, LARGEST) or LIMITS.small,
    slice = slice and bounded(slice, 0, LAST),
    sliceBefore = before and bounded(before, 0, LAST),
    watcher = watcher or '',
    watchAt = watch_at and bounded(watch_at, 0, LAST) or 0,
    looked = looked and bounded(looked, 0, LAST) or 0,
    kept = kept,
    refuses_new = serves == 'retired' or not serves and partition_of(root) ~= nil,
    serves = serves,
    generation = since and tonumber(since) or 0,
  }
end

-- Returns the queue, as queue_of has it, or nil and a refusal.
local function read_queue(keys)
  local stored, refusal = read_root(keys)
  if not stored then return nil, refusal end
  local root = keys[1]
  local found = redis.pcall('EXISTS', root .. ':', root .. '::')
  if type(found) == 'table' then return nil, moving_away(root, found) end
  return queue_of(root, stored)
end

-- The same for a call that may be repeated: what is kept of the last call with the name of this nonce is read along, at no cost.
local function read_queue_for(keys, nonce)
  if not nonce then return read_queue(keys) end
  local stored, refusal = read_root(keys)
  if not stored then return nil, refusal end
  local root = keys[1]
  local found = redis.pcall('MGET', root .. ':', root .. '::', calls_key(root, nonce.name))
  if found.err then return nil, moving_away(root, found) end
  return queue_of(root, stored, found[3])
end

-- The policy of a queue with some of its members changed.
local function changed_policy(queue, changes)
  local policy = {}
  for _, field in ipairs(MEMBERS) do policy[field] = changes[field] or queue[field] end
  return policy
end

-- Refuses members of a policy that contradict each other.
local function bad_policy(policy)
  if policy.maxWait < policy.wait then
    return fail('BAD_POLICY', string.format('maxWait must not be shorter than wait (%.0f), got %.0f', policy.wait, policy.maxWait))
  end
  if policy.maxBacklog < policy.maxSize then
    return fail('BAD_POLICY', string.format('maxBacklog must not be less than maxSize (%d), got %d', policy.maxSize, policy.maxBacklog))
  end
end
