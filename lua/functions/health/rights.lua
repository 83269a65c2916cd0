--- Tell which commands of Redis the caller may not use on this queue.
--
--   FCALL_RO rapidfire_rights 1 rapid-fire:{orders} rpush zadd xinfo|groups
--
-- KEYS
--   root        root key of the queue
-- ARGV
--   command...  as ACL SETUSER names them, at most 200; lua/README.md tells which a call needs
-- RETURNS
--   command...  those that the user of Redis may not use, or not on the keys of this queue. Before Redis 7 that cannot be told: none
-- ERRORS
--   BAD_ROOT      not exactly one root key with a hash tag
--   BAD_ARGUMENT  more than 200 commands
--
-- WHY: Redis looks at the rights of the caller with each command of a function, and undoes nothing. A call for which one is missing would be cut off
-- behind some of its writes. To ask within each call would cost half as much as storing a message; so whoever has a connection asks once.

-- Each word behind the command is the name of a key, since commands find theirs at different places. Redis 7 is not to be given too few of them,
-- and Redis 8 refuses to tell unless their number is one that the command takes: so they become fewer until it tells.
local function is_allowed(root, command)
  local name, words = part_key(root, 'rights'), {}
  if command == 'publish' then name = wake_channel(root) end
  for word in string.gmatch(command, '[^|]+') do words[#words + 1] = word end
  local own = #words
  for n = 1, 4 do words[own + n] = name end
  for last = own + 4, own, -1 do
    local known, allowed = pcall(redis.acl_check_cmd, unpack(words, 1, last))
    if known then return allowed end
  end
  return true
end

local function rights(keys, args)
  -- Nothing is read: that might be what is not allowed.
  local refusal = bad_root(keys)
  if refusal then return refusal end
  if #args > LIMITS.commands then return fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.commands .. ' commands, got ' .. #args) end
  local reply = {}
  if not redis.acl_check_cmd then return reply end
  for n = 1, #args do
    if not is_allowed(keys[1], args[n]) then reply[#reply + 1] = args[n] end
  end
  return reply
end

register('rights', rights, { 'no-writes' }, 'Tell which commands of Redis the caller may not use on this queue.')
