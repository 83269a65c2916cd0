import { RapidFire } from '../../../../src/index.ts'
import { partitionOf } from '../../../../src/partitions/roots.ts'
import type { System, SystemOptions } from './system.ts'

/** This library with its default policy, but for the wait, the largest batch, and what it is told to keep. Of several queues each has a client and a worker, as an application has. */
export async function rapidfire({ url, wait, ids, queues = 1, batch, policy }: SystemOptions): Promise<System> {
  const clients = Array.from(
    { length: queues },
    (_, n) =>
      new RapidFire<{ text: string }>({
        ...{ redis: url, queue: queues === 1 ? 'bench' : `bench-${n}` },
        policy: { wait, maxWait: Math.max(wait, 60_000), ...(batch && { maxSize: batch }), ...policy },
      }),
  )
  const [client] = clients as [RapidFire<{ text: string }>]
  const of = (key: string) => (queues === 1 ? client : (clients[partitionOf(key, queues)] as RapidFire<{ text: string }>))
  await Promise.all(clients.map((each) => each.version()))
  return {
    add: ids ? ({ key, data, id }) => of(key).addMessage(key, data, { id }) : ({ key, data }) => of(key).addMessage(key, data),
    addMany: (messages) => client.addMessages(messages.map(({ key, id, data }) => (ids ? { key, id, data } : { key, data }))),
    work: async ({ concurrency, handler, completed }) => {
      const workers = clients.map((each) =>
        each.worker(({ deadline, messages }) => handler({ count: messages.length, deadline }), { concurrency }),
      )
      const ready = Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('ready', () => resolve(undefined)))))
      for (const worker of workers) {
        worker.on('completed', completed)
        void worker.run()
      }
      await ready
      return async () => {
        await Promise.all(workers.map((worker) => worker.close()))
      }
    },
    close: async () => {
      await Promise.all(clients.map((each) => each.close()))
    },
  }
}
