--- The policy of a queue, stored in its root so that every caller goes by the same one.

-- In the order in which they are told.
local MEMBERS = { 'wait', 'maxWait', 'maxSize', 'maxBacklog', 'maxMessageBytes', 'dedupe', 'maxDead' }
-- What a constructor has written is kept beside each of them.
local GIVEN = {
  'given:wait', 'given:maxWait', 'given:maxSize', 'given:maxBacklog', 'given:maxMessageBytes', 'given:dedupe', 'given:maxDead',
}

-- Returns the policy of the queue, or nil and a refusal. One call, since each call of the library begins with it. `caller` is the name in
-- the NONCE of the call: what is kept of its last call is read along.
local function read_queue(keys, caller)
  local refusal = bad_root(keys)
  if refusal then return nil, refusal end
  local stored = redis.pcall(
    'HMGET', keys[1], 'wait', 'maxWait', 'maxSize', 'maxBacklog', 'maxMessageBytes', 'dedupe', 'maxDead', 'slice', 'sliceBefore',
    'watcher', 'watchAt', 'standbyUntil', 'partition', 'looked'
  )
  if stored.err then return nil, wrong_type(stored, 'hash', keys[1]) end
  -- While a cluster moves the slot, some keys of the queue are on one node and some on the other, and neither may answer for those it lacks: a
  -- call would fail half-done. Two keys that never exist tell: asked for both, each of the two nodes refuses.
  local moving
  if caller then
    moving = redis.pcall('MGET', keys[1] .. ':', keys[1] .. '::', calls_key(keys[1], caller))
  else
    moving = redis.pcall('EXISTS', keys[1] .. ':', keys[1] .. '::')
  end
  if type(moving) == 'table' and moving.err then
    -- A right that the user of Redis lacks is told as it is.
    if string.find(moving.err, 'NOPERM', 1, true) or string.find(moving.err, "can't run", 1, true) then return nil, { err = moving.err } end
    return nil, { err = 'TRYAGAIN ' .. shown(keys[1]) .. ' is being moved to another node' }
  end
  local maxSize = tonumber(stored[3]) or POLICY.MAXSIZE.default
  -- 'open:<generation>' or 'retired:<generation>'. A queue without partitions has no such field.
  local serves, since
  if stored[13] then serves, since = string.match(stored[13], '^(%a+):(%d+)$') end
  return {
    root = keys[1],
    wait = tonumber(stored[1]) or POLICY.WAIT.default,
    maxWait = tonumber(stored[2]) or POLICY.MAXWAIT.default,
    maxSize = maxSize,
    last = tostring(maxSize - 1),
    maxBacklog = tonumber(stored[4]) or POLICY.MAXBACKLOG.default,
    maxMessageBytes = tonumber(stored[5]) or POLICY.MAXMESSAGEBYTES.default,
    dedupe = tonumber(stored[6]) or POLICY.DEDUPE.default,
    maxDead = tonumber(stored[7]) or POLICY.MAXDEAD.default,
    slice = tonumber(stored[8]),
    sliceBefore = tonumber(stored[9]),
    watcher = stored[10] or '',
    watchAt = tonumber(stored[11]) or 0,
    standbyUntil = tonumber(stored[12]) or 0,
    looked = tonumber(stored[14]) or 0,
    kept = caller and moving[3],
    closed = serves == 'retired' or not serves and partition_of(keys[1]) ~= nil,
    serves = serves,
    generation = tonumber(since) or 0,
  }
end

-- Refuses a policy whose members contradict each other.
local function bad_policy(policy)
  if policy.maxWait < policy.wait then
    return fail('BAD_POLICY', string.format('maxWait must not be shorter than wait (%.0f), got %.0f', policy.wait, policy.maxWait))
  end
  if policy.maxBacklog < policy.maxSize then
    return fail('BAD_POLICY', string.format('maxBacklog must not be less than maxSize (%d), got %d', policy.maxSize, policy.maxBacklog))
  end
end

-- A layout as it is stored: '<state>:<generation>:<partitions>:<first>:<other>:<otherFirst>'. In the order of the reply it is a list with the
-- generation at its end. Each root knows one: the root of the queue that which holds now, a partition that by which it was opened or retired.
local function encode_layout(known)
  return string.format('%s:%d:%d:%d:%d:%d', known[1], known[6], known[2], known[3], known[4], known[5])
end

local function read_layout(root)
  local text = redis.call('HGET', root, 'layout') or ''
  local state, generation, serving, first, other, other_first = string.match(text, '^(%a+):(%d+):(%d+):(%d+):(%d+):(%d+)$')
  if not state then return { 'steady', 0, 0, 0, 0, 0 } end
  return { state, tonumber(serving), tonumber(first), tonumber(other), tonumber(other_first), tonumber(generation) }
end

-- The value of LAYOUT, '<partitions>:<first>:<other>:<otherFirst>', as a layout of that generation. Whether the others are drained is not
-- known to who tells it: to take them for being drained does no harm. Returns nil and a refusal when it cannot be read.
local function told_layout(text, generation)
  local serving, first, other, other_first = string.match(text, '^(%d+):(%d+):(%d+):(%d+)$')
  serving, first = integer(serving, 1, 1024), integer(first, 0, 999999)
  other, other_first = integer(other, 0, 1024), integer(other_first, 0, 999999)
  if not (serving and first and other and other_first) then
    return nil, fail('BAD_ARGUMENT', 'LAYOUT must be <partitions>:<first>:<other>:<otherFirst>, got ' .. shown(text))
  end
  return { 'draining', serving, first, other, other_first, generation }
end

-- Conversations that have messages in a root.
local function count_keys(root)
  local due, active = redis.pcall('ZCARD', due_key(root)), redis.pcall('ZCARD', active_key(root))
  return (type(due) == 'number' and due or 0) + (type(active) == 'number' and active or 0)
end

-- What a closed root answers to those who do not know that it is closed. Nobody looks there for new keys.
local function not_serving(root)
  return fail('REPARTITIONED', shown(root) .. ' does not serve new messages: rapidfire_layout of the root of the queue tells what does')
end

-- Refuses a caller that goes by another generation of the partitions than this root: one of the two has missed a change, a caller that was
-- idle, or a root whose server was replaced by one that had not heard of it. A caller without a generation is judged by the root alone.
local function other_generation(root, policy, generation)
  if not generation or generation == policy.generation then return nil end
  return fail(
    'REPARTITIONED',
    string.format('%s goes by generation %d of the partitions and the caller by %d: rapidfire_layout tells more', shown(root), policy.generation, generation)
  )
end
