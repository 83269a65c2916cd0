import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as given from '../webhook/fixtures.ts'
import { post, useQueue } from '../webhook/webhook.ts'

/** Whoever may add to one conversation, and knows or guesses the ids of others, must not make their messages duplicates. */
const queue = useQueue()

it('a sender of its own cannot take the ids of a platform', async () => {
  const webhook = queue.webhook()
  const message = given.cloudText(0)
  const stolen = Array.from({ length: 3 }, (_, n) => ({ key: `mallory ${n}`, id: message.id, data: { text: 'mine' } }))
  for (const each of stolen) expect((await webhook(post(each))).status).toBe(200)
  expect((await webhook(post(given.cloudPayload(given.cloudValue([message]))))).status).toBe(200)
  expect(await queue.rapidfire.getStats()).toMatchObject({ messages: 4, totals: { duplicates: 0 } })
})

it('no key and id read together like others', async () => {
  const text = fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('1', '2', ':', 'a') })
  const pairs = fc.uniqueArray(fc.record({ key: text, id: text }), {
    minLength: 2,
    maxLength: 30,
    selector: ({ key, id }) => JSON.stringify([key, id]),
  })
  await fc.assert(
    fc.asyncProperty(pairs, async (messages) => {
      await queue.redis.flushall()
      const results = await queue.rapidfire.addMessages(messages.map((each) => ({ ...each, data: 1 })))
      expect(results.map(({ status }) => status)).toEqual(messages.map(() => 'added'))
    }),
    { numRuns: 50 },
  )
})
