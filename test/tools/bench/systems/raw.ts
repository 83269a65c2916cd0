import { Redis } from 'ioredis'
import type { System, SystemOptions } from './system.ts'

/** What the others are compared with: RPUSH alone, as fast as ioredis sends it. It knows no deadline, no duplicate and no bound. */
export function raw({ url }: SystemOptions): System {
  const redis = new Redis(url, { enableAutoPipelining: true })
  return {
    add: ({ key, text }) => redis.rpush(key, text),
    addMany: (messages) => {
      const pipeline = redis.pipeline()
      for (const { key, text } of messages) pipeline.rpush(key, text)
      return pipeline.exec()
    },
    close: async () => {
      await redis.quit()
    },
  }
}
