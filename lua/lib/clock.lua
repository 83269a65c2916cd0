--- The one clock of the library: Redis's own, in ms since 1970.

-- Read once per call: on Redis 7.0 TIME moves while a call runs. What it says as text is kept, to be written so.
local function now_ms()
  local time = redis.call('TIME')
  -- Texts that are reckoned with become numbers at less cost than by tonumber.
  local second, micros = time[1] + 0, time[2] + 0
  local rest = (micros - micros % 1000) / 1000
  know_digits(second, time[1], rest, micros >= 100000 and string.sub(time[2], 1, 3) or string.format('%03d', rest))
  return second * 1000 + rest
end
