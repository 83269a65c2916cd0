import type { CountedRedis } from './callgrind.ts'
import { type Binding, Caller, type Row } from './rows.ts'

/** So many calls do not count: Redis and Lua make room for what they need with the first ones. */
const WARM = 60
const COUNTED = 600

/** What Redis spends on taking a command and replying to it. */
export async function priceOfPing({ redis, count }: CountedRedis): Promise<number> {
  const ping = async () => {
    for (let n = 0; n < COUNTED; n += 1) await redis.ping()
  }
  await ping()
  return (await count(ping)) / COUNTED
}

/** How many instructions one unit of a row takes, without what a PING for each of its commands does. */
export async function priceOf(row: Row, server: CountedRedis, binding: Binding, ping: number): Promise<number> {
  const caller = new Caller(server.redis, binding)
  await caller.prepare()
  await row.before?.(caller)
  const units = row.of ? COUNTED / row.of / 6 : COUNTED
  for (let n = 0; n < Math.min(WARM, row.of ? 1 : units); n += 1) await row.unit(caller, 1_000_000 + n)
  caller.sent = 0
  const spent = await server.count(async () => {
    for (let n = 0; n < units; n += 1) await row.unit(caller, n)
  })
  return Math.round((spent - ping * caller.sent) / units / (row.of ?? 1))
}
