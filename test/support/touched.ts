import { TEST_SOURCE } from './source.ts'

/** What a call touches: its commands, the elements of their arguments and replies, and the bytes of these. */
export interface Touched {
  commands: number
  elements: number
  bytes: number
}

export const TOUCHED = 'touched'

const COUNTER = `
local touched = { commands = 0, elements = 0, bytes = 0 }
function touched.see(value)
  if type(value) == 'table' then
    for n = 1, #value do touched.see(value[n]) end
    return
  end
  touched.elements, touched.bytes = touched.elements + 1, touched.bytes + #tostring(value)
end
function touched.see_all(...)
  touched.commands = touched.commands + 1
  for n = 1, select('#', ...) do touched.see((select(n, ...))) end
end
function touched.call(...)
  touched.see_all(...)
  local reply = redis.call(...)
  touched.see(reply)
  return reply
end
function touched.pcall(...)
  touched.see_all(...)
  local reply = redis.pcall(...)
  touched.see(reply)
  return reply
end
`

const REPORT = `
redis.register_function('${TOUCHED}', function()
  local told = { touched.commands, touched.elements, touched.bytes }
  touched.commands, touched.elements, touched.bytes = 0, 0, 0
  return told
end)
`

/** The library with a count of what it touches, and a function that tells it and begins anew. */
export function countingLibrary(): string {
  const [first, ...lines] = TEST_SOURCE.library.split('\n')
  return [first, COUNTER, lines.join('\n').replace(/\bredis\.(p?call)\b/g, 'touched.$1'), REPORT].join('\n')
}
