import { isDeepStrictEqual } from 'node:util'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { Lua, noteCoverage } from '../support/lua.ts'
import { useRedis } from '../support/redis.ts'
import { CUT_OFF, NO_PERMISSION, REFUSE, refusingLibrary } from '../support/refusing.ts'
import { ALSO, CALLS, handsOf } from './calls.ts'
import { DAMAGED } from './damaged.ts'
import { REFUSED } from './refused.ts'

let lua: Lua

beforeAll(async () => {
  lua = new Lua(await useRedis(), 'functions')
  await lua.redis.function('LOAD', 'REPLACE', refusingLibrary())
})

beforeEach(() => lua.reset())
noteCoverage(() => lua.redis)

/** What is kept, but not for how long: by the real clock, a reply that is kept once more expires later. */
const contents = async () =>
  Object.fromEntries(Object.entries(await lua.keyspace()).map(([key, content]) => [key, content.replace(/ expires .*/, '')]))

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

/** Types are asked for in the order of a table of Lua, which is another one on another server. */
function inOrder(commands: string[]): string[] {
  const from = commands.findIndex((command) => command.startsWith('TYPE '))
  const upto = commands.findIndex((command, n) => n > from && !command.startsWith('TYPE '))
  const end = upto < 0 ? commands.length : upto
  return from < 0 ? commands : [...commands.slice(0, from), ...commands.slice(from, end).sort(), ...commands.slice(end)]
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
  const lines = found.map(({ outcome, commands }) => `${outcome}: ${inOrder(commands).join(', ')}`)
  expect(lines).toEqual(REFUSED[call])
})

type Damage = 'missing' | 'of another type'

/** Makes the call when one of the keys is damaged, or none. Returns what it says, and what is kept then of other keys, before and after. */
async function damaged(call: string, key?: string, damage?: Damage) {
  await lua.reset()
  const args = (await CALLS[call]?.(handsOf(lua))) ?? []
  if (key) {
    await lua.redis.del(key)
    // No part of a queue is a stream but the streams.
    if (damage === 'of another type')
      await (key.includes(':stream:') ? lua.redis.set(key, 'mine') : lua.redis.xadd(key, '1-1', 'whose', 'mine'))
  }
  const before = await contents()
  const reply = await lua
    .call(call.split(':')[0] as FunctionName, ...args)
    .catch((error: Error) => error.message.replace(/ script: .*/, ''))
  return { reply, before, after: await contents() }
}

/** What differs between two replies: the elements of a list with their places. */
function difference(reply: unknown, free: unknown): string {
  if (isDeepStrictEqual(reply, free)) return 'the same'
  if (!Array.isArray(reply) || !Array.isArray(free) || reply.length !== free.length) return JSON.stringify(reply)
  return reply.flatMap((each, n) => (isDeepStrictEqual(each, free[n]) ? [] : [`${n}: ${difference(each, free[n])}`])).join(', ')
}

/** The keys that differ, without the one that was damaged, and without streams, whose ids are of the real clock. */
function changed(one: Record<string, string>, other: Record<string, string>, without: string): string[] {
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])]
  return keys.filter((key) => key !== without && !key.includes(':stream:') && one[key] !== other[key]).sort()
}

const short = (text: string) => text.replaceAll(`${lua.root}:`, '').replaceAll(lua.root, '.')

async function outcomeOf(
  call: string,
  key: string,
  damage: Damage,
  free: { reply: unknown; after: Record<string, string> },
): Promise<string> {
  const { reply, before, after } = await damaged(call, key, damage)
  const [otherwise, written] = [changed(after, free.after, key), changed(after, before, key)]
  const says = short(difference(reply, free.reply))
    .replace(/^"RAPIDFIRE_WRONG_TYPE expected a \w+ at '.*'"$/, 'WRONG_TYPE')
    .replace(/^"WRONGTYPE.*/, 'cut off')
  return `${says}${otherwise.length === 0 ? '' : written.length === 0 ? ', nothing written' : `, otherwise ${otherwise.map(short).join(' ')}`}`
}

it.each(Object.keys(CALLS))('each key of a call may be missing, or of another type: %s', async (call) => {
  const { asked } = await refused(call, 0)
  const keys = new Set(
    asked.flatMap((command) =>
      /^(EXISTS|MGET|PUBLISH|PUBSUB|XINFO) | \.:$|test:clock$/.test(command) ? [] : [command.replace(/^\S+ /, '')],
    ),
  )
  const free = await damaged(call)
  const found: Record<string, string[]> = {}
  for (const key of [...keys].sort()) {
    for (const damage of ['missing', 'of another type'] as const) {
      const outcome = `${damage}: ${await outcomeOf(call, key === '.' ? lua.root : `${lua.root}:${key}`, damage, free)}`
      found[outcome] = [...(found[outcome] ?? []), key]
    }
  }
  const lines = Object.entries(found).map(([outcome, of]) => `${of.join(', ')} ${outcome}`)
  expect(lines).toEqual(DAMAGED[call])
})
