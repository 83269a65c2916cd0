import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { createWebhook } from '../../src/webhook/index.ts'
import { Lua } from '../support/lua.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { post } from '../webhook/webhook.ts'

/** Somebody who gets hold of all that Redis has, after a person was erased. */
const PERSON = '79001234567'
const TEXT = 'my diagnosis'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

/** Names of the keys in which a text is found, in the name or in any value. */
async function found(text: string): Promise<string[]> {
  const all = await new Lua(server, 'functions').keyspace()
  return Object.entries(all)
    .filter(([name, content]) => name.includes(text) || content.includes(text))
    .map(([name]) => name)
}

type Client = RapidFire<any>

const take = async (rapidfire: Client, key: string) => {
  const batches = []
  for (let left = 1; left > 0; ) {
    const some = await rapidfire.claimReady()
    batches.push(...some.batches)
    left = some.batches.length
  }
  for (const batch of batches) if (batch.key !== key) await rapidfire.release(batch)
  const [batch] = batches.filter((each) => each.key === key)
  if (!batch) throw new Error(`nothing of ${key} is ready`)
  return batch
}

/** How the list of the person is left. */
const STATES: Record<string, (rapidfire: Client) => Promise<unknown>> = {
  open: async () => {},
  'with a worker': (rapidfire) => take(rapidfire, PERSON),
  'to be tried again': async (rapidfire) => rapidfire.fail(await take(rapidfire, PERSON), { delay: 60_000, error: TEXT }),
  'given back': async (rapidfire) => rapidfire.release(await take(rapidfire, PERSON)),
}
const LAYOUTS: [string, number, number][] = [
  ['without partitions', 1, 1],
  ['with partitions', 4, 4],
  ['with partitions that have changed', 1, 3],
]

it.each(LAYOUTS.flatMap((layout) => Object.keys(STATES).map((state) => [...layout, state] as const)))(
  'nothing of a person is found once it was erased: %s (%i, then %i), %s',
  async (_, before, after, state) => {
    const rapidfire: Client = new RapidFire({ redis: server.redis, queue: 'clinic', policy: { partitions: before } })
    onTestFinished(() => rapidfire.close())
    const say = (key: string, options = {}) => rapidfire.addMessage(key, { text: TEXT }, options)
    const buried: string[] = []
    for (const key of [PERSON, PERSON, 'other']) {
      await say(key, { flush: true, id: `wamid.${key}.${buried.length}` })
      const batch = await take(rapidfire, key)
      await rapidfire.fail(batch, { attempts: 1, error: `no answer to ${TEXT}` })
      buried.push(batch.id)
    }
    for (const [key, stream] of [
      [PERSON, 'batches'],
      [PERSON, 'archive \n'],
      ['other', 'batches'],
    ] as const) {
      await say(key, { flush: true })
      await rapidfire.forward(stream)
    }
    const [name = ''] = (await server.redis.keys('*:stream:batches')).slice(0, 1)
    await server.redis.xgroup('CREATE', name, 'bots', '0')
    await server.redis.xreadgroup('GROUP', 'bots', 'bot', 'STREAMS', name, '>')
    await rapidfire.policy({ archive: 600_000 })
    for (const key of [PERSON, 'other']) {
      await say(key, { flush: true, id: `wamid.archived.${key}` })
      expect(await rapidfire.complete(await take(rapidfire, key), { result: `wrote of ${TEXT}` })).toBe('completed')
    }
    if (after !== before) await rapidfire.policy({ partitions: after })
    await rapidfire.requeue(buried.slice(0, 1))
    const webhook = createWebhook<any>(rapidfire, {
      redis: server.redis,
      unsigned: ['generic'],
      rateLimit: { perConversation: { points: 1, duration: 60 } },
    })
    const payload = (id: string) => post({ key: PERSON, id, data: { text: TEXT } })
    expect([(await webhook(payload('w1'))).status, (await webhook(payload('w2'))).status]).toEqual([200, 429])
    await STATES[state]?.(rapidfire)
    await say(PERSON, { wait: 5000, maxSize: 7 })
    await say('other', { wait: 5000 })
    const kinds = new Set((await found(PERSON)).map((key) => key.replace(/^[^}]*}:?/, '').split(':')[0]))
    const index = state === 'open' ? ['due'] : ['active', 'claims', 'calls']
    expect([...kinds]).toEqual(expect.arrayContaining(['messages', 'overrides', 'dead', 'stream', 'rate', 'archive', ...index]))

    expect(await rapidfire.erase(PERSON)).toEqual({
      ...{
        messages: 3,
        claimed: state === 'with a worker',
        deadBatches: 1,
        deadMessages: 1,
        streamEntries: 2,
        rateKeys: 2,
        archivedBatches: 1,
      },
    })

    // Of whom it was claimed stands in the replies that are kept for a while.
    const left = await found(PERSON)
    expect(left.filter((key) => !key.includes(':calls:'))).toEqual([])
    for (const key of left) expect(await server.redis.pttl(key)).toBeGreaterThan(0)
    const others = new Set((await found(TEXT)).map((key) => key.replace(/^[^}]*}:/, '').split(':')[0]))
    expect([...others].sort()).toEqual(['archive', 'dead', 'messages', 'stream'])
    expect(await found('wamid')).toHaveLength(2)

    expect((await rapidfire.check()).violations).toEqual([])
    expect(await rapidfire.peek('other')).toMatchObject({ size: 1 })
    expect(await rapidfire.dead()).toMatchObject([{ key: 'other' }])
    expect(await say(PERSON, { id: `wamid.${PERSON}.0` })).toEqual({ status: 'duplicate', size: 0 })
    expect(await say(PERSON)).toEqual({ status: 'added', size: 1 })
  },
)
