import type { Lua } from '../support/lua.ts'

/** The data of messages that were added without an id. */
export const texts = (messages: string[]) => messages.map((message) => message.replace(/^\d+ 0[^ ]* /, ''))

/** Adds messages to a key and lets their batch die; returns its id. */
export async function bury(lua: Lua, key: string, ...data: (string | number)[]): Promise<string> {
  await lua.addAll(...data.flatMap((each, n) => [...(n ? ['NEXT'] : []), key, each]), 'FLUSH')
  const [, , batch] = await lua.call('claim_ready', 'LIMIT', 1)
  if (batch?.[0] !== key) throw new Error(`expected a batch of ${key}, got one of ${batch?.[0]}`)
  await lua.call('fail', key, batch[1], 'ATTEMPTS', 1, 'ERROR', `no ${key}`)
  return batch[1].slice(0, -2)
}
