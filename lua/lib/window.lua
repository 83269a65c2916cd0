--- When a batch closes: which messages of a list are its first batch, when that is due, and what closes it.

-- So far in the future is no cause for alarm, ms: clocks are put right in small steps.
local CLOCK_STEP = 1000

-- Whether any key of the queue has messages with options: asked once a call, since most queues have none.
local function any_options(queue)
  if queue.any_options == nil then queue.any_options = redis.call('SCARD', overrides_key(queue.root)) > 0 end
  return queue.any_options
end

local function has_options(queue, key)
  return any_options(queue) and redis.call('SISMEMBER', overrides_key(queue.root), key) == 1
end

-- What the options of its messages make of a batch that begins with `messages`: how many it has, `wait` and `maxWait`, the position of the
-- message that closes it (nil while none does) and how it does, and the messages, of which more may have been read.
-- WHY the last message decides how long to wait, and no other: options hold until the next message of the key.
local function apply_options(queue, list, messages)
  local made, n = { messages = messages, count = 0, wait = 0, maxWait = 0, closer = nil, closed_by = 'size' }, 1
  while messages[n] do
    local options = options_of(messages[n]) or ''
    local size = option_of(options, 'S', POLICY.MAXSIZE.most) or queue.maxSize
    if n > size then
      -- This message found more in the batch than it allows: it opens the next one.
      made.closer = n
      break
    end
    made.count = n
    made.wait = option_of(options, 'W', POLICY.WAIT.most) or queue.wait
    made.maxWait = option_of(options, 'X', POLICY.MAXWAIT.most) or queue.maxWait
    local flush = has_flush(options)
    if n == size or flush then
      made.closer, made.closed_by = n, flush and 'flush' or 'size'
      break
    end
    -- It allows more than was read. Twice as much each time: a thousand large messages are read only for those who ask for them.
    if n >= queue.maxSize and n == #messages then
      messages = redis.call('LRANGE', list, 0, 2 * n - 1)
      made.messages = messages
    end
    n = n + 1
  end
  return made
end

-- The first batch of a key: { messages, count, deadline, reason }; more messages may have been read than the batch has. Nil when the key has
-- none, and what Redis replied. `with_options`: a message of the key may have options.
local function head_of(queue, key, with_options)
  local list = messages_key(queue.root, key)
  local messages = redis.pcall('LRANGE', list, '0', queue.last)
  local count = #messages
  -- A key of another type counts as empty (an error has no elements): one foreign key must not stop the queue.
  if count == 0 then return nil, messages end
  local wait, maxWait, closer, closed_by = queue.wait, queue.maxWait, count == queue.maxSize and count, 'size'
  if with_options then
    local made = apply_options(queue, list, messages)
    messages, count, wait, maxWait, closer, closed_by = made.messages, made.count, made.wait, made.maxWait, made.closer, made.closed_by
  end
  local last = received_at(messages[count])
  local closed = closer and (closer == count and last or received_at(messages[closer]))
  local deadline, reason = last + wait, 'wait'
  if closed and closed < deadline then deadline, reason = closed, closed_by end
  local latest = received_at(messages[1]) + maxWait
  if deadline > latest then deadline, reason = latest, 'maxWait' end
  -- 0 would say that nothing is due, ever.
  if deadline < 1 then deadline = 1 end
  return { messages = messages, count = count, deadline = deadline, reason = reason }
end

-- The clock of Redis may go back: then messages lie in the future, and how long ago they came, nobody knows.
local function is_from_future(message, now) return received_at(message) > now + CLOCK_STEP end

-- When a batch is due: at its deadline, or at once when its last message lies in the future.
local function due_at(head, now)
  if head.deadline > now and is_from_future(head.messages[head.count], now) then return now end
  return head.deadline
end

-- The score in `due` of a key that enters there now.
-- WHY never a time that has passed: of a key that is flooded the rest would come before all others again and again, since its deadline is old.
-- So it stands behind whoever is due already, and everybody takes turns.
local function enters_at(head, now) return math.max(due_at(head, now), now) end
