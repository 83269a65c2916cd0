import { TEST_SOURCE } from './source.ts'

export const REFUSE = 'refuse'

/** What a call says that is broken off, and what is replied to a command that the user may not use. */
export const [CUT_OFF, NO_PERMISSION] = ['CUT_OFF here', 'NOPERM no right']

const REFUSING = `
local refusing = { asked = {}, number = 0, names = {} }
function refusing.is_refused(command, key)
  local name = command .. ' ' .. tostring(key)
  refusing.asked[#refusing.asked + 1] = name
  if #refusing.asked == refusing.number then refusing.names[name] = true end
  return refusing.names[name]
end
function refusing.call(command, key, ...)
  if refusing.is_refused(command, key) then error({ err = '${CUT_OFF}' }) end
  return redis.call(command, key, ...)
end
function refusing.pcall(command, key, ...)
  if refusing.is_refused(command, key) then return { err = '${NO_PERMISSION}' } end
  return redis.pcall(command, key, ...)
end
`

const REPORT = `
redis.register_function('${REFUSE}', function(keys, args)
  local asked = refusing.asked
  refusing.asked, refusing.number, refusing.names = {}, tonumber(args[1]), {}
  for n = 2, #args do refusing.names[args[n]] = true end
  return asked
end)
`

/**
 * The library as it runs for a user who may not use some commands on some keys, and a function that chooses them: of the next commands the one with
 * this number, 0 for none, the same on the same key from then on, and what is named behind the number: '<command> <key>'. It replies what was asked
 * of Redis since it was called last.
 */
export function refusingLibrary(): string {
  const [first, ...lines] = TEST_SOURCE.library.split('\n')
  return [first, REFUSING, lines.join('\n').replace(/\bredis\.(p?call)\b/g, 'refusing.$1'), REPORT].join('\n')
}
