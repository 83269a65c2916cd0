import { Redis } from 'ioredis'
import type { System, SystemOptions } from './system.ts'

const LISTS = 'messages:'
const TIMES = 'last:'

/**
 * What rapidfire replaces: a list and the time of the last message for each key; once a second a look at all keys, and those that have been
 * quiet are handled one after the other. There is no lease, and a message that arrives between LRANGE and DEL is lost.
 */
export function poller({ url, wait }: SystemOptions): System {
  const redis = new Redis(url, { enableAutoPipelining: true })
  return {
    add: ({ key, text }) => Promise.all([redis.rpush(LISTS + key, text), redis.set(TIMES + key, Date.now())]),
    addMany: (messages) => {
      const pipeline = redis.pipeline()
      for (const { key, text } of messages) pipeline.rpush(LISTS + key, text).set(TIMES + key, Date.now())
      return pipeline.exec()
    },
    work: async ({ handler, completed }) => {
      let stopped = false
      const handleIfQuiet = async (time: string) => {
        const deadline = Number(await redis.get(time)) + wait
        if (deadline > Date.now()) return
        const list = LISTS + time.slice(TIMES.length)
        const messages = await redis.lrange(list, 0, -1)
        await redis.del(list, time)
        handler({ count: messages.length, deadline })
        completed()
      }
      const look = async () => {
        for await (const times of redis.scanStream({ match: `${TIMES}*`, count: 1000 })) {
          // SCAN may name a key twice.
          for (const time of new Set<string>(times)) if (!stopped) await handleIfQuiet(time)
        }
      }
      let looking = look()
      const timer = setInterval(() => {
        looking = looking.then(look)
      }, 1000)
      return async () => {
        stopped = true
        clearInterval(timer)
        await looking
      }
    },
    close: async () => {
      await redis.quit()
    },
  }
}
