--- Who looks next. Of all idle workers one, the watcher, has promised to look at `watchAt`; the others stand by and look once a
--- second. So a batch that becomes ready wakes one worker, however many there are, and nobody polls for deadlines.

-- A user of Redis who may not publish goes without wake-ups: an error here would hide what the call has written.
local function say(root, worker, what) redis.pcall('PUBLISH', wake_channel(root), worker .. ' ' .. what) end

-- Tells the watcher when something is due before it means to look. A promise that has passed is being kept just now.
local function wake(root, policy, at, now)
  if policy.watchAt <= now or at >= policy.watchAt then return end
  policy.watchAt = at
  redis.pcall('HSET', root, 'watchAt', at)
  say(root, policy.watcher, string.format('%.0f', at))
end

-- Settles, after a claim, when this worker looks next, at most `rest` ms from now; `head` is when the next batch is
-- due, and a `full` worker may have no slot left.
local function watch(root, policy, worker, now, head, full, rest)
  local mine = policy.watcher == worker
  local vacant = mine or policy.watchAt <= now
  if full then
    if mine and policy.watchAt > 0 then redis.call('HSET', root, 'watchAt', 0) end
    -- Somebody who has slots must look in my stead. Once is enough: they say again that they stand by.
    if vacant and policy.standbyUntil > now then
      redis.call('HSET', root, 'standbyUntil', 0)
      say(root, '*', '0')
    end
    if not vacant and head then wake(root, policy, head, now) end
    return head or 0
  end
  local latest = now + rest
  -- A watcher that means to look later than something is due gives way: a lease was shortened, or a batch was behind one that has just left.
  if not vacant and not (head and head < policy.watchAt) then
    redis.call('HSET', root, 'standbyUntil', latest)
    return latest
  end
  local at = math.min(head or latest, latest)
  redis.call('HSET', root, 'watcher', worker, 'watchAt', at, 'looked', looked_at(policy, now))
  return at
end
