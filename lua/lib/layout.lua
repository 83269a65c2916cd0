--- Partitions: what a root knows of them.

-- A layout: its state, which partitions serve, which others are being prepared or drained, and the number of the change that made those serve.
-- Each root knows one: the root of the queue that which holds now, a partition that by which it was opened or retired. It is stored as
-- '<state>:<generation>:<partitions>:<first>:<other>:<otherFirst>'.
local function layout_of(state, partitions, first, other, other_first, generation)
  return { state = state, partitions = partitions, first = first, other = other, otherFirst = other_first, generation = generation }
end

local function encode_layout(known)
  return string.format(
    '%s:%d:%d:%d:%d:%d', known.state, known.generation, known.partitions, known.first, known.other, known.otherFirst
  )
end

local function read_layout(root)
  local text = redis.call('HGET', root, 'layout') or ''
  local state, generation, partitions, first, other, other_first = string.match(text, '^(%a+):(%d+):(%d+):(%d+):(%d+):(%d+)$')
  if not state then return layout_of('steady', 0, 0, 0, 0, 0) end
  return layout_of(state, tonumber(partitions), tonumber(first), tonumber(other), tonumber(other_first), tonumber(generation))
end

-- As it is told to callers.
local function layout_reply(known)
  return { known.state, known.partitions, known.first, known.other, known.otherFirst, known.generation }
end

-- The value of LAYOUT, '<partitions>:<first>:<other>:<otherFirst>', as a layout of that generation. Whether the others are drained is not
-- known to who tells it: to take them for being drained does no harm. Returns nil and a refusal when it cannot be read.
local function told_layout(text, generation)
  local partitions, first, other, other_first = string.match(text, '^(%d+):(%d+):(%d+):(%d+)$')
  partitions, first = integer(partitions, 1, LIMITS.partitions), integer(first, 0, LIMITS.number)
  other, other_first = integer(other, 0, LIMITS.partitions), integer(other_first, 0, LIMITS.number)
  if not (partitions and first and other and other_first) then
    return nil, fail('BAD_ARGUMENT', 'LAYOUT must be <partitions>:<first>:<other>:<otherFirst>, got ' .. shown(text))
  end
  return layout_of('draining', partitions, first, other, other_first, generation)
end

-- Conversations that have messages in a root.
local function count_keys(root)
  return (read_unless_foreign('ZCARD', due_key(root)) or 0) + (read_unless_foreign('ZCARD', active_key(root)) or 0)
end
