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

-- Finds where a batch ends whose messages may have options, and by what it goes.
-- WHY the last message decides how long to wait, and no other: options hold until the next message of the key.
local function close_by_options(queue, list, head)
  local messages, n = head.messages, 1
  while messages[n] do
    local options = options_of(messages[n]) or ''
    local size = option_of(options, 'S', POLICY.MAXSIZE.most) or queue.maxSize
    if n > size then
      -- This message found more in the batch than it allows: it opens the next one.
      head.closer = n
      break
    end
    head.count = n
    head.wait = option_of(options, 'W', POLICY.WAIT.most) or queue.wait
    head.maxWait = option_of(options, 'X', POLICY.MAXWAIT.most) or queue.maxWait
    local flush = has_flush(options)
    if n == size or flush then
      head.closer, head.reason = n, flush and 'flush' or 'size'
      break
    end
    -- It allows more than was read. Twice as much each time: a thousand large messages are read only for those who ask for them.
    if n >= queue.maxSize and n == #messages then
      messages = redis.call('LRANGE', list, 0, 2 * n - 1)
      head.messages = messages
    end
    n = n + 1
  end
end

-- The first batch of a key: { messages, count, deadline, reason }; more messages may have been read than the batch has.
-- Nil when it has no messages, and what Redis replied. `with_options`: a message of the key may have options.
local function head_of(queue, key, with_options)
  local list = messages_key(queue.root, key)
  local messages = redis.pcall('LRANGE', list, '0', queue.last)
  local count = #messages
  -- A key of another type counts as empty (an error has no elements): one foreign key must not stop the queue.
  if count == 0 then return nil, messages end
  -- `closer` is the message that closes it before its time.
  local head = { messages = messages, count = count, wait = queue.wait, maxWait = queue.maxWait, closer = nil, reason = 'size', deadline = nil }
  if with_options then
    close_by_options(queue, list, head)
    messages, count = head.messages, head.count
  elseif count == queue.maxSize then
    head.closer = count
  end
  local closer, closed = head.closer, nil
  local last = received_at(messages[count])
  if closer then closed = closer == count and last or received_at(messages[closer]) end
  local deadline, reason = last + head.wait, 'wait'
  if closed and closed < deadline then deadline, reason = closed, head.reason end
  local latest = received_at(messages[1]) + head.maxWait
  if deadline > latest then deadline, reason = latest, 'maxWait' end
  -- 0 would say that nothing is due, ever.
  if deadline < 1 then deadline = 1 end
  head.deadline, head.reason = deadline, reason
  return head
end

-- The clock of Redis may go back: then messages lie in the future, and how long ago they came, nobody knows.
local function is_from_future(message, now) return received_at(message) > now + CLOCK_STEP end

-- When a batch is due: at its deadline, or at once when its last message lies in the future.
local function due_at(head, now)
  if head.deadline > now and is_from_future(head.messages[head.count], now) then return now end
  return head.deadline
end
