--- Refusals: the one way in which a call says no.

-- A value as it may stand in an error message: one short word in quotes. What people write is not shown.
local function shown(value)
  if not value then return 'nothing' end
  if not string.find(value, '^[%w%p]*$') then return 'a text of ' .. how_many(#value, 'byte') end
  if #value > 40 then value = string.sub(value, 1, 40) .. '...' end
  return "'" .. value .. "'"
end

-- Returned and never raised: Redis appends a suffix to raised errors, and does not undo what was written before.
local function fail(code, text) return { err = 'RAPIDFIRE_' .. code .. ' ' .. text } end

-- The name of a key without that of the conversation, which may be the number of a person.
local function shown_key(key) return shown((string.gsub(key, '(:messages:).*$', '%1...'))) end

-- The error that Redis replied to a pcall: one of ours when the key is of another type, else as it is.
local function wrong_type(reply, expected, key)
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then return reply end
  return fail('WRONG_TYPE', 'expected a ' .. expected .. ' at ' .. shown_key(key))
end

-- What a command that reads replies, or nil where a key is of another type: whoever put that there, the others are told of. Where it is refused for
-- another reason, as for want of a right, nothing may be concluded: that ends the call, which must not have written by then.
local function read_unless_foreign(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then redis.call(...) end
  return nil
end

-- One of ours, or nil when the reply is no error.
local function error_of(reply, expected, key)
  if type(reply) ~= 'table' or not reply.err then return nil end
  return wrong_type(reply, expected, key)
end
