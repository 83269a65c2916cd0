import { EventEmitter } from 'node:events'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { WebhookEvents } from '../../src/events.ts'
import type { ChatMessage } from '../../src/webhook/index.ts'
import * as given from './fixtures.ts'
import { post, read, useQueue } from './webhook.ts'

const queue = useQueue()

/** What is posted in each step, and what the answer counts. */
async function posting(...payloads: unknown[]) {
  const webhook = queue.webhook()
  const answers: unknown[] = []
  for (const payload of payloads) answers.push((await read(await webhook(post(payload)))).body)
  return answers
}

const stored = async (key: string) =>
  (await queue.rapidfire.peek(key)).messages.map(({ id, data }) => [id, (data as ChatMessage).text, data as ChatMessage] as const)

const [venomNumber, person] = ['79001234567@c.us', '79007654321@c.us']
const web = (id: string, rest: object) => ({
  ...{ id: { fromMe: false, remote: person, id, _serialized: id }, from: person, to: venomNumber, type: 'chat', timestamp: 1_749_416_383 },
  ...rest,
})
const cloud = (message: object) =>
  given.cloudPayload(given.cloudValue([{ from: '16505551234', timestamp: '1749416383', ...message }] as never))
const telegram = (update_id: number, kind: string, rest: object) => ({
  update_id,
  [kind]: { message_id: 7, date: 1_749_416_383, chat: { id: 42, type: 'private' }, from: { id: 42, first_name: 'Ann' }, ...rest },
})

/** Of each source: a message, another, the first edited, and withdrawn, where that comes; their ids. */
const SOURCES = [
  {
    source: 'whatsapp-cloud',
    first: cloud({ id: 'wamid.1', type: 'text', text: { body: 'at 17' } }),
    edit: cloud({
      ...{ id: 'wamid.2', type: 'edit' },
      edit: { original_message_id: 'wamid.1', message: { type: 'text', text: { body: 'at 18' } } },
    }),
    withdrawal: cloud({ id: 'wamid.3', type: 'revoke', revoke: { original_message_id: 'wamid.1' } }),
    id: 'wamid.1',
  },
  {
    source: 'telegram',
    first: telegram(1, 'business_message', { text: 'at 17', business_connection_id: 'b' }),
    edit: telegram(2, 'edited_business_message', { text: 'at 18', edit_date: 1_749_416_390, business_connection_id: 'b' }),
    withdrawal: {
      update_id: 3,
      deleted_business_messages: { business_connection_id: 'b', chat: { id: 42, type: 'private' }, message_ids: [7] },
    },
    id: 'b:42:7',
  },
  {
    source: 'whatsapp-web',
    first: web('true_1', { body: 'at 17' }),
    edit: web('true_1', { body: 'at 18', latestEditMsgKey: { _serialized: 'true_1' }, latestEditSenderTimestampMs: 1_749_416_390_123 }),
    withdrawal: web('true_2', { type: 'revoked', body: '', protocolMessageKey: { _serialized: 'true_1' } }),
    id: 'true_1',
  },
  {
    source: 'generic',
    first: { key: 'ann', id: 'm1', data: { text: 'at 17' } },
    edit: { key: 'ann', id: 'e1', edits: 'm1', data: { text: 'at 18', edits: 'm1' } },
    withdrawal: { key: 'ann', id: 'w1', withdraws: 'm1', data: { text: '', withdraws: 'm1' } },
    id: 'm1',
  },
]

describe.each(SOURCES)('$source', ({ first, edit, withdrawal, id }) => {
  const keyOf = async () => {
    const [name = ''] = (await queue.keys()).filter((key) => key.includes(':messages:'))
    return name.replace(/^.*?:messages:/, '')
  }

  it('an edit takes the place of a message that is open, and says so; a withdrawal leaves nothing', async () => {
    const replaced = { added: 0, duplicates: 0, changed: 1 }
    expect(await posting(first, edit, edit)).toMatchObject([{ added: 1, duplicates: 0 }, replaced, { added: 0, duplicates: 1 }])
    const key = await keyOf()
    expect(await stored(key)).toEqual([[id, 'at 18', expect.objectContaining({ edits: id })]])
    expect(await posting(withdrawal, withdrawal)).toMatchObject([replaced, { added: 0, duplicates: 1 }])
    expect(await stored(key)).toEqual([])
    // It is still known.
    expect(await posting(first)).toMatchObject([{ added: 0, duplicates: 1 }])
  })

  it('each is a message of its own when somebody works on the one that it changes', async () => {
    await queue.rapidfire.policy({ maxSize: 1 })
    await posting(first)
    const [batch] = (await queue.rapidfire.claimReady()).batches
    const key = batch?.key as string
    const stays = { added: 1, duplicates: 0 }
    expect(await posting(edit, withdrawal)).toEqual([stays, stays])
    expect((await stored(key)).map(([, text, { edits, withdraws }]) => [text, edits, withdraws])).toEqual([
      ['at 17', undefined, undefined],
      ['at 18', id, undefined],
      ['', undefined, id],
    ])
  })
})

it('an edited_message of Telegram takes the place of the message', async () => {
  const edited = telegram(2, 'edited_message', { text: 'at 18', edit_date: 1_749_416_390 })
  const answers = await posting(telegram(1, 'message', { text: 'at 17' }), edited)
  expect(answers[1]).toEqual({ added: 0, duplicates: 0, changed: 1 })
  expect(await stored('telegram:42')).toEqual([['42:7', 'at 18', expect.objectContaining({ sentAt: 1_749_416_390_000 })]])
})

it('a business chat of Telegram takes back what is open, and tells of the rest', async () => {
  const business = telegram(1, 'business_message', { text: 'at 17', business_connection_id: 'b' })
  const deleted = {
    update_id: 3,
    deleted_business_messages: { business_connection_id: 'b', chat: { id: 42, type: 'private' }, message_ids: [7, 8] },
  }
  expect(await posting(business, deleted)).toEqual([
    { added: 1, duplicates: 0 },
    { added: 1, duplicates: 0, changed: 1 },
  ])
})

it('an edit is told to who listens, and goes through the limits', async () => {
  const redis = new Redis(queue.redis.options)
  onTestFinished(() => redis.disconnect())
  const events = new EventEmitter<WebhookEvents>()
  const told: unknown[] = []
  events.on('stored', (request) => told.push(request))
  const webhook = queue.webhook({ events, redis, rateLimit: { newConversations: { points: 1, duration: 60 } } })
  const say = async (message: object) => (await read(await webhook(post({ key: 'ann', data: { text: 'x' }, ...message })))).status
  expect([await say({ id: 'm1' }), await say({ id: 'e1', edits: 'm1' }), await say({ id: 'w1', withdraws: 'm1' })]).toEqual([200, 200, 200])
  expect(told).toEqual([
    { source: 'generic', added: 1, duplicates: 0, changed: 0 },
    { source: 'generic', added: 0, duplicates: 0, changed: 1 },
    { source: 'generic', added: 0, duplicates: 0, changed: 1 },
  ])
  // A new conversation once more, of which there was one already.
  expect(await say({ id: 'e2', edits: 'm1' })).toBe(429)
})

it('what says of itself that it changes itself, or what has no id, changes nothing and is stored', async () => {
  const own = cloud({ id: 'wamid.1', type: 'revoke', revoke: { original_message_id: 'wamid.1' } })
  const none = cloud({ id: 'wamid.2', type: 'revoke', revoke: { original_message_id: '' } })
  const long = cloud({ id: 'wamid.3', type: 'revoke', revoke: { original_message_id: 'x'.repeat(600) } })
  for (const answer of await posting(own, none, long)) expect(answer).toEqual({ added: 1, duplicates: 0 })
})

it('an edit of a message whose id Redis would not take finds it', async () => {
  const id = `wamid.${'x'.repeat(600)}`
  const edit = { original_message_id: id, message: { type: 'text', text: { body: 'at 18' } } }
  const answers = await posting(cloud({ id, type: 'text', text: { body: 'at 17' } }), cloud({ id: 'wamid.2', type: 'edit', edit }))
  expect(answers).toEqual([
    { added: 1, duplicates: 0 },
    { added: 0, duplicates: 0, changed: 1 },
  ])
})

it.each([{ edits: '' }, { edits: 5 }, { edits: 'x'.repeat(513) }, { withdraws: 'm1' }, { edits: 'm1' }, { edits: 'a', withdraws: 'b' }])(
  'a message of an own sender is refused that cannot change what it names: %j',
  async (change) => {
    const answer = await read(await queue.webhook()(post({ key: 'ann', id: 'm1', data: 1, ...change })))
    expect([answer.status, answer.body.code]).toEqual([400, 'BAD_MESSAGE'])
    expect(answer.body.detail).toContain('edits or withdraws must be the id of another message')
  },
)
