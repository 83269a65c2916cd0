-- The clock of the tests: it stands still until a test moves it. Without the key it is the real one.
local function now_ms()
  local moved = redis.call('GET', 'test:clock')
  if moved then return tonumber(moved) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
