--- Every name of a key in Redis (lua/README.md has the table). Nothing else builds one.

-- Names that were built, by root: each call would build them several times. At most of ten thousand roots.
local NAMES = { kept = {}, count = 0, most = 10000 }

local function name_of(root, part)
  local names = NAMES.kept[root] or remember(NAMES, root, {})
  local name = names[part]
  if not name then
    name = root .. ':' .. part
    names[part] = name
  end
  return name
end

local function messages_key(root, key) return root .. ':messages:' .. key end
local function due_key(root) return name_of(root, 'due') end
local function active_key(root) return name_of(root, 'active') end
local function claims_key(root) return name_of(root, 'claims') end
local function overrides_key(root) return name_of(root, 'overrides') end
local function seen_key(root, slice) return root .. ':seen:' .. slice end
local function stream_key(root, name) return root .. ':stream:' .. name end
-- All streams that were ever written to.
local function streams_key(root) return root .. ':streams' end
-- Of a conversation, in the webhook: 'line', who waits, or 'key', how many requests there were.
local function rate_key(root, what, key) return root .. ':rate:' .. what .. ':' .. key end
local function calls_key(root, name) return root .. ':calls:' .. name end
-- 'standby' or 'present': sets of workers.
local function watch_key(root, name) return root .. ':watch:' .. name end
local function dead_key(root, id) return id and root .. ':dead:' .. id or name_of(root, 'dead') end

-- A channel, not a key, of a worker, or of all: those of the root of the queue, also for what a partition says. So a worker hears all by its own.
local function wake_channel(root, worker)
  return string.gsub(root, ':%d+}$', '}') .. ':wake' .. (worker and ':' .. worker or '')
end

-- The name without the root is a part. Those of a conversation and of a dead batch tell whose they are.
local function part_key(root, part) return root .. ':' .. part end

local function named_part(part)
  local what, of = string.match(part, '^(%a+):(.+)$')
  if what == 'messages' or what == 'dead' then return what, of end
  return 'other'
end

-- Refuses all but one root with a hash tag. Without the tag the parts of a queue would lie on different nodes of a cluster.
local function bad_root(keys)
  if #keys ~= 1 then
    return fail('BAD_ROOT', 'expected 1 key, the root of the queue, such as rapid-fire:{orders}; got ' .. #keys)
  end
  if not string.find(keys[1], 'rapid%-fire:{[^{}%s]+}$') then
    return fail('BAD_ROOT', 'expected a root such as rapid-fire:{orders}; got ' .. shown(keys[1]))
  end
end

local function bad_key(key)
  if not key then return fail('MISSING_ARGUMENT', 'expected the key of a conversation') end
  if #key < 1 or #key > LIMITS.key then return fail('BAD_KEY', 'a key must have 1 to ' .. LIMITS.key .. ' bytes, got ' .. #key) end
end
