import BeeQueue from 'bee-queue'
import { MessageLists } from './message-lists.ts'
import type { System, SystemOptions } from './system.ts'

/** Delayed jobs are raised at the ms instead of once a second, at a cost that is not visible here. */
const PRECISE = { activateDelayedJobs: true, delayedDebounce: 1 }

/** Nothing that is not used. */
const LEAN = { getEvents: false, sendEvents: false, storeJobs: false, removeOnSuccess: true }

export async function beeQueue(options: SystemOptions): Promise<System> {
  const lists = new MessageLists(options)
  const redis = { url: options.url }
  const queue = new BeeQueue('bench', { redis, isWorker: false, ...LEAN })
  const job = (key: string, at: number) => queue.createJob({ key }).delayUntil(at).retries(5)
  await queue.ready()
  return {
    add: async (message) => {
      if (await lists.push(message)) await job(message.key, Date.now() + options.wait).save()
    },
    addMany: async (messages) => {
      const keys = await lists.pushMany(messages)
      await queue.saveAll(keys.map((key) => job(key, Date.now() + options.wait)))
    },
    work: async ({ concurrency, handler, completed }) => {
      const worker = new BeeQueue('bench', { redis, ...LEAN, ...PRECISE })
      // Such jobs come to an end as well, without a batch.
      const delayed = new Set<string>()
      worker.on('succeeded', ({ id }) => {
        if (!delayed.delete(id)) completed()
      })
      worker.process(concurrency, async ({ id, data }) => {
        const later = await lists.handle(data.key, id, handler)
        if (later === undefined) return
        delayed.add(id)
        await job(data.key, later).save()
      })
      await worker.ready()
      return () => worker.close()
    },
    close: async () => {
      await queue.close()
      await lists.close()
    },
  }
}
