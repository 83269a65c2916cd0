--- Arguments: positional ones first, then Redis-style tokens (`WAIT 5000 FLUSH`), in any order and case.

-- The number in `text`, or nil when it is not a whole number between `least` and `most`.
local function integer(text, least, most)
  if not text or #text > 15 or not string.find(text, '^%d+$') then return nil end
  local value = tonumber(text)
  if value < least or value > most then return nil end
  return value
end

-- A number of the root of a queue, or nil or false when it is none that is written here: who may write to the root may write anything there, and a
-- `largest` of 0, for example, would grow for ever.
local function bounded(text, least, most)
  local value = tonumber(text)
  return value and value >= least and value <= most and value % 1 == 0 and value
end

-- `known` maps a token to what may stand behind it, as lib/limits.lua has it.
-- Reads from args[at] up to the end, or up to the token `stop`. Returns the options that are given by field (nil when none is),
-- where reading ended, and a refusal. `options`: a table to be filled, with room for them; or nil.
-- A refusal comes with a position when only the value is wrong: the arguments
-- behind it can still be read.
local function read_tokens(args, at, known, stop, options)
  local refusal
  local name = args[at]
  while name and name ~= stop do
    local token = known[name] or known[string.upper(name)]
    if not token then
      if string.upper(name) == stop then break end
      local names = {}
      for each in pairs(known) do names[#names + 1] = each end
      table.sort(names)
      names = #names > 0 and table.concat(names, ', ') .. (stop and ', ' .. stop or '') or 'no more arguments'
      return nil, nil, fail('UNKNOWN_ARGUMENT', 'expected ' .. names .. '; got ' .. shown(name))
    end
    options = options or {}
    if token.flag then
      options[token.field] = true
      at = at + 1
    else
      local text = args[at + 1]
      if not text then return nil, nil, fail('MISSING_ARGUMENT', string.upper(name) .. ' must be followed by a value') end
      local value
      if token.bytes then
        value = #text <= token.bytes and text
      else
        value = integer(text, token.least, token.most)
      end
      if value then
        options[token.field] = value
      elseif not refusal then
        refusal = fail(
          token.code or 'BAD_ARGUMENT',
          token.bytes and string.format('%s must have at most %d bytes, got %d', string.upper(name), token.bytes, #text)
            or string.format('%s must be an integer from %d to %.0f, got %s', string.upper(name), token.least, token.most, shown(text))
        )
      end
      at = at + 2
    end
    name = args[at]
  end
  return options, at, refusal
end

-- The same up to the end: the options, and a refusal.
local function read_options(args, at, known)
  local options, _, refusal = read_tokens(args, at, known)
  return options or {}, refusal
end
