--- What can be seen of a part of a queue at one moment: what the laws (lib/laws.lua) judge. A part is a key in Redis, without the root and its
--- colon; `messages:<key>` stands for all that is kept about a conversation, `dead:<batch id>` for all about a dead batch.

-- What the first messages of a list say: how many are `unreadable`, carry `options` or lie `ahead` of the time; the `latest` time in `due` that one
-- of them allows, and the longest `wait`.
local function look_at_messages(list, seen, longest, largest, spent)
  local at, most = 0, math.min(seen.size, POLICY.MAXSIZE.most)
  seen.latest, seen.wait = seen.last + longest, longest
  while at < most and spent.bytes < LIMITS.checkBytes do
    local step = math.max(1, math.min(20, math.floor((LIMITS.checkBytes - spent.bytes) / largest)))
    local messages = redis.call('LRANGE', list, count_text(at), count_text(math.min(at + step, most) - 1))
    for n = 1, #messages do
      local message, wait = messages[n], longest
      local received, readable, options = header_of(message)
      if options then
        seen.options = seen.options + 1
        wait = option_of(options, 'W', POLICY.WAIT.most) or longest
        seen.wait = math.max(seen.wait, wait)
      end
      if not readable then seen.unreadable = seen.unreadable + 1 end
      if received > seen.now + CLOCK_STEP then seen.ahead = seen.ahead + 1 end
      if received + wait > seen.latest then seen.latest = received + wait end
      spent.bytes = spent.bytes + #message
    end
    at = at + #messages
  end
  spent.looks = spent.looks + at
  -- An option that was not read may allow more.
  if at < most then seen.latest, seen.wait = nil, nil end
end

-- Times in ms; nil where nothing stands.
local function look_at_key(queue, key, seen, spent)
  local root, list = queue.root, messages_key(queue.root, key)
  seen.key, seen.now = key, queue.now
  seen.size, seen.unreadable, seen.options, seen.ahead = 0, 0, 0, 0
  if seen.type == 'list' then
    seen.size = redis.call('LLEN', list)
    seen.since, seen.last = received_at(redis.call('LINDEX', list, 0)), received_at(redis.call('LINDEX', list, -1))
    look_at_messages(list, seen, queue.longest, queue.largest, spent)
  end
  seen.due = tonumber(read_unless_foreign('ZSCORE', due_key(root), key))
  seen.active = tonumber(read_unless_foreign('ZSCORE', active_key(root), key))
  seen.record = read_unless_foreign('HGET', claims_key(root), key)
  seen.claim = decode_claim(seen.record)
  local id = seen.claim and seen.claim.id
  seen.dead = id and (read_unless_foreign('ZSCORE', dead_key(root), id) or redis.call('TYPE', dead_key(root, id)).ok == 'hash')
  seen.listed = any_options(queue) and read_unless_foreign('SISMEMBER', overrides_key(root), key) == 1
end

local function look_at_dead(root, id, seen, spent)
  local name = dead_key(root, id)
  local positions = dead_positions(name) or {}
  spent.looks = spent.looks + #positions
  seen.key, seen.since = read_unless_foreign('HGET', name, 'key'), tonumber(read_unless_foreign('ZSCORE', dead_key(root), id))
  seen.count, seen.messages, seen.gapless = read_unless_foreign('HGET', name, 'count'), #positions, 0
  while positions[seen.gapless + 1] == seen.gapless + 1 do seen.gapless = seen.gapless + 1 end
end

-- Of a batch in the archive whether it is in the index; nil of anything else.
local function is_archived(root, part, kind)
  local id = kind == 'hash' and string.match(part, '^archive:(.+)$')
  if id then return read_unless_foreign('ZSCORE', name_of(root, 'archived'), id) and true or false end
end

-- What is seen of a part; `spent` counts what the call has read.
local function look_at(queue, part, spent)
  spent.looks = spent.looks + LIMITS.partLooks
  local what, of = named_part(part)
  local name = part_key(queue.root, part)
  local seen = { what = what, part = part, type = redis.call('TYPE', name).ok, expires = redis.call('PTTL', name) >= 0 }
  if what == 'messages' then look_at_key(queue, of, seen, spent) end
  if what == 'dead' then look_at_dead(queue.root, of, seen, spent) end
  if what == 'other' then seen.archived = is_archived(queue.root, part, seen.type) end
  return seen
end

-- What is seen of the root: the counters, and the messages that are `held` in lists and `buried` in dead batches, unless there are too many
-- keys to be counted at one moment.
local function look_at_root(root)
  local seen = { what = 'root', expires = redis.call('PTTL', root) >= 0 }
  local counters = redis.call('HMGET', root, 'added', 'completedMessages', 'deadMessages', 'droppedMessages')
  for n = 1, #counters do counters[n] = tonumber(counters[n]) or 0 end
  seen.added, seen.completed, seen.dead, seen.dropped = unpack(counters)
  seen.held, seen.buried = count_messages(root)
  seen.messages = seen.held and seen.held + seen.buried or -1
  return seen
end
