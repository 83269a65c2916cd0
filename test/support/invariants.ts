import type { Redis } from 'ioredis'
import { type BatchPolicy, headOf, readMessage, type StoredMessage } from './message.ts'

/** Keys are compared as latin1, which keeps all bytes apart. */
const text = (bytes: Buffer) => bytes.toString('latin1')

async function pairs(reading: Promise<unknown>): Promise<Map<string, string>> {
  const flat = ((await reading) as Buffer[] | Buffer[][]).flat()
  return new Map(Array.from({ length: flat.length / 2 }, (_, n) => [text(flat[2 * n] as Buffer), text(flat[2 * n + 1] as Buffer)]))
}

/**
 * The laws of lua/README.md, checked on the keys of one queue. Returns what is broken, in words; nothing when all holds.
 *
 * @param policies those in force since a key was put into `due`: a shortened one holds from the next look on
 */
export async function brokenInvariants(redis: Redis, root: string, policies?: (key: string) => BatchPolicy[]): Promise<string[]> {
  const broken: string[] = []
  const zset = (part: string) => pairs(redis.callBuffer('ZRANGE', `${root}:${part}`, 0, -1, 'WITHSCORES'))
  const hash = (name: string) => pairs(redis.callBuffer('HGETALL', name))
  const [names, state, due, active, claims, dead, members] = await Promise.all([
    redis.keysBuffer('*'),
    hash(root),
    zset('due'),
    zset('active'),
    hash(`${root}:claims`),
    zset('dead'),
    redis.smembersBuffer(`${root}:overrides`),
  ])
  const overrides = new Set(members.map(text))
  const figure = (field: string) => Number(state.get(field) ?? 0)
  const stored = {
    wait: Number(state.get('wait') ?? 10_000),
    maxWait: Number(state.get('maxWait') ?? 60_000),
    maxSize: Number(state.get('maxSize') ?? 10),
  }

  const lists = new Map<string, StoredMessage[]>()
  const buried = new Map<string, Map<string, string>>()
  await Promise.all(
    names.map(async (name) => {
      if (!text(name).startsWith(root)) return
      const [, part = '', rest = ''] = /^(?::([a-z]+))?(?::(.*))?$/s.exec(text(name).slice(root.length)) ?? []
      if (part === 'messages') lists.set(rest, (await redis.lrangeBuffer(name, 0, -1)).map(readMessage))
      else if (part === 'dead' && rest) buried.set(rest, await hash(text(name)))
      else if (part === 'seen') {
        if ((await redis.pttl(name)) <= 0) broken.push(`${text(name)} does not expire`)
      } else if (part === 'stream') return
      else if (rest || !['', 'due', 'active', 'claims', 'overrides', 'dead'].includes(part)) {
        broken.push(`${text(name)} is no key of a queue`)
      }
    }),
  )

  for (const [key, messages] of lists) {
    if (due.has(key) === active.has(key))
      broken.push(`key ${key} has messages and is in ${due.has(key) ? 'both' : 'neither'} of due and active`)
    const own = messages.some(({ wait, maxWait, maxSize, flush }) => wait || maxWait || maxSize || flush)
    if (own && !overrides.has(key)) broken.push(`key ${key} has a message with options and is not in overrides`)
    const deadline = Math.max(...(policies?.(key) ?? [stored]).map((policy) => headOf(messages, policy)?.deadline ?? 0))
    if (Number(due.get(key) ?? 0) > deadline) broken.push(`key ${key} is due at ${due.get(key)}, later than its deadline ${deadline}`)
  }
  for (const key of [...due.keys(), ...active.keys()]) if (!lists.has(key)) broken.push(`key ${key} is in an index and has no messages`)
  for (const key of overrides) if (!lists.has(key)) broken.push(`key ${key} is in overrides and has no messages`)
  for (const key of active.keys()) {
    const count = Number(claims.get(key)?.split(':')[2])
    const size = lists.get(key)?.length ?? 0
    if (!claims.has(key)) broken.push(`key ${key} is active without a claim`)
    else if (!(count >= 1 && count <= size)) broken.push(`key ${key} has a claim of ${count} messages and ${size} of them`)
  }
  for (const key of claims.keys()) if (!active.has(key)) broken.push(`key ${key} has a claim and is not active`)

  const held = [...lists.values()].reduce((sum, messages) => sum + messages.length, 0)
  const counted = figure('added') - figure('completedMessages') - figure('deadMessages') - figure('droppedMessages')
  if (held !== counted) broken.push(`the counters say ${counted} messages, the lists hold ${held}`)
  let deadMessages = 0
  for (const id of dead.keys()) {
    const count = Number(buried.get(id)?.get('count'))
    if (!(count >= 1) || !buried.get(id)?.has(String(count))) broken.push(`dead batch ${id} has not all of its messages`)
    deadMessages += count
  }
  for (const id of buried.keys()) if (!dead.has(id)) broken.push(`dead batch ${id} is in no index`)
  if (deadMessages !== figure('deadMessages')) {
    broken.push(`the counters say ${figure('deadMessages')} dead messages, there are ${deadMessages}`)
  }
  return broken
}
