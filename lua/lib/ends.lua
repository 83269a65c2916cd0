--- Batches whose attempts end without their being done. Each is named by key and token and has options behind that; NEXT stands between two.

-- Returns a list of { key, token, options, refusal }, and the nonce of the call, which is an option of any of them; or nil, and a refusal of the
-- whole call behind the nonce.
local function read_ends(args, known)
  local ends, nonce, at = {}, nil, 1
  repeat
    local key, token = args[at], args[at + 1]
    if not token then return nil, nonce, fail('MISSING_ARGUMENT', 'expected a key and a token, got ' .. how_many(#args - at + 1, 'argument')) end
    if #ends == LIMITS.ends then return nil, nonce, fail('BAD_ARGUMENT', 'expected at most ' .. LIMITS.ends .. ' batches') end
    local options, stopped, refusal = read_tokens(args, at + 2, known, 'NEXT')
    if not stopped then return nil, nonce, refusal end
    options = options or {}
    if options.nonce then
      local bad
      nonce, bad = read_nonce(options.nonce)
      if bad then return nil, nil, bad end
    end
    ends[#ends + 1] = { key = key, token = token, options = options, refusal = refusal, head = nil, pause = nil }
    at = stopped + 1
  until not args[stopped]
  return ends, nonce
end

-- A refusal when an index that the end of a batch writes to is of another type: found out half-way, that would break the call off.
local function foreign_index(root)
  local foreign
  for _, index in ipairs({ active_key(root), due_key(root), dead_key(root) }) do
    foreign = foreign or error_of(redis.pcall('ZCARD', index), 'zset', index)
  end
  return foreign
end

-- How many messages a key has; or nil and a refusal.
local function size_of(root, key)
  local list = messages_key(root, key)
  local size = redis.pcall('LLEN', list)
  if type(size) == 'table' then return nil, wrong_type(size, 'list', list) end
  return size
end
