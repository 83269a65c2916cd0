--- A message: one element of the list of its key. This file writes it and reads it, and no other does.
--
--   <receivedAt> <id length>[,R<place>][,T<context>][,W<wait>][,X<maxWait>][,S<maxSize>][,F] <id><data>
--
-- 13 digits first, so that one `match` reads the time. The options travel with their message: nothing has to be kept in step when messages
-- are taken, given back or buried. `place` tells with which batch the message died first; see place_among_dead. `context` is for those who follow a
-- message from process to process: it means nothing here, and is no option that a batch would go by.

-- All that stands before id and data. `options`: { wait, maxWait, maxSize, flush } of this message alone, or nil.
local function message_header(received, id_length, options, place, context)
  local header = digits(received) .. ' ' .. count_text(id_length)
  if place then header = header .. ',R' .. place end
  if context then header = header .. ',T' .. context end
  if options then
    if options.wait then header = header .. string.format(',W%d', options.wait) end
    if options.maxWait then header = header .. string.format(',X%d', options.maxWait) end
    if options.maxSize then header = header .. string.format(',S%d', options.maxSize) end
    if options.flush then header = header .. ',F' end
  end
  return header .. ' '
end

local function bytes_of(messages)
  local bytes = 0
  for n = 1, #messages do bytes = bytes + #messages[n] end
  return bytes
end

-- When a message was received. One that begins otherwise was written by somebody else: it counts as old, so that it is handed over, and holds
-- nobody up. Only digits: Lua takes 'nan', 'inf' and '0x1' for numbers too.
local function received_at(message)
  local time = string.match(message, '^(%d+) ')
  return time and #time == 13 and tonumber(time) or 0
end

-- The options that a message carries, as text, or nil. Its place among the dead is none, and no more is its trace context.
local function options_of(message)
  local options = string.match(message, '^%d%d%d%d%d%d%d%d%d%d%d%d%d %d+(,[^ ]*) ')
  if options and string.sub(options, 2, 2) == 'R' then options = string.match(options, '^,R[%d.]+(,.*)$') end
  if options and string.sub(options, 2, 2) == 'T' then options = string.match(options, '^,T[^,]*(,.*)$') end
  return options
end

-- When a message was received, whether it begins as message_header writes, and its options: all is seen at once.
local function header_of(message)
  local time, behind = string.match(message, '^(%d+) %d+()[^ ]* ')
  if not time or #time ~= 13 then return received_at(message) end
  return tonumber(time), true, string.byte(message, behind) == 44 and options_of(message)
end

-- One of these options, 'W', 'X' or 'S', or nil or false when there is none that could be right.
local function option_of(options, letter, most)
  local value = tonumber(string.match(options, ',' .. letter .. '(%d+)'))
  return value and value >= 1 and value <= most and value
end

local function has_flush(options) return string.find(options, ',F', 1, true) ~= nil end

-- The time, id and data of a message, as texts; the data only unless it is to be `spared`. What add has not written has neither time nor id: all of it
-- is data.
local function parts_of(message, spared)
  -- Without an id and options: nothing has to be measured.
  -- WHY the digits are not counted by the pattern: each sign of one costs.
  local _, behind = string.find(message, '^%d+ 0 ')
  if behind == 16 then return string.sub(message, 1, 13), '', spared and '' or string.sub(message, 17) end
  local blank, length, start = string.match(message, '^%d+() (%d+)[^ ]* ()')
  if blank ~= 14 or start + length > #message + 1 then return '0', '', message end
  local at = string.sub(message, 1, 13)
  return at, string.sub(message, start, start + length - 1), spared and '' or string.sub(message, start + length)
end

-- A message with the data of another one.
local function with_data_of(message, other)
  local _, _, data = parts_of(message)
  local _, _, given = parts_of(other)
  return string.sub(message, 1, #message - #data) .. given
end

-- '<number of a batch>.<position in it>', so that it can be compared as a number: numbers rise in the order in which batches of a key are
-- claimed, and none has 10,000 messages.
local function place_among_dead(number, position) return string.format('%s.%04d', number, position) end

-- A message with its place among the dead, if it has none yet. `number`: of the batch with which it died, or nil when that is none.
local function with_place(message, number, position)
  local time, behind = string.match(message, '^%d+() %d+()')
  local sign = number and time == 14 and string.byte(message, behind)
  -- A blank or a comma.
  if sign ~= 32 and (sign ~= 44 or string.find(message, '^,R%d', behind)) then return message end
  return string.sub(message, 1, behind - 1) .. ',R' .. place_among_dead(number, position) .. string.sub(message, behind)
end

-- Where a message belongs among others: by its time and, within one ms, by its place among the dead. One that has never been dead came later.
-- What somebody else wrote has no time: it counts as older than all others, and so stays behind what it stands behind.
local function order_of(message)
  return { at = received_at(message), place = tonumber(string.match(message, '^%d+ %d+,R(%d+%.%d+)')) or math.huge }
end

local function is_behind(one, other) return one.at > other.at or one.at == other.at and one.place > other.place end
