--- When a batch closes: which messages of a list are its first batch, when that is due, and what closes it.

-- So far in the future is no cause for alarm, ms: clocks are put right in small steps.
local CLOCK_STEP = 1000

-- Whether any key of the queue has messages with options. Most queues have none: their settings say so, and nothing has to be asked. Where they do not say,
-- as in a root that was lost, the keys are counted; where a key of another type hides them, each message is looked at.
local function any_options(queue)
  if queue.options == nil then queue.options = read_unless_foreign('SCARD', overrides_key(queue.root)) ~= 0 end
  return queue.options
end

local function has_options(queue, key)
  return any_options(queue) and read_unless_foreign('SISMEMBER', overrides_key(queue.root), key) ~= 0
end

-- When a batch is due, and what closes it: `wait` after its last message, or `maxWait` after its `first`, or before, when a message that was received
-- at `closed` has closed it, as `closed_by` says.
local function deadline_of(first, last, wait, maxWait, closed, closed_by)
  local deadline, reason = received_at(last) + wait, 'wait'
  if closed and closed < deadline then deadline, reason = closed, closed_by end
  local latest = received_at(first) + maxWait
  if deadline > latest then deadline, reason = latest, 'maxWait' end
  -- 0 would say that nothing is due, ever.
  if deadline < 1 then deadline = 1 end
  return deadline, reason
end

-- The same for `count` messages without options, which close when there are maxSize of them.
local function plain_deadline(queue, count, first, last)
  return deadline_of(first, last, queue.wait, queue.maxWait, count == queue.maxSize and received_at(last), 'size')
end

-- A list is read a few messages at a time: no more than fit into a batch of the largest size, if each is as large as the largest of the queue. So at
-- most a little more than that is read of a key, whatever lies there. Of most keys, which have few and small messages, all is read at once.
local FIRST, NEXT = 10, 250

-- Reads the first messages of a list, at most `step`. Returns them, or what Redis replied, and whether all that were asked for are there.
local function read_first(queue, list, step)
  local fit = POLICY.MAXBATCHBYTES.most / queue.largest
  if step > fit then step = math.ceil(fit) end
  local messages = redis.pcall('LRANGE', list, '0', count_text(step - 1))
  return messages, #messages == step
end

-- Reads on in the list of a head, at most up to message number `most`. Whether there may be more.
local function read_on(queue, head, most)
  local messages, bytes = head.messages, head.bytes
  local read = #messages
  local fit = math.ceil((POLICY.MAXBATCHBYTES.most - bytes) / queue.largest)
  local upto = math.min(read + math.max(1, math.min(NEXT, fit)), most)
  local more = redis.call('LRANGE', head.list, count_text(read), count_text(upto - 1))
  for n = 1, #more do
    messages[read + n] = more[n]
    bytes = bytes + #more[n]
  end
  head.bytes = bytes
  return #messages == upto and upto < most
end

-- The first batch of a key whose messages may have options, which must be read for it: `parsed` so many.
-- WHY the last message decides how long to wait, and no other: options hold until the next message of the key.
local function head_by_options(queue, list)
  local messages, more = read_first(queue, list, math.min(queue.maxSize, NEXT))
  if not messages[1] then return nil, messages end
  local head = { list = list, messages = messages, bytes = bytes_of(messages), count = nil, parsed = nil, last = nil, deadline = nil, reason = nil }
  local n, bytes, closed, closed_by, size, flush, parsed = 1, 0, nil, 'size', nil, nil, nil
  while messages[n] do
    local message = messages[n]
    local options = options_of(message) or ''
    -- Messages that follow each other mostly have the same ones, or none.
    if options ~= parsed then
      parsed = options
      size = option_of(options, 'S', POLICY.MAXSIZE.most) or queue.maxSize
      flush = has_flush(options)
    end
    bytes = bytes + #message
    if n > size then
      -- This message found more in the batch than it allows: it opens the next one.
      closed = received_at(message)
      break
    end
    -- So does one that does not fit into it.
    if n > 1 and bytes > queue.maxBatchBytes then
      closed_by = 'bytes'
      break
    end
    head.count = n
    if n == size or flush then
      closed, closed_by = received_at(message), flush and 'flush' or 'size'
      break
    end
    if more and n == #messages then more = read_on(queue, head, POLICY.MAXSIZE.most) end
    n = n + 1
  end
  head.parsed = n
  head.last = messages[head.count]
  -- WHY a batch is not ready when it is full by bytes: whoever adds a message does not know how many are there. So the deadline is that of all messages,
  -- as for keys without options, and the last of them tells it.
  if closed_by == 'bytes' then
    local window = math.min(redis.call('LLEN', list), queue.maxSize)
    head.last = redis.call('LINDEX', list, count_text(window - 1))
    local options = options_of(head.last) or ''
    local is_closed = has_flush(options) or window >= (option_of(options, 'S', POLICY.MAXSIZE.most) or queue.maxSize)
    closed = is_closed and received_at(head.last)
  end
  local last = options_of(head.last) or ''
  local wait, maxWait = option_of(last, 'W', POLICY.WAIT.most) or queue.wait, option_of(last, 'X', POLICY.MAXWAIT.most) or queue.maxWait
  head.deadline, head.reason = deadline_of(messages[1], head.last, wait, maxWait, closed, closed_by)
  if closed_by == 'bytes' then head.reason = 'bytes' end
  return head
end

-- What the options of a message cost to be read, in bytes.
local OPTIONS_READ = 2048

-- When the first batch of a key is due, as far as that is told without reading its list: { count, last, deadline, reason }; nil when it has no messages,
-- and what Redis replied. `with_options`: a message of the key may have options.
local function window_of(queue, key, with_options)
  local list = messages_key(queue.root, key)
  local head, reply
  if with_options then
    head, reply = head_by_options(queue, list)
    if not head then return nil, reply end
  else
    local size = redis.pcall('LLEN', list)
    -- A key of another type counts as empty: one foreign key must not stop the queue.
    if size == 0 or type(size) == 'table' then return nil, size ~= 0 and size or {} end
    local count = math.min(size, queue.maxSize)
    local first = redis.call('LINDEX', list, '0')
    local last = count > 1 and redis.call('LINDEX', list, count_text(count - 1)) or first
    head = { count = count, last = last, bytes = #first + #last, deadline = nil, reason = nil }
    head.deadline, head.reason = plain_deadline(queue, count, first, last)
  end
  queue.read = (queue.read or 0) + head.bytes + (with_options and OPTIONS_READ * #head.messages or 0)
  return head
end

-- The same for a claim, with the `list`, the `messages` that were read of it, and their `bytes`.
-- WHY it begins with messages: most keys that are looked at are due, and have few. Only of more than are read at once the last one is asked for.
local function head_of(queue, key, with_options)
  local list = messages_key(queue.root, key)
  if with_options then return head_by_options(queue, list) end
  local messages, more = read_first(queue, list, math.min(queue.maxSize, FIRST))
  local first, count = messages[1], #messages
  if not first then return nil, messages end
  local last = messages[count]
  if more and count < queue.maxSize then
    local read = count
    count = math.min(redis.call('LLEN', list), queue.maxSize)
    if count > read then last = redis.call('LINDEX', list, count_text(count - 1)) end
  end
  local deadline, reason = plain_deadline(queue, count, first, last)
  return { list = list, messages = messages, bytes = bytes_of(messages), count = count, last = last, deadline = deadline, reason = reason }
end

-- Begins to read the batch of a claim, which has `count` messages, as a head; nil when there are none, and what Redis replied. read_rest reads on.
local function claimed_head(queue, key, count)
  local list = messages_key(queue.root, key)
  local messages = read_first(queue, list, math.min(count, NEXT))
  if not messages[1] then return nil, messages end
  return { list = list, messages = messages, bytes = bytes_of(messages), count = count }
end

local function read_rest(queue, head)
  local more = #head.messages < head.count
  while more do more = read_on(queue, head, head.count) end
  return head.messages
end

-- Reads the messages of a batch that is due, and no more than fit into one: the others are the next one.
local function read_batch(queue, head)
  local messages, most = head.messages, queue.maxBatchBytes
  while #messages < head.count and head.bytes <= most do read_on(queue, head, head.count) end
  if head.bytes > most then
    local count, bytes = 1, #messages[1]
    while count < head.count do
      -- Behind a first message that exceeds it alone none was read.
      bytes = bytes + #(messages[count + 1] or '')
      if bytes > most then
        head.count, head.reason = count, 'bytes'
        break
      end
      count = count + 1
    end
  end
  for extra = #messages, head.count + 1, -1 do messages[extra] = nil end
  return messages
end

-- The clock of Redis may go back: then messages lie in the future, and how long ago they came, nobody knows.
local function is_from_future(message, now) return received_at(message) > now + CLOCK_STEP end

-- When a batch is due: at its deadline, or at once when its last message lies in the future.
local function due_at(head, now)
  if head.deadline > now and is_from_future(head.last, now) then return now end
  return head.deadline
end

-- The score in `due` of a key that enters there now.
-- WHY never a time that has passed: of a key that is flooded the rest would come before all others again and again, since its deadline is old.
-- So it stands behind whoever is due already, and everybody takes turns.
local function enters_at(head, now) return math.max(due_at(head, now), now) end
