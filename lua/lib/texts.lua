--- Numbers as texts. Redis takes a number as an argument too, but to print a time costs Redis 7.0 a fortieth of what adding a message does, each
--- time. So what every call writes is given as text, and printed here as cheaply as can be.

-- Keeps a value by a text that comes again and again. A memory is { kept, count, most }: when it has so many it begins anew.
local function remember(memory, text, value)
  if memory.count == memory.most then memory.kept, memory.count = {}, 0 end
  memory.kept[text], memory.count = value, memory.count + 1
  return value
end

-- The thousandths of a second of the clock, and the seconds that were printed last, as texts.
local CLOCK, SECONDS = { rest = nil, text = nil }, { kept = {}, count = 0, most = 1000 }

-- Keeps what the clock has said: most times that are written are so many seconds from now.
local function know_digits(second, text, rest, thousandths)
  CLOCK.rest, CLOCK.text = rest, thousandths
  return SECONDS.kept[second] or remember(SECONDS, second, text)
end

-- A time as 13 digits.
-- WHY in two parts: '%.0f' costs 5,000 instructions, '%07d%06d' 3,500, and to join what is known 900 (Redis 7.0).
local function digits(ms)
  local rest = ms % 1000
  local second = (ms - rest) / 1000
  local thousandths = rest == CLOCK.rest and CLOCK.text or string.format('%03d', rest)
  return (SECONDS.kept[second] or know_digits(second, string.format('%010d', second), rest, thousandths)) .. thousandths
end

-- A count. Small ones are printed once: they come again and again.
local COUNTS = {}
local function count_text(count)
  local text = COUNTS[count]
  if not text then
    text = string.format('%d', count)
    if count <= 1000 then COUNTS[count] = text end
  end
  return text
end

-- A count and what is counted, for a person: '1 message', '2 messages'.
local function how_many(count, what) return count .. ' ' .. what .. (tonumber(count) == 1 and '' or 's') end
