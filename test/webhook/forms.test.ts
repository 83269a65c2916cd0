import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { RapidFire } from '../../src/rapidfire.ts'
import { createWebhook, generic } from '../../src/webhook/index.ts'
import { telegramPhoto, telegramUpdate } from './fixtures.ts'
import { post, read, sign, source, URL, useQueue } from './webhook.ts'

const queue = useQueue()
const MESSAGE = '{"key":"ann","id":"1","data":{"text":"Привет"}}'
const MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** The JSON of the messages of a key, byte for byte. */
const stored = async (key = 'ann') => {
  const [messages] = await queue.redis.keys(`rapid-fire:{whatsapp}:messages:${key}`)
  const list = await queue.redis.lrange(messages as string, 0, -1)
  return list.map((each) => each.slice(each.indexOf('{')))
}

describe('a body', () => {
  it.each([
    ['with a byte order mark', Buffer.concat([MARK, Buffer.from(MESSAGE)])],
    ['by gzip', gzipSync(MESSAGE)],
    ['by gzip, with a byte order mark', gzipSync(Buffer.concat([MARK, Buffer.from(MESSAGE)]))],
  ])('is taken %s', async (_, body) => {
    expect((await queue.webhook()(post(body, { 'content-encoding': 'gzip' }))).status).toBe(200)
    expect(await queue.data('ann')).toEqual([{ text: 'Привет' }])
  })

  it('by gzip is signed as it is sent', async () => {
    const webhook = queue.webhook({ senderSecret: 'secret' })
    const body = gzipSync(MESSAGE)
    expect((await webhook(post(body, { 'x-hub-signature-256': sign(MESSAGE, 'secret') }))).status).toBe(401)
    expect((await webhook(post(body, { 'x-hub-signature-256': sign(body, 'secret') }))).status).toBe(200)
  })

  it.each([
    ['that is too large when it is inflated', gzipSync(`"${'x'.repeat(100_000)}"`), 413, 'BODY_TOO_LARGE'],
    ['by gzip that breaks off', gzipSync(MESSAGE).subarray(0, 30), 400, 'BAD_JSON'],
    ['by gzip of what is no JSON', gzipSync('Привет'), 400, 'BAD_JSON'],
    ['by gzip twice', gzipSync(gzipSync(MESSAGE)), 400, 'BAD_JSON'],
    ['that is a byte order mark', MARK, 400, 'BAD_JSON'],
  ])('is refused %s', async (_, bytes, status, code) => {
    const answer = await read(await queue.webhook({ maxBytes: 1000 })(post(bytes)))
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(await queue.keys()).toEqual([])
  })
})

it('a path may end with a slash', async () => {
  const webhook = queue.webhook()
  expect((await webhook(post(MESSAGE, {}, `${URL}/`))).status).toBe(200)
  expect((await webhook(new Request(`${URL}/stats/`))).status).toBe(200)
  for (const url of [`${URL}//`, `${URL}/x/`]) expect((await webhook(post(MESSAGE, {}, url))).status).toBe(404)
})

describe('a message that is not acceptable', () => {
  it.each([
    ['id', '{"key":"ann","id":5,"data":1}'],
    ['id', '[{"key":"ann","id":"1","data":1},{"key":"ann","id":"","data":1}]'],
    ['key', '{"key":7,"id":"1","data":1}'],
  ])('is refused with the name of the member that is wrong: %s, %s', async (name, body) => {
    const answer = await read(await queue.webhook()(post(body)))
    expect([answer.status, answer.body.code]).toEqual([400, 'BAD_MESSAGE'])
    expect(answer.body.detail).toMatch(new RegExp(`its ${name} must be`))
  })

  it.each([
    ['key', { key: 7, id: '1', data: 1 }],
    ['id', { key: 'ann', id: 5, data: 1 }],
    ['data', { key: 'ann', id: '1', data: undefined }],
  ])('of an own source too: %s', async (name, message) => {
    const answer = await read(await queue.webhook({ sources: [source(() => [message as any])] })(post('{}')))
    expect([answer.status, answer.body.code]).toEqual([400, 'BAD_MESSAGE'])
    expect(answer.body.detail).toMatch(new RegExp(`its ${name} must be`))
  })
})

describe('numbers', () => {
  it.each([
    '{"order":12345678901234567890}',
    '{"price":0.12345678901234567890123}',
    '{ "far" : 1e400, "near":-1E-400 }',
    '{"nested":[{"data":12345678901234567890}],"text":"\\"}{[,:\\\\"}',
  ])('in data are stored to the last digit: %s', async (data) => {
    const messages = [`{"key":"ann","id":"1","data":${data}}`, `{"data":${data},"id":"2","key":"ann","x":{"data":7}}`]
    expect((await queue.webhook()(post(`[${messages.join(' , ')}]`))).status).toBe(200)
    expect((await queue.webhook()(post(`{"dat\\u0061":7,"key":"ann","id":"3","d\\u0061ta":${data} }`))).status).toBe(200)
    expect(await stored()).toEqual([data, data, data])
  })

  it('are what a schema makes of them', async () => {
    const rapidfire = new RapidFire({ redis: queue.redis, queue: 'whatsapp', schema: z.looseObject({ order: z.number() }) })
    const webhook = createWebhook<any>(rapidfire, { rateLimit: false, unsigned: ['generic'], sources: [generic()] })
    expect((await webhook(post('{"key":"ann","id":"1","data":{"order":12345678901234567890}}'))).status).toBe(200)
    expect(await stored()).toEqual(['{"order":12345678901234567000}'])
    await rapidfire.close()
  })

  it('come as text to sources of somebody own', async () => {
    const own = source((payload, text) => [{ key: 'ann', id: /"order":(\d+)/.exec(text ?? '')?.[1] ?? '', data: payload }])
    for (const last of [0, 1]) await queue.webhook({ sources: [own] })(post(`{"order":1234567890123456789${last}}`))
    expect((await queue.rapidfire.peek('ann')).messages.map(({ id }) => id)).toEqual(['12345678901234567890', '12345678901234567891'])
  })

  it('of any JSON are stored as they came', async () => {
    const webhook = queue.webhook()
    const large = fc.bigInt({ min: 10n ** 15n, max: 10n ** 40n }).map(String)
    const name = fc.constantFrom('data', 'key', 'id', '"', '\\', '{', '}', ':', ',', '[')
    const { value } = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        large,
        fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
        fc.array(tie('value'), { maxLength: 3 }).map((list) => `[${list.join(', ')}]`),
        fc
          .array(fc.tuple(name, tie('value')), { maxLength: 3 })
          .map((members) => `{${members.map(([of, each]) => `${JSON.stringify(of)} :${each}`).join(',')}}`),
      ),
    }))
    const data = fc.tuple(large, value).map(([number, rest]) => `{"n":${number},"rest":${rest}}`)
    await fc.assert(
      fc.asyncProperty(fc.array(data, { minLength: 1, maxLength: 3 }), fc.boolean(), async (all, isFirst) => {
        await queue.redis.flushdb()
        const messages = all.map((each, n) =>
          isFirst ? `{"data":${each},"key":"ann","id":"${n}"}` : `{"key":"ann","id":"${n}","data":${each}}`,
        )
        expect((await webhook(post(`[${messages.join(',')}]`))).status).toBe(200)
        expect(await stored()).toEqual(all)
      }),
      { numRuns: 100 },
    )
  })
})

describe('an album', () => {
  it('of ten photos at once is taken whole, and is one batch with the words after it', async () => {
    await queue.rapidfire.policy({ maxSize: 25 })
    const webhook = queue.webhook({ redis: queue.redis, rateLimit: {} })
    const photos = Array.from({ length: 10 }, (_, n) => ({
      update_id: 100 + n,
      message: { ...telegramPhoto.message, message_id: 100 + n, media_group_id: '138', caption: n === 0 ? 'Вот так' : undefined },
    }))
    const answers = await Promise.all(photos.map((photo) => webhook(post(photo))))
    expect(answers.map(({ status }) => status)).toEqual(photos.map(() => 200))
    await webhook(post({ ...telegramUpdate(0), update_id: 200, message: { ...telegramUpdate(0).message, message_id: 200 } }))
    const { messages, size } = await queue.rapidfire.peek('telegram:987654321')
    expect(size).toBe(11)
    expect(messages.slice(0, 10).every(({ data }: any) => data.album === '138' && data.media.id === 'large')).toBe(true)
    // Ten would have been a batch of their own by default.
    expect((await queue.rapidfire.getStats()).ready).toBe(0)
  })
})
