--- Events: what has happened to conversations and their messages, for whoever asks later. While the policy keeps any (`events`), a call that changes
--- something writes an entry into the stream `root:events`, which loses its oldest ones. It has names, ids and counts, and nothing that anybody has written.
---
--- The fields of an entry, in turn: `event` and its name, and then for each conversation to which that has happened `key` and what is said of it. What a call
--- does is noted where it is done, and written at its end.
--
-- WHY behind all else, and whatever becomes of it: what was done must not fail for want of a note of it. A user of Redis who may not write it, or a key
-- of another type, costs the entry and nothing else. So the rights to these commands are not among those that a call needs.

-- Writes what was noted. When no more is to be kept, deletes what was.
local function write_events(queue)
  local told, name = queue.told, name_of(queue.root, 'events')
  queue.told = nil
  if told then
    redis.pcall('XADD', name, 'MAXLEN', '~', count_text(queue.events), 'LIMIT', count_text(LIMITS.trimmed), '*', unpack(told))
  elseif queue.events == 0 and redis.pcall('TYPE', name).ok == 'stream' then
    redis.pcall('UNLINK', name)
  end
end

-- Notes what has happened to a conversation, or, without a key, to one that is not to be named. Behind that stand fields and values; or 'id' and a message
-- to which it has happened, and what follows on another one of the same key, or on the same batch, does not name those again.
-- WHY an entry may end in the middle of a call: whoever reads gets some at a time, and each must be small.
local function note_event(queue, event, key, field, value, ...)
  if queue.events == 0 then return end
  local told, _ = queue.told, nil
  if field == 'id' then
    _, value = parts_of(value, true)
    if told and told.event == event and told.key == key then
      local length = #told
      told[length + 1], told[length + 2] = field, value
      return
    end
  end
  if told and #told > LIMITS.eventFields then write_events(queue) end
  told = queue.told or { event = nil, key = nil }
  local length = #told
  if told.event ~= event then told[length + 1], told[length + 2], length = 'event', event, length + 2 end
  if key then told[length + 1], told[length + 2], length = 'key', key, length + 2 end
  told[length + 1], told[length + 2] = field, value
  for n = 1, select('#', ...) do told[length + 2 + n] = select(n, ...) end
  told.event, told.key, queue.told = event, key, told
end
