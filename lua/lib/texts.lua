--- Numbers as texts. Redis takes a number as an argument too, but to print a time costs Redis 7.0 a fortieth of what adding a message does, each
--- time. So what every call writes is given as text, and printed here as cheaply as can be.

-- A time as 13 digits. WHY not by '%.0f': that costs a quarter more.
local function digits(ms)
  local rest = ms % 1000000
  return string.format('%07d%06d', (ms - rest) / 1000000, rest)
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
