--- When a batch closes: which messages of a list are its first batch, when that is due, and what closes it.

-- So far in the future is no cause for alarm, ms: clocks are put right in small steps.
local CLOCK_STEP = 1000

-- Finds where a batch ends whose messages may have options, and by what it goes.
-- WHY the last message decides how long to wait, and no other: options hold until the next message of the key.
local function close_by_options(head, list, policy)
  local messages, n = head.messages, 1
  while messages[n] do
    local options = options_of(messages[n]) or ''
    local size = option_of(options, 'S', POLICY.MAXSIZE.most) or policy.maxSize
    if n > size then
      -- This message found more in the batch than it allows: it opens the next one.
      head.closer = n
      break
    end
    head.count = n
    head.wait = option_of(options, 'W', POLICY.WAIT.most) or policy.wait
    head.maxWait = option_of(options, 'X', POLICY.MAXWAIT.most) or policy.maxWait
    local flush = has_flush(options)
    if n == size or flush then
      head.closer, head.reason = n, flush and 'flush' or 'size'
      break
    end
    -- It allows more than was read. Twice as much each time: a thousand large messages are read only for those who ask for them.
    if n >= policy.maxSize and n == #messages then
      messages = redis.call('LRANGE', list, 0, 2 * n - 1)
      head.messages = messages
    end
    n = n + 1
  end
end

-- The batch at the head of a list: { messages, count, deadline, reason }; more messages may have been read than the batch has.
-- Nil when the list is empty, and what Redis replied. `with_options`: a message of the key may have options.
local function head_of(list, policy, with_options)
  local messages = redis.pcall('LRANGE', list, '0', policy.last)
  local count = #messages
  -- A key of another type counts as empty (an error has no elements): one foreign key must not stop the queue.
  if count == 0 then return nil, messages end
  -- `closer` is the message that closes it before its time.
  local head = { messages = messages, count = count, wait = policy.wait, maxWait = policy.maxWait, closer = nil, reason = 'size', deadline = nil }
  if with_options then
    close_by_options(head, list, policy)
    messages, count = head.messages, head.count
  elseif count == policy.maxSize then
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
