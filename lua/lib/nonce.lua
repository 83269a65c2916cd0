--- Calls that may be repeated. A caller names itself and counts its calls: `NONCE <name>/<number>`. What the last call of a name has
--- replied is kept for a while, so a call that is made again, since its reply was lost, says what the first one did.
--- A higher number says that the reply before it has arrived. That is how claims are acknowledged, at no cost: see acknowledged.

-- How long a reply is kept, ms. For claims the lease comes on top.
local NONCE_KEPT = 60000

-- Reads '<name>/<number>'. Returns a nonce, or nil and a refusal; nil when there is no text.
local function read_nonce(text)
  if not text then return nil end
  local name, number = string.match(text, '^([%w_-]+)/(%d+)$')
  if not name or #name > LIMITS.caller or #number > 15 then
    return nil, fail('BAD_ARGUMENT', 'NONCE must be a name of 1 to 48 letters, digits, _ or -, a slash and a number; got ' .. shown(text))
  end
  return { text = text, name = name, number = tonumber(number) }
end

-- The nonce of calls whose arguments have no tokens: a pair in front of the others. A nonce has a slash, which no token and no id has.
-- Returns the nonce, where the other arguments begin, and a refusal.
local function leading_nonce(args)
  local word = args[1]
  if not word or #word ~= 5 or string.upper(word) ~= 'NONCE' or not args[2] or not string.find(args[2], '/', 1, true) then return nil, 1 end
  local nonce, refusal = read_nonce(args[2])
  return nonce, 3, refusal
end

-- Whether a call was made before; `call` is its name. Returns what was kept of it, or false when a later one was made since: then nobody
-- waits for this reply, and nothing is to be done. Nil: it is new.
local function kept_reply(queue, nonce, call)
  if not queue.kept then return nil end
  local number, name, kept = string.match(queue.kept, '^(%d+) ([%w_]+) (.*)$')
  number = tonumber(number)
  if not number or number < nonce.number then return nil end
  if number > nonce.number or name ~= call then return false end
  return cmsgpack.unpack(kept)
end

-- Keeps the reply of a call. A user of Redis who may not do so goes without: an error here would hide what the call has written.
local function keep_reply(queue, nonce, call, reply, lease)
  if not nonce then return end
  local text = string.format('%.0f %s ', nonce.number, call) .. cmsgpack.pack(reply)
  redis.pcall('SET', calls_key(queue.root, nonce.name), text, 'PX', NONCE_KEPT + (lease or 0))
end

-- Which claims of these records somebody has acknowledged, by position. Those that were taken with a nonce are when the caller of that
-- name has made a later call since, this one included. Looked up only here, when a lease has ended: that is rare, and claims are many.
local function acknowledged(root, records, nonce)
  local names, asked, known = {}, {}, {}
  for n = 1, #records do
    local name, number = taken_by(records[n])
    known[n] = not name or nonce and nonce.name == name and nonce.number > number
    if not known[n] then names[#names + 1], asked[#asked + 1] = calls_key(root, name), { position = n, number = number } end
  end
  if #names == 0 then return known end
  local kept = redis.call('MGET', unpack(names))
  for n = 1, #names do
    local last = tonumber(string.match(kept[n] or '', '^(%d+) '))
    known[asked[n].position] = last ~= nil and last > asked[n].number
  end
  return known
end
