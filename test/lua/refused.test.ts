import { isDeepStrictEqual } from 'node:util'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { Lua, noteCoverage } from '../support/lua.ts'
import { useRedis } from '../support/redis.ts'
import { CUT_OFF, NO_PERMISSION, REFUSE, refusingLibrary } from '../support/refusing.ts'
import { ALSO, CALLS, handsOf } from './calls.ts'
import { TABLE } from './refused.ts'

let lua: Lua

beforeAll(async () => {
  lua = new Lua(await useRedis(), 'functions')
  await lua.redis.function('LOAD', 'REPLACE', refusingLibrary())
})

beforeEach(() => lua.reset())
noteCoverage(() => lua.redis)

/** What is kept, but not for how long: by the real clock, a reply that is kept once more expires later. */
const contents = async () =>
  Object.entries(await lua.keyspace())
    .map(([key, content]) => key + content.replace(/ expires .*/, ''))
    .sort()

const told = (reply: unknown) => (reply instanceof Error ? reply.message : JSON.stringify(reply))

/** Makes the call for a user who may not use its command with this number; 0: who may use all. Returns what came of it, and what was asked of Redis. */
async function refused(call: string, number: number, free?: string) {
  await lua.reset()
  const args = (await CALLS[call]?.(handsOf(lua))) ?? []
  const before = await contents()
  const also = (ALSO[call] ?? []).map((name) => name.replace(' ', ` ${lua.root}:`))
  await lua.redis.fcall(REFUSE, 0, number, ...also)
  const said = told(await lua.call(call.split(':')[0] as FunctionName, ...args).catch((error: Error) => error))
  const asked = ((await lua.redis.fcall(REFUSE, 0, 0)) as string[]).map((name) => name.replace(`${lua.root}`, '.').replace(/ .:(?=.)/, ' '))
  const how = said.startsWith(CUT_OFF) ? 'cut off' : said === NO_PERMISSION ? 'refused' : said === free ? 'goes on' : 'says otherwise'
  const refuses = how === 'cut off' || how === 'refused'
  const half = refuses && !isDeepStrictEqual(await contents(), before) ? ', half done' : ''
  return { said, asked, outcome: how + half }
}

it.each(Object.keys(CALLS))('each command of a call may be refused: %s', async (call) => {
  const { said, asked } = await refused(call, 0)
  const found: { outcome: string; commands: string[] }[] = []
  for (const [n, command] of asked.entries()) {
    // The clock of the tests.
    if (command === 'GET test:clock') continue
    const { outcome } = await refused(call, n + 1, said)
    const last = found.at(-1)
    if (last?.outcome === outcome) last.commands.push(command)
    else found.push({ outcome, commands: [command] })
  }
  const lines = found.map(({ outcome, commands }) => `${outcome}: ${commands.join(', ')}`)
  expect(lines).toEqual(TABLE[call])
})
