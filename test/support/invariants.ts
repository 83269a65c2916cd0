import type { Redis } from 'ioredis'

/** The laws of lua/README.md, checked on the keys of one queue. Returns what is broken, in words; nothing when all holds. */
export async function brokenInvariants(redis: Redis, root: string): Promise<string[]> {
  const broken: string[] = []
  const prefix = `${root}:messages:`
  const lists = new Map<string, string[]>()
  for (const name of await redis.keys('*')) {
    if (name.startsWith(prefix)) lists.set(name.slice(prefix.length), await redis.lrange(name, 0, -1))
  }
  const scores = async (part: string) => {
    const flat = ((await redis.call('ZRANGE', `${root}:${part}`, 0, -1, 'WITHSCORES')) as string[][]).flat().map(String)
    return new Map(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n] as string, Number(flat[2 * n + 1])]))
  }
  const [due, active, claims, dead] = [
    await scores('due'),
    await scores('active'),
    await redis.hgetall(`${root}:claims`),
    await scores('dead'),
  ]
  const state = await redis.hgetall(root)
  const overrides = new Set(await redis.smembers(`${root}:overrides`))

  for (const [key, messages] of lists) {
    if (due.has(key) === active.has(key))
      broken.push(`key ${key} has messages and is in ${due.has(key) ? 'both' : 'neither'} of due and active`)
    const own = messages.some((message) => /^\d+ \d+,/.test(message))
    if (own && !overrides.has(key)) broken.push(`key ${key} has a message with options and is not in overrides`)
    const score = due.get(key)
    if (score !== undefined && !own) {
      const wait = Number(state.wait ?? 10_000)
      const last = Number(messages.at(-1)?.slice(0, 13))
      const first = Number(messages[0]?.slice(0, 13))
      const deadline = Math.min(last + wait, first + Number(state.maxWait ?? 60_000))
      if (score > deadline) broken.push(`key ${key} is due at ${score}, later than its deadline ${deadline}`)
    }
  }
  for (const key of [...due.keys(), ...active.keys()]) if (!lists.has(key)) broken.push(`key ${key} is in an index and has no messages`)
  for (const key of overrides) if (!lists.has(key)) broken.push(`key ${key} is in overrides and has no messages`)
  for (const key of active.keys()) {
    const count = Number(claims[key]?.split(':')[2])
    const size = lists.get(key)?.length ?? 0
    if (!claims[key]) broken.push(`key ${key} is active without a claim`)
    else if (!(count >= 1 && count <= size)) broken.push(`key ${key} has a claim of ${count} messages and ${size} of them`)
  }
  for (const key of Object.keys(claims)) if (!active.has(key)) broken.push(`key ${key} has a claim and is not active`)

  const held = [...lists.values()].reduce((sum, messages) => sum + messages.length, 0)
  const counted =
    Number(state.added ?? 0) - Number(state.completedMessages ?? 0) - Number(state.deadMessages ?? 0) - Number(state.droppedMessages ?? 0)
  if (held !== counted) broken.push(`the counters say ${counted} messages, the lists hold ${held}`)
  let buried = 0
  for (const id of dead.keys()) buried += Number(await redis.hget(`${root}:dead:${id}`, 'count'))
  if (buried !== Number(state.deadMessages ?? 0))
    broken.push(`the counters say ${state.deadMessages ?? 0} dead messages, there are ${buried}`)
  return broken
}
