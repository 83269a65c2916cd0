import { DelayedError, Queue, Worker } from 'bullmq'
import { MessageLists } from './message-lists.ts'
import type { System, SystemOptions } from './system.ts'

export async function bullmq(options: SystemOptions): Promise<System> {
  const lists = new MessageLists(options)
  const connection = { url: options.url }
  const queue = new Queue<{ key: string }>('bench', { connection })
  const jobOptions = { delay: options.wait, removeOnComplete: true, attempts: 5 }
  await queue.waitUntilReady()
  return {
    add: async (message) => {
      if (await lists.push(message)) await queue.add('batch', { key: message.key }, jobOptions)
    },
    addMany: async (messages) => {
      const keys = await lists.pushMany(messages)
      await queue.addBulk(keys.map((key) => ({ name: 'batch', data: { key }, opts: jobOptions })))
    },
    work: async ({ concurrency, handler, completed }) => {
      const worker = new Worker<{ key: string }>(
        'bench',
        async (job, token) => {
          const later = await lists.handle(job.data.key, job.id as string, handler)
          if (later === undefined) return
          await job.moveToDelayed(later, token)
          throw new DelayedError()
        },
        { connection: { ...connection, maxRetriesPerRequest: null }, concurrency },
      )
      worker.on('completed', completed)
      await worker.waitUntilReady()
      return () => worker.close()
    },
    close: async () => {
      await queue.close()
      await lists.close()
    },
  }
}
