--- Who looks next. Of all idle workers one, the watcher, has promised to look at `watchAt`; the others stand by and look once a
--- second. So a batch that becomes ready wakes one worker, however many there are, and nobody polls for deadlines.

-- The time of this look, for `looked` in the root: it tells the next one whether the clock has gone back since. It stays in the future until all
-- is lowered that lies ahead; see lib/recover.lua.
local function looked_at(queue) return queue.looked > queue.now + CLOCK_STEP and queue.looked or queue.now end

-- Sends to a worker, or to '*', all. A user of Redis who may not publish goes without: an error here would hide what the call has written.
local function send(root, worker, what) redis.pcall('PUBLISH', wake_channel(root), worker .. ' ' .. what) end

-- Tells the watcher of something that is due before it means to look; `at` may be nil: nothing is. A promise that has passed is being kept
-- just now.
local function wake_watcher(queue, at)
  if not at or queue.watchAt <= queue.now or at >= queue.watchAt then return end
  queue.watchAt = at
  redis.pcall('HSET', queue.root, 'watchAt', at)
  send(queue.root, queue.watcher, string.format('%.0f', at))
end

-- Ends the watch of a worker that has no slot left, or says to the watcher what it leaves behind; `next_at` is when the next batch is due.
local function leave_watch(queue, worker, next_at)
  local mine = queue.watcher == worker
  if mine and queue.watchAt > 0 then redis.call('HSET', queue.root, 'watchAt', 0) end
  if mine or queue.watchAt <= queue.now then
    -- Somebody who has slots must look instead. Once is enough: they say again that they stand by.
    if queue.standbyUntil > queue.now then
      redis.call('HSET', queue.root, 'standbyUntil', 0)
      send(queue.root, '*', '0')
    end
  else
    wake_watcher(queue, next_at)
  end
end

-- Makes an idle worker the watcher, or lets it stand by for the one that there is. Returns when it looks next, at most `rest` ms from now.
local function keep_watch(queue, worker, next_at, rest)
  local latest = queue.now + rest
  local vacant = queue.watcher == worker or queue.watchAt <= queue.now
  -- A watcher that means to look later than something is due gives way: a lease was shortened, or a batch was behind one that has just left.
  if not vacant and not (next_at and next_at < queue.watchAt) then
    redis.call('HSET', queue.root, 'standbyUntil', latest)
    return latest
  end
  local at = math.min(next_at or latest, latest)
  redis.call('HSET', queue.root, 'watcher', worker, 'watchAt', at, 'looked', looked_at(queue))
  return at
end
