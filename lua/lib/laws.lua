--- What must hold of a queue. Each law is written here once: its name, what it says, and how it is judged. `check` tells which are broken,
--- lib/mend.lua mends them, every test that looks at the keys goes by them, and lua/README.md has their table.
---
--- `broken` is given what is seen of a part (lib/look.lua), and tells what is wrong, in words; nothing when the law holds. `by_hand`: only a person
--- can mend it without loss. `misplaced`: while it is broken, messages are where they are not counted; then the laws that are `counted` say nothing.

-- What ends in .5 is looked at again, for its list was missing: while a slot is moved it may have been on another node.
local function is_put_off(score, now) return score % 1 == 0.5 and score <= now + LOOK_AGAIN + 1 end

-- The keys of the table that have no name of their own behind a colon, and the kinds of those that have one.
local INDEXES = { due = 'zset', active = 'zset', claims = 'hash', overrides = 'set', dead = 'zset', streams = 'zset' }
local NAMED = { seen = 'set', calls = 'string', rate = 'string', stream = 'stream', watch = 'zset', archive = 'hash' }

local function kind_of(part)
  return part == 'events' and 'stream' or part == 'archived' and 'zset' or NAMED[string.match(part, '^(%l+):.')]
end

-- Holds for several kinds of parts.
local KEPT = {
  name = 'kept',
  says = 'What holds messages, or says where they are, never expires',
  broken = function(seen)
    if not seen.expires or seen.what == 'other' and not INDEXES[seen.part] then return nil end
    if seen.what == 'root' then return 'the root will expire, and with it the policy and the counters' end
    return 'it will expire, and what is in it will be lost'
  end,
}

-- Of a part that is a conversation.
local KEY_LAWS = {
  {
    name = 'list-type', by_hand = true, misplaced = true,
    says = 'The messages of a key are a list',
    broken = function(seen)
      if seen.type ~= 'list' and seen.type ~= 'none' then return 'its messages should be a list and are a ' .. seen.type end
    end,
  },
  {
    name = 'readable', by_hand = true,
    says = 'Each message begins as `add` writes it',
    broken = function(seen)
      if seen.unreadable > 0 then return seen.unreadable .. ' of ' .. how_many(seen.size, 'message') .. ' cannot be read' end
    end,
  },
  {
    name = 'index-has-messages', misplaced = true,
    says = 'A key in `due` or `active` has messages',
    broken = function(seen)
      if seen.type ~= 'none' or not (seen.due or seen.active) then return nil end
      local where = seen.due and seen.active and 'due and active' or seen.due and 'due' or 'active'
      return 'it is in ' .. where .. ' and has no messages'
    end,
  },
  {
    name = 'messages-indexed', misplaced = true,
    says = 'A key with messages is in `due` or `active`',
    broken = function(seen)
      if seen.type ~= 'list' or seen.due or seen.active then return nil end
      return 'it has ' .. how_many(seen.size, 'message') .. ' and is in neither due nor active: nobody would look at it'
    end,
  },
  {
    name = 'one-index',
    says = 'A key is not in both `due` and `active`',
    broken = function(seen)
      if seen.due and seen.active then return 'it is in both due and active' end
    end,
  },
  {
    name = 'active-has-claim',
    says = 'A key in `active` has a claim',
    broken = function(seen)
      if seen.active and not seen.record then return 'it is active without a claim' end
    end,
  },
  {
    name = 'claim-is-active',
    says = 'A key with a claim is in `active`',
    broken = function(seen)
      if seen.record and not seen.active then return 'it has a claim and is not active' end
    end,
  },
  {
    name = 'claim-readable',
    says = 'A claim can be read',
    broken = function(seen)
      if seen.record and not seen.claim then return 'its claim cannot be read: ' .. string.sub(seen.record, 1, 40) end
    end,
  },
  {
    name = 'claim-count',
    says = 'A claim has at least one and at most all of the messages of the list',
    broken = function(seen)
      local claim = seen.claim
      if not claim or seen.type ~= 'list' or claim.count >= 1 and claim.count <= seen.size then return nil end
      return 'its claim has ' .. how_many(claim.count, 'message') .. ' and the list ' .. seen.size
    end,
  },
  {
    name = 'alive-or-dead', misplaced = true,
    says = 'The batch of a claim is not dead as well',
    broken = function(seen)
      if seen.dead then return 'its batch ' .. seen.claim.id .. ' is dead as well: a call was cut off' end
    end,
  },
  {
    name = 'lease-ends',
    says = 'A score in `active` is never later than the `span` of its claim from now, but for a second',
    broken = function(seen)
      local claim, ends = seen.claim, seen.active
      if seen.type ~= 'list' or not claim or not ends or latest_end(claim, ends, seen.now) == ends or is_put_off(ends, seen.now) then return nil end
      return string.format('its lease or pause of %.0f ms ends in %.0f ms: the clock of Redis has gone back', claim.span, ends - seen.now)
    end,
  },
  {
    name = 'due-in-time',
    says = 'A score in `due` is never later than the deadline under the policy of the time at which it was set, or than that time',
    broken = function(seen)
      if not seen.due or not seen.latest or seen.due <= math.max(seen.latest, seen.now + CLOCK_STEP) or is_put_off(seen.due, seen.now) then return nil end
      return string.format('it is due %.0f ms later than the longest wait of any of its messages allows', seen.due - seen.latest)
    end,
  },
  {
    name = 'due-ahead',
    says = 'A score in `due` is never later than the longest wait from now, but for a second',
    broken = function(seen)
      if not seen.due or not seen.wait or seen.due <= seen.now + seen.wait + CLOCK_STEP then return nil end
      -- What is later than any message allows is told already.
      if seen.due > math.max(seen.latest, seen.now + CLOCK_STEP) and not is_put_off(seen.due, seen.now) then return nil end
      return string.format('it is due in %.0f ms, the longest wait is %.0f ms: the clock of Redis has gone back', seen.due - seen.now, seen.wait)
    end,
  },
  {
    name = 'received', by_hand = true,
    says = 'No message lies in the future, but for a second',
    broken = function(seen)
      if seen.ahead == 0 then return nil end
      return 'in the future: ' .. seen.ahead .. ' of ' .. how_many(seen.size, 'message') .. '; the clock of Redis has gone back'
    end,
  },
  {
    name = 'overrides-known',
    says = 'A key whose messages have options is in `overrides`',
    broken = function(seen)
      if seen.options > 0 and not seen.listed then return 'a message has options of its own and the key is not in overrides' end
    end,
  },
  {
    name = 'overrides-have-messages',
    says = 'A key in `overrides` has messages',
    broken = function(seen)
      if seen.type == 'none' and seen.listed then return 'it is in overrides and has no messages' end
    end,
  },
  KEPT,
}

-- Of a part that is a dead batch.
local DEAD_LAWS = {
  {
    name = 'dead-has-batch', misplaced = true,
    says = 'An id in `dead` has its batch',
    broken = function(seen)
      if seen.type == 'none' and seen.since then return 'it is in dead, and the batch itself is not there' end
    end,
  },
  {
    name = 'dead-type', by_hand = true, misplaced = true,
    says = 'A dead batch is a hash',
    broken = function(seen)
      if seen.type ~= 'hash' and seen.type ~= 'none' then return 'a dead batch should be a hash and is a ' .. seen.type end
    end,
  },
  {
    name = 'dead-indexed', misplaced = true,
    says = 'A dead batch is in `dead`',
    broken = function(seen)
      if seen.type ~= 'hash' or seen.since then return nil end
      return 'a dead batch of ' .. how_many(seen.messages, 'message') .. ' is not in dead: nobody would see it'
    end,
  },
  {
    name = 'dead-has-key', by_hand = true, misplaced = true,
    says = 'A dead batch says of which key it is',
    broken = function(seen)
      if seen.type == 'hash' and (seen.key or '') == '' then return 'a dead batch does not say of which key it is' end
    end,
  },
  {
    name = 'dead-has-messages', by_hand = true, misplaced = true,
    says = 'A dead batch has messages',
    broken = function(seen)
      if seen.type == 'hash' and seen.messages == 0 then return 'a dead batch has no messages that could be read' end
    end,
  },
  {
    name = 'dead-complete', misplaced = true,
    says = 'A dead batch has as many messages as it says, from the first on',
    broken = function(seen)
      if seen.type ~= 'hash' or seen.messages == 0 then return nil end
      if seen.gapless ~= seen.messages then return 'message ' .. seen.gapless + 1 .. ' of a dead batch is missing' end
      if tonumber(seen.count) == seen.messages then return nil end
      return 'a dead batch says that it has ' .. how_many(seen.count or 'no', 'message') .. ', there are ' .. seen.messages
    end,
  },
  KEPT,
}

-- Of any other part.
local OTHER_LAWS = {
  {
    name = 'index-type', by_hand = true, misplaced = true,
    says = '`due`, `active`, `claims`, `overrides`, `dead` and `streams` have the types of the table of keys',
    broken = function(seen)
      local expected = INDEXES[seen.part]
      if not expected or seen.type == 'none' or seen.type == expected then return nil end
      return seen.part .. ' should be a ' .. expected .. ' and is a ' .. seen.type
    end,
  },
  {
    name = 'known-key', by_hand = true,
    says = 'Under the root there is no key but those of the table of keys',
    broken = function(seen)
      if seen.type ~= 'none' and not INDEXES[seen.part] and not kind_of(seen.part) then return 'this ' .. seen.type .. ' is no key of a queue' end
    end,
  },
  {
    name = 'part-type', by_hand = true,
    says = 'Every other key has the type of the table of keys',
    broken = function(seen)
      local expected = kind_of(seen.part)
      if expected and seen.type ~= 'none' and seen.type ~= expected then return 'it should be a ' .. expected .. ' and is a ' .. seen.type end
    end,
  },
  {
    name = 'expires',
    says = 'Every `seen`, `calls`, `rate`, `watch` and `archive` key and `archived` expires',
    broken = function(seen)
      local expected = kind_of(seen.part)
      if not expected or expected == 'stream' or seen.type ~= expected or seen.expires then return nil end
      -- Who knows when a set was begun knows when its ids may go; who stands by says so again.
      return 'it never expires', seen.type == 'string'
    end,
  },
  {
    name = 'archive-indexed',
    says = 'A batch in the archive is in `archived`',
    broken = function(seen)
      if seen.archived == false then return 'a batch in the archive is not in archived: nobody would find it, nor erase it' end
    end,
  },
  KEPT,
}

-- Of the root.
local ROOT_LAWS = {
  KEPT,
  {
    name = 'counters', counted = true,
    says = '`added - completedMessages - deadMessages - droppedMessages` messages are in the lists',
    broken = function(seen)
      local counted = seen.added - seen.completed - seen.dead - seen.dropped
      if not seen.held or counted == seen.held then return nil end
      return 'the counters speak of ' .. how_many(string.format('%.0f', counted), 'message') .. ', the lists hold ' .. string.format('%.0f', seen.held)
    end,
  },
  {
    name = 'dead-counter', counted = true,
    says = '`deadMessages` messages are in dead batches',
    broken = function(seen)
      if not seen.buried or seen.dead == seen.buried then return nil end
      local dead, buried = string.format('%.0f', seen.dead), string.format('%.0f', seen.buried)
      return 'the counter speaks of ' .. how_many(dead, 'message') .. ' in dead batches, they hold ' .. buried
    end,
  },
}

local LAWS = { messages = KEY_LAWS, dead = DEAD_LAWS, other = OTHER_LAWS, root = ROOT_LAWS }

-- The laws that are broken by what is seen: of each its name, what is wrong, and 1 when it can be mended without loss, else 0.
local function broken_laws(seen)
  local broken = {}
  for _, law in ipairs(LAWS[seen.what]) do
    local text, by_hand = law.broken(seen)
    if text then broken[#broken + 1] = { law.name, text, (law.by_hand or by_hand) and 0 or 1 } end
  end
  return broken
end
