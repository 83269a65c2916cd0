import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allSources, generic, telegram, whatsappCloud, whatsappWeb } from '../../src/webhook/index.ts'
import { brokenLaws } from '../support/laws.ts'
import * as given from './fixtures.ts'
import { anything, spoiled } from './payloads.ts'
import { post, read, useQueue } from './webhook.ts'

const queue = useQueue()

const cloud = given.cloudPayload(given.cloudValue([given.cloudText(0), given.cloudImage, ...given.cloudOthers]), given.cloudStatus)
const inGroup = given.cloudPayload(given.cloudValue([{ ...given.cloudText(1), group_id: 'group' }]))

const SOURCES = [
  ['WhatsApp Cloud API', whatsappCloud(), fc.oneof(spoiled(cloud), spoiled(inGroup))],
  ['venom-bot', whatsappWeb(), fc.oneof(spoiled([given.venomText(0), given.venomGroup('1', 1)]), spoiled(given.venomImage))],
  ['whatsapp-web.js', whatsappWeb({ groups: 'sender' }), fc.oneof(spoiled(given.webJsText), spoiled([given.webJsImage]))],
  ['Telegram', telegram({ groups: 'sender' }), fc.oneof(spoiled(given.telegramUpdate(0)), spoiled(given.telegramPhoto))],
] as const

describe.each(SOURCES)('%s', (_, source, payloads) => {
  it('takes anything, and gives messages that are whole', () => {
    let messages = 0
    fc.assert(
      fc.property(fc.oneof({ arbitrary: payloads, weight: 4 }, { arbitrary: anything, weight: 1 }), (payload) => {
        for (const { key, id, data } of source.read(JSON.parse(JSON.stringify(payload) ?? 'null')) ?? []) {
          messages += 1
          expect(Buffer.byteLength(key)).toBeGreaterThan(0)
          expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1024)
          expect(Buffer.byteLength(id as string)).toBeGreaterThan(0)
          expect(Buffer.byteLength(id as string)).toBeLessThanOrEqual(512)
          expect([typeof data.text, typeof data.from]).toEqual(['string', 'string'])
          expect(data.type).toMatch(/^\w+$/)
          for (const name of ['name', 'to', 'replyTo', 'thread', 'edits', 'withdraws', 'choice', 'album'] as const)
            expect(['string', 'undefined']).toContain(typeof data[name])
          expect(data.sentAt === undefined || Number.isSafeInteger(data.sentAt)).toBe(true)
          // Plain values only: a function or an inherited object would be lost or changed on the way.
          const { content, media, referral, product, errors, links, ...plain } = data
          expect(Object.values(plain).every((value) => typeof value !== 'object')).toBe(true)
          expect(JSON.stringify(JSON.parse(JSON.stringify(content ?? null)))).toBe(JSON.stringify(content ?? null))
          for (const [name, value] of Object.entries(media ?? {}))
            expect([{ size: 'number', voice: 'boolean' }[name] ?? 'string', 'undefined']).toContain(typeof value)
        }
      }),
      { numRuns: 1000 },
    )
    // Else the property would say nothing.
    expect(messages).toBeGreaterThan(100)
  })
})

const own = [
  { key: 'ann', id: '1', data: { text: 'Hi' } },
  { key: 'ann', id: '2', edits: '1', data: { text: 'Hello' } },
  { key: 'ann', id: '3', withdraws: '2', data: null },
]

it('generic takes anything, and gives what is whole', () => {
  const readOrRefuse = (payload: unknown) => {
    try {
      return generic().read(payload)
    } catch (error) {
      expect(error).toMatchObject({ code: 'BAD_MESSAGE' })
      return undefined
    }
  }
  fc.assert(
    fc.property(fc.oneof(anything, spoiled(own)), (payload) => {
      for (const { key, id, data } of readOrRefuse(payload) ?? []) {
        expect([typeof key, typeof id, data === undefined]).toEqual(['string', 'string', false])
      }
    }),
    { numRuns: 1000 },
  )
})

describe('a webhook', () => {
  const payload = fc.oneof(...SOURCES.map(([, , payloads]) => payloads), anything, spoiled(own))

  it('answers every payload, stores what it says it stored, and nothing else', async () => {
    const webhook = queue.webhook()
    await fc.assert(
      fc.asyncProperty(payload, async (body) => {
        await queue.redis.flushdb()
        const { status, body: answer } = await read(await webhook(post(JSON.stringify(body) ?? '')))
        expect([200, 400]).toContain(status)
        const { added, changed = 0 } = status === 200 ? answer : { added: 0 }
        // Of those that were stored it may have taken some away.
        const { messages } = await queue.rapidfire.getStats()
        expect([messages >= added - changed, messages <= added]).toEqual([true, true])
        if (added === 0) expect(await queue.keys()).toEqual([])
        expect(await brokenLaws(queue.redis, 'rapid-fire:{whatsapp}')).toEqual([])
      }),
      { numRuns: 400 },
    )
  })

  it('answers every sequence of bytes', async () => {
    const webhook = queue.webhook()
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array(), fc.string({ unit: 'binary' }), fc.json()), async (body) => {
        expect((await webhook(post(typeof body === 'string' ? Buffer.from(body) : body))).status).toBe(400)
        expect(await queue.keys()).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)

  it.each([
    ['nested lists', deep('[', ']', 100_000)],
    ['nested objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['nested lists that do not end', '['.repeat(1_000_000)],
    ['nested lists in the data', `{"key":"ann","id":"1","data":${deep('[', ']', 50_000)}}`],
    ['nested lists in a message of Meta', JSON.stringify(inGroup).replace('"text":{', `"text":{"x":${deep('[', ']', 20_000)},`)],
    ['a list of a million nothings', `[${'0,'.repeat(1_000_000)}0]`],
    ['a prototype', '{"__proto__":{"key":"ann","id":"1","data":1}}'],
    ['a prototype in the data', '{"key":"ann","id":"1","data":{"__proto__":{"isAdmin":true}}}'],
    ['a prototype in disguise', '{"key":"ann","id":"1","data":{"\\u005f_proto\\u005F_":{"isAdmin":true}}}'],
    ['inherited members', '{"constructor":{"key":"ann"},"toString":1}'],
    ['a key twice, the last one wrong', '{"key":"ann","key":7,"id":"1","data":1}'],
    ['numbers without end', `{"key":"ann","id":${'9'.repeat(100_000)},"data":1}`],
  ])('refuses %s', async (_, body) => {
    const answer = await read(await queue.webhook({ maxBytes: 4_000_000 })(post(body)))
    expect(answer.status).toBe(400)
    expect(await queue.keys()).toEqual([])
    expect(({} as any).isAdmin).toBeUndefined()
  })

  it('takes words that only look like a prototype', async () => {
    const data = { text: 'what is "__proto__" and \\u005f?', list: ['__proto__'] }
    expect((await queue.webhook()(post({ key: 'ann', id: '1', data }))).status).toBe(200)
    expect(await queue.data('ann')).toEqual([data])
  })

  it('takes brackets in words', async () => {
    const data = { text: `[{"${'['.repeat(200)}"\\${'{'.repeat(200)}`, list: [']'.repeat(200), '"\\"', '['.repeat(200)] }
    expect((await queue.webhook()(post({ key: 'ann', id: '1', data }))).status).toBe(200)
    expect(await queue.data('ann')).toEqual([data])
  })

  it('takes 100 levels', async () => {
    const nested = (depth: number) => `{"key":"ann","id":"1","data":${deep('[', ']', depth - 1)}}`
    expect((await queue.webhook()(post(nested(101)))).status).toBe(400)
    expect((await queue.webhook()(post(nested(100)))).status).toBe(200)
  })

  it('looks at each contact of a payload once, however many messages there are', () => {
    let looks = 0
    const counted = (contact: object) =>
      new Proxy(contact, {
        getOwnPropertyDescriptor: (target, name) => {
          looks += 1
          return Reflect.getOwnPropertyDescriptor(target, name)
        },
      })
    const contacts = Array.from({ length: 500 }, (_, n) => counted({ wa_id: String(n), profile: { name: 'x' } }))
    const messages = Array.from({ length: 500 }, (_, n) => ({ ...given.cloudText(0, `from-${n}`), id: String(n) }))
    expect(whatsappCloud().read(given.cloudPayload({ ...given.cloudValue(messages), contacts }))).toHaveLength(500)
    expect(looks).toBeGreaterThan(0)
    expect(looks).toBeLessThan(5 * 500)
  })
})

it('all sources leave the payload as it was', () => {
  const frozen = (value: any): any => {
    if (value && typeof value === 'object') for (const each of Object.values(Object.freeze(value))) frozen(each)
    return value
  }
  for (const each of [cloud, [given.venomText(1), given.venomText(0)], given.telegramPhoto, [{ key: 'a', id: '1', data: {} }]]) {
    for (const source of allSources()) source.read(frozen(structuredClone(each)))
  }
})
