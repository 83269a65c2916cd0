import { Queue, Worker } from 'groupmq'
import { Redis } from 'ioredis'
import { MessageLists } from './message-lists.ts'
import type { System, SystemOptions } from './system.ts'

/** How often delayed jobs are promoted, at most 32 of them; once a second by default. */
const PROMOTE_EVERY = 10

export async function groupmq(options: SystemOptions): Promise<System> {
  const lists = new MessageLists(options)
  const redis = new Redis(options.url, { maxRetriesPerRequest: null })
  const open = () =>
    new Queue<{ key: string }>({ redis, namespace: 'bench', autoBatch: { size: 50, maxWaitMs: 1 }, schedulerLockTtlMs: PROMOTE_EVERY })
  const queue = open()
  const addJob = (key: string, delay: number) => queue.add({ groupId: key, data: { key }, delay, maxAttempts: 5 })
  return {
    add: async (message) => {
      if (await lists.push(message)) await addJob(message.key, options.wait)
    },
    addMany: async (messages) => {
      const keys = await lists.pushMany(messages)
      await Promise.all(keys.map((key) => addJob(key, options.wait)))
    },
    work: async ({ concurrency, handler, completed }) => {
      const delayed = new Set<string>()
      const worker = new Worker<{ key: string }>({
        queue: open(),
        concurrency,
        schedulerIntervalMs: PROMOTE_EVERY,
        handler: async ({ id, data }) => {
          const later = await lists.handle(data.key, id, handler)
          if (later === undefined) return
          delayed.add(id)
          await addJob(data.key, later - Date.now())
        },
      })
      worker.on('completed', ({ id }) => {
        if (!delayed.delete(id)) completed()
      })
      void worker.run()
      return () => worker.close()
    },
    close: async () => {
      await queue.close()
      await lists.close()
    },
  }
}
