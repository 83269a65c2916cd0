import { RapidFire } from '../../../src/index.ts'
import type { System } from './system.ts'

/** This library with its default policy. */
export function rapidfire(url: string): System {
  const client = new RapidFire<{ text: string }>({ redis: url, queue: 'bench' })
  return {
    name: 'rapidfire',
    commands: ['fcall'],
    add: ({ key, data }) => client.addMessage(key, data),
    addMany: (messages) => client.addMessages(messages.map(({ key, data }) => ({ key, data }))),
    drain: async (concurrency) => (await client.processPendingBatches(() => {}, { concurrency })).completed,
    close: () => client.close(),
  }
}

/** The same, with a message id to find duplicates by. */
export function rapidfireWithIds(url: string): System {
  const client = new RapidFire<{ text: string }>({ redis: url, queue: 'bench' })
  return {
    name: 'rapidfire, with ids',
    commands: ['fcall'],
    add: ({ key, data, id }) => client.addMessage(key, data, { id }),
    addMany: (messages) => client.addMessages(messages),
    close: () => client.close(),
  }
}
