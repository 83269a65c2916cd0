import { Redis } from 'ioredis'
import type { BenchBatch, BenchMessage, SystemOptions } from './system.ts'

// Takes the list of a key when the person has been quiet: returns its elements, or when to look again. What an attempt that crashed
// has taken is there still.
const TAKE = `
local taken = redis.call('LRANGE', KEYS[2], 0, -1)
if #taken > 0 then return taken end
local last = redis.call('LINDEX', KEYS[1], -1)
if not last then return {} end
local deadline = tonumber(string.sub(last, 1, 13)) + ARGV[1]
if deadline > tonumber(ARGV[2]) then return deadline end
redis.call('RENAME', KEYS[1], KEYS[2])
return redis.call('LRANGE', KEYS[2], 0, -1)`

type Take = (from: string, to: string, wait: number, now: number) => Promise<string[] | number>

/**
 * The batching that is built here on job queues: a list for each key, and one delayed job for the first message of a list. The job
 * looks at the last message: either it is made anew for later, or it takes the list. That is the cheapest way; a job for each message would
 * cost several times as much. It is not safe: a crash between RPUSH and the job leaves a list that nothing will look at.
 */
export class MessageLists {
  readonly redis: Redis
  readonly #wait: number
  readonly #take: Take

  constructor({ url, wait }: SystemOptions) {
    this.redis = new Redis(url, { enableAutoPipelining: true })
    this.#wait = wait
    this.redis.defineCommand('takeList', { numberOfKeys: 2, lua: TAKE })
    this.#take = (this.redis as unknown as { takeList: Take }).takeList.bind(this.redis)
  }

  /** Whether it is the first of its key. */
  async push({ key, text }: BenchMessage): Promise<boolean> {
    return (await this.redis.rpush(`list:${key}`, Date.now() + text)) === 1
  }

  /** Returns the keys of which it has the first. */
  async pushMany(messages: readonly BenchMessage[]): Promise<string[]> {
    const pipeline = this.redis.pipeline()
    for (const { key, text } of messages) pipeline.rpush(`list:${key}`, Date.now() + text)
    const replies = (await pipeline.exec()) ?? []
    return messages.filter((_, n) => replies[n]?.[1] === 1).map(({ key }) => key)
  }

  /** Hands the batch of a key to the handler, or returns when to look again. `job` is the same in each attempt. */
  async handle(key: string, job: string, handler: (batch: BenchBatch) => void): Promise<number | undefined> {
    const taken = `taken:${job}`
    const found = await this.#take(`list:${key}`, taken, this.#wait, Date.now())
    if (typeof found === 'number') return found
    handler({ count: found.length, deadline: Number(found.at(-1)?.slice(0, 13)) + this.#wait })
    await this.redis.unlink(taken)
    return undefined
  }

  async close(): Promise<void> {
    await this.redis.quit()
  }
}
