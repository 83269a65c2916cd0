--- Who looks next. Of all idle workers one, the watcher, has promised to look at `watchAt`; the others stand by, each by its name and until it looks
--- by itself, the more seldom the more there are. So a batch that becomes ready wakes one worker, however many there are, and nobody polls for
--- deadlines. A watcher that has no slot left, or goes, is followed by one of those that stand by.

local function bad_worker(worker)
  if not worker then return fail('MISSING_ARGUMENT', 'expected the name of a worker') end
  if #worker < 1 or #worker > OPTIONS.worker.bytes then
    return fail('BAD_ARGUMENT', 'the name of a worker must have 1 to ' .. OPTIONS.worker.bytes .. ' bytes, got ' .. #worker)
  end
end

-- When the watcher is to look; 0: nobody has promised to.
local function watch_at(queue)
  if not queue.watchAt then queue.watchAt = queue.fields[2] and bounded(queue.fields[2], 0, LAST) or 0 end
  return queue.watchAt
end

-- Who that is. Calls that claim have read it along; others rarely need to know.
local function watcher_of(queue)
  if not queue.watcher then
    local watcher = queue.fields[7]
    if watcher == nil then watcher = redis.pcall('HMGET', queue.root, 'watcher')[1] end
    queue.watcher = watcher or ''
  end
  return queue.watcher
end

-- When the last look was, of a call that claims and has asked for it.
local function looked_before(queue)
  if not queue.looked then queue.looked = queue.fields[3] and bounded(queue.fields[3], 0, LAST) or 0 end
  return queue.looked
end

-- The time of this look, for `looked` in the root: it tells the next one whether the clock has gone back since. It stays in the future until all
-- is lowered that lies ahead; see lib/recover.lua.
local function looked_at(queue) return looked_before(queue) > queue.now + CLOCK_STEP and queue.looked or queue.now end

-- Sends to a worker, or to all when none is named, what it is to do in this root: 'echo', or when to look. Whether anybody has heard it, as far as
-- Redis knows: a worker whose name begins with ~ hears by way of another node of a cluster, and is not counted. A user of Redis who may not publish
-- goes without: an error here would hide what the call has written.
local function send(queue, worker, what)
  local partition = queue.partition
  local heard = redis.pcall('PUBLISH', wake_channel(queue.root, worker), partition ~= '' and what .. ' ' .. partition or what)
  return heard ~= 0 or worker ~= nil and string.sub(worker, 1, 1) == '~'
end

-- Whether `worker` is the one that is named, or, with a name that ends in a slash, one of those of that process.
local function is_named(worker, name)
  return worker == name or string.sub(name, -1) == '/' and string.sub(worker .. '/', 1, #name) == name
end

-- Makes a worker that stands by the watcher: the one that means to look last, which has said so last as a rule and is the likeliest to be there.
-- It is to look at `at`, or when it meant to look anyway. One that does not hear, or is named as gone, is gone, and the next one is taken. Whether
-- there is one.
local function appoint(queue, at, gone)
  for _ = 1, LIMITS.appointed do
    local last = redis.pcall('ZPOPMAX', watch_key(queue.root, 'standby'))
    local worker, latest = last[1], tonumber(last[2])
    if not worker or latest <= queue.now then break end
    if not gone or not is_named(worker, gone) then
      queue.watcher, queue.watchAt = worker, math.min(at or latest, latest)
      redis.pcall('HSET', queue.root, 'watcher', worker, 'watchAt', digits(queue.watchAt))
      if send(queue, worker, digits(queue.watchAt)) then return true end
    end
  end
  queue.watchAt = 0
  redis.pcall('HSET', queue.root, 'watchAt', 0)
  return false
end

-- Tells the watcher of something that is due before it means to look; `at` may be nil: nothing is. A promise that has passed is being kept
-- just now, unless it has passed for long: then whoever is found that stands by looks at once. 0 is no promise.
local function wake_watcher(queue, at)
  local promised = at and watch_at(queue) or 0
  if promised == 0 then return end
  if promised + LIMITS.missed <= queue.now then
    appoint(queue, queue.now)
  elseif promised > queue.now and at < promised then
    queue.watchAt = at
    redis.pcall('HSET', queue.root, 'watchAt', digits(at))
    if not send(queue, watcher_of(queue), digits(at)) then appoint(queue, at) end
  end
end

-- Notes a worker until `latest` in a set of workers: that it is there, or that it stands by and looks by itself then. What is too much is dropped.
-- Nobody in it is noted for later than `ends`. Nobody needs it: what is refused here must not hide what a claim has taken. Whether it is new there.
local function note_worker(workers, worker, latest, ends)
  local added = redis.pcall('ZADD', workers, digits(latest), worker)
  -- What somebody else has put there is not ours to end.
  if type(added) == 'table' then return end
  if added == 1 then redis.pcall('ZREMRANGEBYRANK', workers, '0', count_text(-1 - LIMITS.standbys)) end
  redis.pcall('PEXPIREAT', workers, digits(ends + 1000))
  return added == 1
end

-- Ends the watch of a worker that has no slot left, or says to the watcher what it leaves behind; `next_at` is when the next batch is due.
local function leave_watch(queue, worker, next_at)
  redis.pcall('ZREM', watch_key(queue.root, 'standby'), worker)
  -- Somebody who has slots must look instead.
  if watcher_of(queue) == worker or watch_at(queue) <= queue.now then
    appoint(queue, next_at)
  else
    wake_watcher(queue, next_at)
  end
end

-- When a worker that stands by looks by itself. It misses a watcher that was killed, and for that some of all who stand by are enough. However long
-- it would rest, as one does whose process has many roots to look at, what the watcher has left must not wait for longer.
local function standby_until(queue, standby, rest)
  local count = redis.pcall('ZCARD', standby)
  local many = type(count) == 'number' and math.floor(count * rest / LIMITS.standbyLooks) or 0
  return queue.now + math.min(math.max(rest, many), LIMITS.longestStandby)
end

-- Makes an idle worker the watcher, or lets it stand by for the one that there is. Returns when it looks next: as the watcher at most `rest` ms from now.
local function keep_watch(queue, worker, next_at, rest)
  local standby, latest = watch_key(queue.root, 'standby'), queue.now + rest
  local ends = queue.now + math.max(rest, LIMITS.longestStandby)
  local mine, vacant = watcher_of(queue) == worker, watch_at(queue) <= queue.now
  redis.pcall('ZREMRANGEBYSCORE', standby, '-inf', digits(queue.now))
  -- A watcher that means to look later than something is due gives way: a lease was shortened, or a batch was behind one that has just left.
  if not mine and not vacant and not (next_at and next_at < queue.watchAt) then
    latest = standby_until(queue, standby, rest)
    note_worker(standby, worker, latest, ends)
    return latest
  end
  local at = math.min(next_at or latest, latest)
  if not mine then
    redis.pcall('ZREM', standby, worker)
    if not vacant then note_worker(standby, queue.watcher, queue.watchAt, ends) end
  end
  redis.call('HSET', queue.root, 'watcher', worker, 'watchAt', digits(at), 'looked', digits(looked_at(queue)))
  return at
end

-- When the first of an index comes; nil when nothing is in it. A score that ends in .5 is one of an entry whose list is missing.
local function first_in(index)
  local head = redis.call('ZRANGE', index, '0', '0', 'WITHSCORES')
  return head[2] and math.ceil(head[2])
end

-- When the next batch of a root is due, or ends its lease or its pause, by what comes first in `due` and in `active`; nil when nothing is pending.
local function earlier(due, active)
  if due and active and active < due then return active end
  return due or active
end
