--- Message ids that were accepted are remembered for `dedupe` to three times `dedupe`, in a set for each slice of time that begins. So they go all at
--- once, and nobody has to delete them one by one.
---
--- A set goes with UNLINK, which frees it beside the calls: when a slice begins, or when a worker looks and finds nothing to do. It expires
--- another `dedupe` later, for queues that nobody touches.
--- WHY not by expiry alone: unless it is told otherwise, Redis frees what has expired at one go, and serves nobody meanwhile. 360,000 ids took
--- 90 ms.
---
--- `ids` is what one call knows of those of its messages: `asked`, their digests; `known`, which of these were accepted before; `forgotten`, which
--- were taken back; `failed`, why none can be remembered; the `set` of this slice and when it `expires`; and the slice, if it `begins` here.
--
-- WHY an id is remembered as a digest of it and its key, 32 of the 40 hex digits of SHA-1: the same id in two conversations is two messages,
-- and a long id costs no more than a short one. As 16 raw bytes it would take 64 bytes of memory instead of 80, and Lua, which has
-- to make them of the digits, 2.0 us instead of 1.1 us for each message (Redis 7.0, sets of 500,000 ids).

-- Lua's stack bounds how many values `unpack` can give.
local UNPACKED = 1000

local function unpack_some(values, from)
  -- Nearly all have few.
  if #values <= UNPACKED then return unpack(values) end
  return unpack(values, from, math.min(from + UNPACKED - 1, #values))
end

-- Times that are the same in call after call: each `what` keeps the last one that was printed.
local TIMES = {}
local function kept_text(what, ms)
  local kept = TIMES[what]
  if not kept or kept.ms ~= ms then
    kept = { ms = ms, text = digits(ms) }
    TIMES[what] = kept
  end
  return kept.text
end

-- By what the id of a message is remembered; `name`: that of a message which comes back from the dead of another partition, and must not be
-- taken for an id.
local function digest_of(key, id, name)
  local text = count_text(#key) .. ':' .. key .. (name or id)
  if name then text = 'requeued ' .. text end
  return string.sub(redis.sha1hex(text), 1, 32)
end

-- Adds those of the digests to `known` that are in the set. Asked for together: a call for each would cost half of what storing the message
-- does. Returns an error when they cannot be asked for.
local function look_up(set, asked, known)
  for from = 1, #asked, UNPACKED do
    local found = redis.pcall('SMISMEMBER', set, unpack_some(asked, from))
    if found.err then return wrong_type(found, 'set', set) end
    for n = 1, #found do
      if found[n] == 1 then known[asked[from + n - 1]] = true end
    end
  end
end

-- When the ids of the last slice are forgotten. The root has it, since the slice may have begun under another `dedupe`.
local function slice_ends(queue) return queue.sliceEnds or queue.slice + 2 * queue.dedupe end

-- Whether that has come, and not only the end of the slice before it. Under a shorter `dedupe` than now it cannot have come before.
local function is_forgotten(queue)
  return queue.slice and queue.now >= queue.slice + 2 * queue.dedupe and queue.now >= slice_ends(queue)
end

-- The sets whose ids are forgotten when the last slice has ended; `all`: its own too.
local function gone_slices(queue, all)
  local gone = {}
  if queue.sliceBefore then gone[1] = seen_key(queue.root, digits(queue.sliceBefore)) end
  if all then gone[#gone + 1] = seen_key(queue.root, digits(queue.slice)) end
  return gone
end

-- Drops what is forgotten, at a look that has found nothing to do. Who may not do that goes without: the sets expire.
local function drop_slices(queue)
  if not queue.slice or queue.now < queue.slice + queue.dedupe then return end
  local all = is_forgotten(queue)
  local gone = gone_slices(queue, all)
  if #gone == 0 then return end
  redis.pcall('UNLINK', unpack(gone))
  write_settings(queue, { sliceBefore = false, slice = not all and queue.slice })
end

-- Looks up the ids of a call.
local function read_ids(queue, asked)
  local slice, before, gone = queue.slice, queue.sliceBefore, nil
  local begins = not slice or queue.now >= slice + queue.dedupe
  if begins then
    local all = is_forgotten(queue)
    gone = gone_slices(queue, all)
    slice, before = queue.now, not all and slice
  end
  local ends = slice + 2 * queue.dedupe
  -- The clock has gone back, and ids are remembered that came later than now.
  if slice > queue.now then ends = math.max(ends, slice_ends(queue)) end
  local ids = {
    asked = asked, known = {}, set = seen_key(queue.root, kept_text('slice', slice)), expires = kept_text('expires', ends + queue.dedupe),
  }
  if begins then ids.begins = { slice = slice, before = before, gone = gone } end
  local failed = look_up(ids.set, asked, ids.known)
  if not failed and before then failed = look_up(seen_key(queue.root, kept_text('before', before)), asked, ids.known) end
  if failed then ids.failed = failed end
  return ids
end

-- Remembers those that are not known yet, all or none: then it says why in `failed`.
local function remember_ids(ids)
  if ids.failed then return end
  local fresh = ids.asked
  if next(ids.known) then
    fresh = {}
    for n = 1, #ids.asked do
      if not ids.known[ids.asked[n]] then fresh[#fresh + 1] = ids.asked[n] end
    end
    if #fresh == 0 then return end
  end
  local failed, from = nil, 1
  while from <= #fresh and not failed do
    failed = error_of(redis.pcall('SADD', ids.set, unpack_some(fresh, from)), 'set', ids.set)
    if not failed then from = from + UNPACKED end
  end
  failed = failed or error_of(redis.pcall('PEXPIREAT', ids.set, ids.expires), 'set', ids.set)
  -- Only what was written is taken back: over maxmemory a script may write all it likes behind its first command that frees memory.
  while failed and from > 1 do
    from = from - UNPACKED
    redis.pcall('SREM', ids.set, unpack_some(fresh, from))
  end
  if failed then ids.failed = failed end
end

-- Takes an id back whose message is not stored. False when that is not allowed.
local function forget_id(ids, digest)
  ids.forgotten = ids.forgotten or {}
  ids.forgotten[digest] = true
  return type(redis.pcall('SREM', ids.set, digest)) ~= 'table'
end

-- Remembers an id again that was taken back. The set may have been empty then, and gone.
local function remember_again(ids, digest)
  redis.pcall('SADD', ids.set, digest)
  redis.pcall('PEXPIREAT', ids.set, ids.expires)
end

-- From now on ids are remembered in the set of this slice, if it begins here. Returns an error when that cannot be written.
local function begin_slice(queue, ids)
  local begins = ids.begins
  if not begins then return nil end
  local done = write_settings(queue, { slice = begins.slice, sliceEnds = begins.slice + 2 * queue.dedupe, sliceBefore = begins.before or false })
  if type(done) == 'table' then return wrong_type(done, 'hash', queue.root) end
  if #begins.gone > 0 then redis.pcall('UNLINK', unpack(begins.gone)) end
  ids.begins = nil
end
