--- Read the policy of the queue, or change it for every caller at once.
--
--   FCALL rapidfire_policy 1 rapid-fire:{orders}
--   FCALL rapidfire_policy 1 rapid-fire:{orders} WAIT 5000 MAXWAIT 30000
--   FCALL rapidfire_policy 1 rapid-fire:{orders} WAIT 5000 GIVEN bot.js@host1
--
-- KEYS
--   root             root key of the queue
-- ARGV
--   WAIT             quiet time after the last message, ms (10000)
--   MAXWAIT          from the first message, ms, not shorter than WAIT (60000)
--   MAXSIZE          messages a batch, 1 to 500 (10)
--   MAXBACKLOG       messages a key, not fewer than MAXSIZE, at most a million (1000)
--   MAXMESSAGEBYTES  bytes of one message's data, 1 to 1048576 (262144)
--   MAXBATCHBYTES    bytes of the messages of a batch as they are stored, 1 to 1048576 (1048576); a larger message is one alone
--   DEDUPE           ms for which a message id is accepted once (3600000)
--   MAXDEAD          dead batches that are kept, at most a million (10000)
--   MAXDEADAGE       ms for which a dead batch is kept, at most a year; 0: for ever (0)
--   MAXKEYS          conversations that may have messages at a time, at most 100000000; 0: any number (0)
--   EVENTS           entries of events that are kept, about, at most a million; 0: none are written, and those that were kept are deleted (0)
--   ARCHIVE          ms for which a batch that was completed is kept, with its text and result, at most a year; 0: none is, and what was goes in its time (0)
--   MAXARCHIVED      batches that are kept so, at most a million: the oldest go (10000)
--   GIVEN            '<name>@<host>' of a program that gives these members at each start: a member is written only when it differs from what
--                    a program gave last, so that a start undoes nothing that a person has set. 1 to 64 of [A-Za-z0-9_.@-]
--   AGAIN            with GIVEN: it has given them before; only those are written of which nothing is kept any more
-- RETURNS
--   field            for each member of the policy: its name
--   value            for each member of the policy: its value
-- ERRORS
--   BAD_ROOT          not exactly one root key with a hash tag
--   WRONG_TYPE        the root is a key of another type
--   UNKNOWN_ARGUMENT  not a member of the policy
--   MISSING_ARGUMENT  a member without its value
--   BAD_POLICY        a value is not an integer in its range, or two of them contradict each other
--   BAD_ARGUMENT      GIVEN is not a name
--
-- A lengthened policy holds at once for open batches, a shortened one from their next look on.
-- WHY what was given is kept apart from what holds: a program that starts again with the same policy means no change, and one that was
-- deployed with another does. Only what it gave before tells the one from the other.
local POLICY_OPTIONS = {
  WAIT = POLICY.WAIT, MAXWAIT = POLICY.MAXWAIT, MAXSIZE = POLICY.MAXSIZE, MAXBACKLOG = POLICY.MAXBACKLOG,
  MAXMESSAGEBYTES = POLICY.MAXMESSAGEBYTES, MAXBATCHBYTES = POLICY.MAXBATCHBYTES, DEDUPE = POLICY.DEDUPE, MAXDEAD = POLICY.MAXDEAD,
  MAXDEADAGE = POLICY.MAXDEADAGE, MAXKEYS = POLICY.MAXKEYS, EVENTS = POLICY.EVENTS,
  ARCHIVE = POLICY.ARCHIVE, MAXARCHIVED = POLICY.MAXARCHIVED,
  GIVEN = OPTIONS.program, AGAIN = OPTIONS.again,
}

local function program_of(program) return string.match(program, '^[^@]*') end

-- Of the members that a program gives, those that are to be written; and by field what is to be kept beside, newest first.
local function given_members(root, members, program, again)
  local changes, kept = {}, {}
  local stored = redis.call('HMGET', root, unpack(GIVEN))
  for n, field in ipairs(MEMBERS) do
    local value, text = members[field], stored[n] or ''
    local last = tonumber(string.match(text, '^%d+'))
    if value then
      local gifts = {}
      local agrees = last == value
      -- '*': the root was lost, and has this member from another root.
      if text == '' or last and not agrees and not again then changes[field] = value end
      if changes[field] or text == '*' then gifts[1] = string.format('%d %s', value, program) end
      for before, by in string.gmatch(text, '(%d+) ([^,]+)') do
        -- With what it gives now it takes back what it gave before, wherever it ran.
        local taken_back = agrees and tonumber(before) ~= value and program_of(by) == program_of(program)
        if not taken_back and #gifts < LIMITS.programs then gifts[#gifts + 1] = before .. ' ' .. by end
      end
      kept[field] = table.concat(gifts, ',')
      if kept[field] == text then kept[field] = nil end
    end
  end
  return changes, kept
end

-- What a person sets ends all differences between programs: only what was given last is kept.
local function settled_gifts(root, members)
  local kept = {}
  local stored = redis.call('HMGET', root, unpack(GIVEN))
  for n, field in ipairs(MEMBERS) do
    if members[field] and stored[n] and string.find(stored[n], ',', 1, true) then kept[field] = string.match(stored[n], '^[^,]+') end
  end
  return kept
end

local function policy(keys, args)
  local call, root = redis.call, keys[1]
  local queue, refusal = read_queue(keys)
  if refusal then return refusal end
  local members, bad = read_options(args, 1, POLICY_OPTIONS)
  if bad then return bad end
  local given, again = members.given, members.again
  members.given, members.again = nil, nil
  if given and not string.find(given, '^[%w_.@%-]+$') then
    return fail('BAD_ARGUMENT', 'GIVEN must have 1 to ' .. OPTIONS.program.bytes .. ' bytes of letters, digits and _.@-, got ' .. shown(given))
  end
  local changes, kept = members, {}
  if given then
    changes, kept = given_members(root, members, given, again)
  elseif next(members) then
    kept = settled_gifts(root, members)
  end
  local after = changed_policy(queue, changes)
  if bad_policy(after) then
    -- What has changed of what a program gives contradicts what a person has set: then all that it gives holds.
    changes, after = members, changed_policy(queue, members)
  end
  bad = bad_policy(after)
  if bad then return bad end

  -- first write
  -- The ids that are remembered now must live as long as a longer policy says. The last of them may have come just now: under a longer policy a slice went
  -- on for longer.
  local slice, before, longer = queue.slice, queue.sliceBefore, after.dedupe > queue.dedupe
  if longer and slice then changes.sliceEnds = math.max(slice + after.dedupe, now_ms()) + after.dedupe end
  -- How far ahead an entry of `due` may rightly lie: a shortened wait holds only from the next look on.
  local longest = after.wait < queue.wait and math.max(queue.wait, longest_wait(queue))
  if next(changes) then
    local done = write_settings(queue, changes)
    if type(done) == 'table' then return done end
  end
  for field, text in pairs(kept) do call('HSET', root, 'given:' .. field, text) end
  if longest then call('HSET', root, 'longestWait', count_text(longest)) end
  if changes.events == 0 then write_events(queue) end
  if longer and slice then call('PEXPIREAT', seen_key(root, digits(slice)), digits(changes.sliceEnds + after.dedupe)) end
  if longer and before then call('PEXPIREAT', seen_key(root, digits(before)), digits(slice + 2 * after.dedupe)) end
  local reply = {}
  for _, field in ipairs(MEMBERS) do reply[#reply + 1], reply[#reply + 2] = field, after[field] end
  return reply
end

register('policy', policy, { 'allow-oom' }, 'Read the policy of the queue, or change it for every caller at once.')
