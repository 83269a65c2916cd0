import { RapidFire } from '../../../../src/index.ts'
import type { System, SystemOptions } from './system.ts'

/** This library with its default policy, but for the wait. */
export async function rapidfire({ url, wait, ids }: SystemOptions): Promise<System> {
  const client = new RapidFire<{ text: string }>({ redis: url, queue: 'bench', policy: { wait, maxWait: Math.max(wait, 60_000) } })
  await client.version()
  return {
    add: ids ? ({ key, data, id }) => client.addMessage(key, data, { id }) : ({ key, data }) => client.addMessage(key, data),
    addMany: (messages) => client.addMessages(messages.map(({ key, id, data }) => (ids ? { key, id, data } : { key, data }))),
    work: async ({ concurrency, handler, completed }) => {
      const worker = client.worker(({ deadline, messages }) => handler({ count: messages.length, deadline }), { concurrency })
      worker.on('completed', completed)
      const ready = new Promise((resolve) => worker.once('ready', () => resolve(undefined)))
      void worker.run()
      await ready
      return () => worker.close()
    },
    close: () => client.close(),
  }
}
