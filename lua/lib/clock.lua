--- The one clock of the library: Redis's own, in ms since 1970.

-- Read once per call: on Redis 7.0 TIME moves while a call runs.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
