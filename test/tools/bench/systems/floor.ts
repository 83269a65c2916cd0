import { Redis } from 'ioredis'
import type { System, SystemOptions } from './system.ts'

// The messages of a call are pairs: key, text.
const LIBRARY = `#!lua name=floor
redis.register_function('floor_add', function(keys, args)
  for n = 1, #args, 2 do
    redis.call('RPUSH', keys[1] .. ':' .. args[n], args[n + 1])
    redis.call('ZADD', keys[1], 1, args[n])
  end
end)`

/** The least that a batching inside Redis can do: the message into a list, its key into an index. No answer, no check. */
export async function floor({ url }: SystemOptions): Promise<System> {
  const redis = new Redis(url, { enableAutoPipelining: true })
  await redis.function('LOAD', 'REPLACE', LIBRARY)
  return {
    add: ({ key, text }) => redis.fcall('floor_add', 1, 'floor', key, text),
    addMany: (messages) => redis.fcall('floor_add', 1, 'floor', ...messages.flatMap(({ key, text }) => [key, text])),
    close: async () => {
      await redis.quit()
    },
  }
}
