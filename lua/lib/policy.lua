--- The policy of a queue, stored in its root so that every caller goes by the same one.

-- token = { field, least, most, default }. Times in ms; a year is the longest.
local POLICY = {
  WAIT = { 'wait', 1, 31536000000, 10000, code = 'BAD_POLICY' },
  MAXWAIT = { 'maxWait', 1, 31536000000, 60000, code = 'BAD_POLICY' },
  -- A batch is read in one call, hence the bound.
  MAXSIZE = { 'maxSize', 1, 1000, 10, code = 'BAD_POLICY' },
  MAXBACKLOG = { 'maxBacklog', 1, 1000000, 1000, code = 'BAD_POLICY' },
  MAXMESSAGEBYTES = { 'maxMessageBytes', 1, 16777216, 262144, code = 'BAD_POLICY' },
  DEDUPE = { 'dedupe', 1, 31536000000, 3600000, code = 'BAD_POLICY' },
  MAXDEAD = { 'maxDead', 1, 1000000, 10000, code = 'BAD_POLICY' },
}

-- Returns the policy of the queue, or nil and a refusal. One call, since each call of the library begins with it. `caller` is the name in
-- the NONCE of the call: what is kept of its last call is read along.
local function read_policy(keys, caller)
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
  local maxSize = tonumber(stored[3]) or POLICY.MAXSIZE[4]
  return {
    wait = tonumber(stored[1]) or POLICY.WAIT[4],
    maxWait = tonumber(stored[2]) or POLICY.MAXWAIT[4],
    maxSize = maxSize,
    last = tostring(maxSize - 1),
    maxBacklog = tonumber(stored[4]) or POLICY.MAXBACKLOG[4],
    maxMessageBytes = tonumber(stored[5]) or POLICY.MAXMESSAGEBYTES[4],
    dedupe = tonumber(stored[6]) or POLICY.DEDUPE[4],
    maxDead = tonumber(stored[7]) or POLICY.MAXDEAD[4],
    slice = tonumber(stored[8]),
    sliceBefore = tonumber(stored[9]),
    watcher = stored[10] or '',
    watchAt = tonumber(stored[11]) or 0,
    standbyUntil = tonumber(stored[12]) or 0,
    looked = tonumber(stored[14]) or 0,
    kept = caller and moving[3],
    closed = stored[13] == 'retired' or not stored[13] and partition_of(keys[1]) ~= nil,
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

-- Which partitions the queue has, as `layout` replies it; or nil and a refusal.
local function read_layout(keys)
  local _, refusal = read_policy(keys)
  if refusal then return nil, refusal end
  if partition_of(keys[1]) then
    return nil, fail('BAD_ROOT', 'expected the root of the queue, got that of a partition: ' .. shown(keys[1]))
  end
  local stored = redis.call('HMGET', keys[1], 'layout', 'partitions', 'firstPartition', 'otherPartitions', 'otherFirst')
  return { stored[1] or 'steady', tonumber(stored[2]) or 0, tonumber(stored[3]) or 0, tonumber(stored[4]) or 0, tonumber(stored[5]) or 0 }
end

-- What a closed root answers to those who do not know that it is closed. Nobody looks there for new keys.
local function not_serving(root)
  return fail('REPARTITIONED', shown(root) .. ' does not serve new messages: rapidfire_layout of the root of the queue tells what does')
end
