--- What every call begins with: the root of the queue, read in one command. It holds the policy, by which every caller goes, and a little state.

-- The members of the policy in the order in which they are told, and beside each of them what programs have given.
local MEMBERS = {
  'wait', 'maxWait', 'maxSize', 'maxBacklog', 'maxMessageBytes', 'maxBatchBytes', 'dedupe', 'maxDead', 'maxDeadAge', 'maxKeys',
  'events', 'archive', 'maxArchived',
}
local GIVEN = {
  'given:wait', 'given:maxWait', 'given:maxSize', 'given:maxBacklog', 'given:maxMessageBytes', 'given:maxBatchBytes', 'given:dedupe',
  'given:maxDead', 'given:maxDeadAge', 'given:maxKeys', 'given:events',
  'given:archive', 'given:maxArchived',
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

-- The last moment of a time with 13 digits.
local LAST = 9999999999999

-- What the root says of the queue and seldom changes, beside the policy: `largest`, which no message exceeds in bytes of data (lib/window.lua); in which
-- sets ids are remembered, and when those of the first are forgotten (lib/dedupe.lua); since which change of the partitions it is open, or retired; and
-- `options`, whether messages may have options of their own, 1 or 0 (lib/window.lua).
local OTHERS = { 'largest', 'slice', 'sliceBefore', 'sliceEnds', 'open', 'retired', 'options' }

-- The least and the most that one of them may be, or a member of the policy; nil when there is none of the name.
-- WHY no table: a script, which remembers nothing, would make it for each call.
local function range_of(name)
  if name == 'options' then return 0, 1 end
  if name == 'slice' or name == 'sliceBefore' or name == 'sliceEnds' then return 0, LAST end
  if name == 'largest' then return LIMITS.small, 2 * POLICY.MAXMESSAGEBYTES.most end
  if name == 'open' or name == 'retired' then return 0, LIMITS.number end
  local member = POLICY[string.upper(name)]
  if member then return member.least, member.most end
end

-- All of it stands in one field of the root, '<name>=<value>' with blanks between, without what is not stored. What is no number that could be written
-- there counts as not stored.
-- WHY one field: each by itself, they were read and made numbers in each call, which was a third of what adding a message cost.
local function parse_settings(text)
  local stored = {}
  for name, value in string.gmatch(text, '(%a+)=(%S+)') do
    local least, most = range_of(name)
    stored[name] = least and bounded(value, least, most) or nil
  end
  local serves = stored.open and 'open' or stored.retired and 'retired'
  return {
    stored = stored,
    wait = stored.wait or POLICY.WAIT.default, maxWait = stored.maxWait or POLICY.MAXWAIT.default,
    maxSize = stored.maxSize or POLICY.MAXSIZE.default, maxBacklog = stored.maxBacklog or POLICY.MAXBACKLOG.default,
    maxMessageBytes = stored.maxMessageBytes or POLICY.MAXMESSAGEBYTES.default,
    maxBatchBytes = stored.maxBatchBytes or POLICY.MAXBATCHBYTES.default, dedupe = stored.dedupe or POLICY.DEDUPE.default,
    maxDead = stored.maxDead or POLICY.MAXDEAD.default, maxDeadAge = stored.maxDeadAge or POLICY.MAXDEADAGE.default,
    maxKeys = stored.maxKeys or POLICY.MAXKEYS.default, events = stored.events or POLICY.EVENTS.default,
    archive = stored.archive or POLICY.ARCHIVE.default, maxArchived = stored.maxArchived or POLICY.MAXARCHIVED.default,
    largest = stored.largest or LIMITS.small, slice = stored.slice, sliceBefore = stored.sliceBefore, sliceEnds = stored.sliceEnds,
    serves = serves, generation = stored.open or stored.retired or 0,
    options = stored.options and stored.options == 1,
  }
end

-- What was parsed is kept by its text, and so holds for whichever root has that. A queue takes it from there by its metatable.
local PARSED = { kept = {}, count = 0, most = 1000 }
local function settings_of(text)
  return PARSED.kept[text] or remember(PARSED, text, { __index = parse_settings(text) })
end

-- Writes some of the settings, by name; false takes one away. Returns what Redis replies.
local function write_settings(queue, changes)
  local parts = {}
  for _, names in ipairs({ MEMBERS, OTHERS }) do
    for _, name in ipairs(names) do
      local value = changes[name]
      if value == nil then value = queue.stored[name] end
      if value then parts[#parts + 1] = name .. '=' .. count_text(value) end
    end
  end
  local text = table.concat(parts, ' ')
  local done = text == '' and redis.pcall('HDEL', queue.root, 'settings') or redis.pcall('HSET', queue.root, 'settings', text)
  if type(done) ~= 'table' then
    setmetatable(queue, settings_of(text))
    -- What was asked for, since they did not say it, may be told by them now.
    if queue.stored.options then queue.options = nil end
  end
  return done
end

-- What a root is in its queue, once it was seen to be named as it must be: the number of its partition, or '' for the root of the queue.
local ROOTS = { kept = {}, count = 0, most = 10000 }

-- That of the root of a call; or nil and a refusal.
local function read_root(keys)
  local root = keys[1]
  local partition = ROOTS.kept[root]
  if partition and #keys == 1 then return partition end
  local refusal = bad_root(keys)
  if refusal then return nil, refusal end
  return remember(ROOTS, root, string.match(root, ':(%d+)}$') or '')
end

-- Whether this is no node of a cluster, once that is known: then no slot moves away.
local SERVER = { alone = nil }

-- Finds it out. Who may not ask goes on without, at the cost of a command in each call, as where the command is called otherwise, which raises.
-- WHY not by asking for keys of two slots, which a node of a cluster refuses: on Valkey 9.1 the next command of the call is refused then as well.
local function is_alone()
  local known, allowed = pcall(redis.acl_check_cmd, 'INFO', 'cluster')
  return known and allowed and string.find(redis.call('INFO', 'cluster'), 'cluster_enabled:0') ~= nil
end

-- The fields of the root that a call needs, and the partition; or nil and a refusal.
local function read_fields(keys, ...)
  local partition, refusal = read_root(keys)
  if refusal then return nil, refusal end
  local fields = redis.pcall('HMGET', keys[1], 'settings', 'watchAt', ...)
  if fields.err then return nil, wrong_type(fields, 'hash', keys[1]) end
  return fields, partition
end

local function queue_of(root, partition, fields, kept)
  return setmetatable({ root = root, partition = partition, fields = fields, kept = kept, now = false }, settings_of(fields[1] or ''))
end

-- The queue of a call, or nil and a refusal. Behind the keys stand the fields of the root that the call needs besides its settings and `watchAt`. Besides the
-- settings a queue has
--   root, partition   its key, and the number of its partition or ''
--   fields            what was read: the settings, `watchAt`, and what was asked for
--   kept              what is kept of the last call of this caller: lib/nonce.lua
--   serves, generation   'open' or 'retired', and since which change of the partitions; a queue without partitions has neither
-- and what calls put in: `now`, the time; how much they have `read` already, and `sought`; what is to be `told` of what they did (lib/events.lua).
local function read_queue(keys, ...)
  local fields, partition = read_fields(keys, ...)
  if not fields then return nil, partition end
  local root = keys[1]
  if not SERVER.alone then
    local found = redis.pcall('EXISTS', root .. ':', root .. '::')
    if type(found) == 'table' then return nil, moving_away(root, found) end
    -- A script would have to find it out each time.
    if REMEMBERS and SERVER.alone == nil then SERVER.alone = is_alone() end
  end
  return queue_of(root, partition, fields)
end

-- The same for a call that may be repeated: what is kept of the last call with the name of this nonce is read along.
local function read_queue_for(keys, nonce, ...)
  if not nonce then return read_queue(keys, ...) end
  local fields, partition = read_fields(keys, ...)
  if not fields then return nil, partition end
  local root = keys[1]
  local found
  if SERVER.alone then
    found = redis.pcall('MGET', calls_key(root, nonce.name))
  else
    found = redis.pcall('MGET', calls_key(root, nonce.name), root .. ':', root .. '::')
  end
  if found.err then return nil, moving_away(root, found) end
  return queue_of(root, partition, fields, found[1])
end

-- What a root is among the partitions: 'open' or 'retired', or 'unused' when it is that of a partition which was never opened.
local function state_of(queue) return queue.serves or queue.partition ~= '' and 'unused' or 'open' end

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
