import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allSources, type Proof } from '../../src/webhook/index.ts'
import { anything, spoiled } from './payloads.ts'
import { SENDERS } from './senders/all.ts'
import { PROVE, PUBLIC_URL, proved, SECRETS } from './senders/prove.ts'
import { type Found, isObject, type Sender } from './senders/sender.ts'
import { post, read, useQueue } from './webhook.ts'

const queue = useQueue()

/** Of what is stored the members that a case tells of. */
function told(found: readonly any[] | undefined, expected: readonly Found[]): unknown {
  const pick = (from: any, by: any): unknown => Object.fromEntries(Object.keys(by).map((name) => [name, from?.[name]]))
  return found?.map((message, n) => {
    const { data, ...rest } = expected[n] ?? {}
    const stored = JSON.parse(JSON.stringify(message))
    return { ...(pick(stored, rest) as object), ...(data && { data: pick(stored.data, data) }) }
  })
}

describe.each(SENDERS.map((sender) => [sender.name, sender] as const))('%s', (_, sender) => {
  it.each(sender.cases.map((each) => ({ what: each[0], each })))('$what', ({ each: [, payload, expected, options] }) => {
    const found = sender.make(options).read(payload, JSON.stringify(payload))
    expect(found).toHaveLength(expected.length)
    expect(told(found, expected)).toEqual(expected)
  })

  const people = sender.cases.filter(([, , found, options]) => found.length > 0 && !options)
  const payloads = fc.oneof(...people.map(([, payload]) => spoiled(payload)))
  const given = fc.oneof({ arbitrary: payloads, weight: 9 }, { arbitrary: anything, weight: 1 })

  it('takes anything, gives messages that are whole, and loses none of a person', () => {
    const sources = [sender.make(), sender.make({ groups: 'sender', raw: true })]
    let messages = 0
    fc.assert(
      fc.property(given, fc.constantFrom(...sources), (payload, source) => {
        const json = JSON.stringify(payload) ?? 'null'
        const body = JSON.parse(json)
        const found = source.read(body, json)
        if (found === undefined) return
        messages += found.length
        expect(found.length).toBeGreaterThanOrEqual(sender.count(body))
        for (const { key, id, data } of found) expectWhole(key, id, data)
        // What was given is left as it was.
        expect(JSON.stringify(body)).toBe(JSON.stringify(JSON.parse(json)))
      }),
      { numRuns: 400 },
    )
    expect(messages).toBeGreaterThan(50)
  })
})

function expectWhole(key: string, id: string | undefined, data: any): void {
  expect(Buffer.byteLength(key)).toBeGreaterThan(0)
  expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1024)
  expect(Buffer.byteLength(id as string)).toBeGreaterThan(0)
  expect(Buffer.byteLength(id as string)).toBeLessThanOrEqual(512)
  const { content, media, referral, product, errors, links, raw, ...simple } = data
  for (const name of ['source', 'text', 'from', 'type', 'chat']) expect([name, typeof simple[name]]).toEqual([name, 'string'])
  expect(simple.type).toMatch(/^\w+$/)
  for (const [name, value] of Object.entries(simple)) {
    const type = { sentAt: 'number', truncated: 'boolean' }[name] ?? 'string'
    expect([name, [type, 'undefined'].includes(typeof value)]).toEqual([name, true])
  }
  expect(data.sentAt === undefined || Number.isSafeInteger(data.sentAt)).toBe(true)
  for (const [name, value] of Object.entries(media ?? {}))
    expect([{ size: 'number', voice: 'boolean' }[name] ?? 'string', 'undefined']).toContain(typeof value)
}

describe('a webhook of all senders', () => {
  // By its place among the senders, so that what has failed can be read.
  const posts = fc.oneof(
    ...SENDERS.flatMap(({ cases }, sender) =>
      cases.map(([what, given, found, options]) =>
        spoiled(given).map((payload) => ({ sender, what, isOfPerson: found.length > 0 && !options, payload })),
      ),
    ),
  )
  /** The fields of a form. */
  const fieldsOf = (payload: unknown) =>
    Object.fromEntries(
      isObject(payload)
        ? Object.entries(payload as object).map(([name, value]) => [name, typeof value === 'string' ? value : `${JSON.stringify(value)}`])
        : [],
    )

  it('answers every payload, and 200 only when each message of a person is stored', async () => {
    const webhook = queue.webhook()
    const sources = allSources()
    let messages = 0
    await fc.assert(
      fc.asyncProperty(posts, async ({ sender, isOfPerson, payload }) => {
        const { make, count, form, proof } = SENDERS[sender] as Sender
        await queue.redis.flushdb()
        const body = form ? fieldsOf(payload) : JSON.parse(JSON.stringify(payload) ?? 'null')
        const { status, body: answer } = await read(await webhook(proved(body, form ? proof : undefined, form)))
        expect([200, 400]).toContain(status)
        const stored = (await queue.rapidfire.getStats()).messages
        const { added = 0, duplicates = 0, changed = 0 } = typeof answer === 'object' ? answer : { added: stored }
        expect([stored >= added - changed, stored <= added]).toEqual([true, true])
        if (status !== 200 || !isOfPerson) return
        // What is spoiled may be of another sender then, who has another notion of a message.
        const reader = sources.find((source) => (form ? source.formHeader : true) && source.read(body, JSON.stringify(body)) !== undefined)
        if (reader?.name !== make().name) return
        expect(added + duplicates + changed).toBeGreaterThanOrEqual(count(body))
        messages += count(body)
      }),
      { numRuns: 300 },
    )
    expect(messages).toBeGreaterThan(30)
  })

  it('gives each payload to its own source', async () => {
    const names = new Map(allSources().map((source) => [source.name, source]))
    for (const { make, cases } of SENDERS) {
      for (const [what, payload, found] of cases.filter(([, , , options]) => !options)) {
        const first = [...names.values()].find((source) => source.read(payload, JSON.stringify(payload)) !== undefined)
        // What middlemen pass on as a whole is what Meta itself sends.
        const expected = what === 'the whole' ? 'whatsapp' : make().name
        if (found.length > 0) expect([what, first?.name]).toEqual([what, expected])
      }
    }
  })
})

describe('what changes a message finds it while nobody has it', () => {
  /** Each case that changes something, with the one of the message that it changes. */
  const changesOf = ({ make, cases }: Sender) => {
    const known = cases.filter(([, , found, options]) => found.length === 1 && !options)
    const all = known.flatMap(([what, payload]) =>
      (make().read(payload, JSON.stringify(payload)) ?? []).map((each) => ({ what, payload, each })),
    )
    return all.flatMap(({ what, payload, each: { key, data } }) => {
      const changed = data.edits ?? data.withdraws
      const first = all.find(({ each }) => each.id === changed && each.key === key && each.data.edits === undefined)
      return changed !== undefined && first ? [{ what, first: first.payload, payload, left: data.withdraws ? [] : [data.text] }] : []
    })
  }

  // Two tell of no change, and what is passed on is what Meta sends.
  const others = SENDERS.filter(({ name }) => !['Twilio', 'Viber', 'WhatsApp Cloud API, passed on'].includes(name))

  it.each(others.map((sender) => [sender.name, sender] as const))('%s', async (_, sender) => {
    const webhook = queue.webhook()
    const changes = changesOf(sender)
    expect(changes.length).toBeGreaterThan(0)
    for (const { what, first, payload, left } of changes) {
      await queue.redis.flushdb()
      for (const each of [first, payload, payload]) expect((await webhook(post(each))).status).toBe(200)
      const [key] = (await queue.keys()).filter((name) => name.includes(':messages:'))
      const stored = key === undefined ? [] : await queue.data(key.replace(/^.*?:messages:/, ''))
      expect([what, stored.map(({ text }) => text)]).toEqual([what, left])
    }
  })
})

describe('each sender is taken with its own proof, and with no other', () => {
  it.each(SENDERS.map((sender) => [sender.name, sender] as const))('%s', async (_, { proof, also, cases, form }) => {
    const payload = cases.find(([, , found, options]) => found.length > 0 && !options)?.[1]
    const webhook = queue.webhook<any>({ ...SECRETS, publicUrl: PUBLIC_URL })
    for (const other of [undefined, ...(Object.keys(PROVE) as Proof[])].filter((each) => each !== proof && each !== also)) {
      const { status } = await webhook(proved(payload, other, form))
      expect([other, status >= 400 && status < 500, await queue.keys()]).toEqual([other, true, []])
    }
    expect((await read(await webhook(proved(payload, proof, form)))).status).toBe(200)
    expect((await queue.rapidfire.getStats()).messages).toBe(1)
  })
})

describe('keys', () => {
  const texts = fc.oneof(fc.constantFrom('1', '2', '1:2', '%3A', ':', '%', '@'), fc.string({ minLength: 1, maxLength: 4 }))
  const senders = SENDERS.filter(({ conversation }) => conversation)
  const conversations = fc.record({ sender: fc.constantFrom(...senders), account: texts, chat: texts }).map(({ sender, account, chat }) => {
    const payload = sender.conversation?.(account, chat)
    return { who: [sender.name, account, chat], key: sender.make().read(payload, JSON.stringify(payload))?.[0]?.key }
  })

  it('of two conversations are never the same, of whatever source, account and chat', () => {
    fc.assert(
      fc.property(conversations, conversations, (one, other) => {
        expect(one.key).toBeTypeOf('string')
        expect(one.key === other.key).toBe(JSON.stringify(one.who) === JSON.stringify(other.who))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('Slack', () => {
  const form = (fields: Record<string, string>) => proved(fields, 'slack', true)
  const webhook = () => queue.webhook<any>({ slackSecret: SECRETS.slackSecret })

  it('hears its challenge, and else nothing', async () => {
    const challenge = { token: 'x', challenge: '3eZbrw1aB', type: 'url_verification' }
    expect(await read(await webhook()(proved(challenge, 'slack')))).toMatchObject({
      status: 200,
      type: expect.stringMatching(/^text\/plain/),
      body: '3eZbrw1aB',
    })
    const command = {
      command: '/book',
      text: 'at 18',
      user_id: 'U0ANN',
      user_name: 'ann',
      channel_id: 'D0ANN',
      team_id: 'T0001',
      trigger_id: '13345.1',
    }
    expect(await read(await webhook()(form(command)))).toMatchObject({ status: 200, body: '' })
    expect(await queue.data('slack:T0001:D0ANN')).toMatchObject([{ text: '/book at 18', type: 'command', from: 'U0ANN', name: 'ann' }])
  })

  it('a pressed button is a message', async () => {
    const press = {
      type: 'block_actions',
      user: { id: 'U0ANN', username: 'ann', team_id: 'T0001' },
      team: { id: 'T0001' },
      channel: { id: 'D0ANN' },
      message: { ts: '1.0' },
      actions: [{ action_id: 'slot', text: { type: 'plain_text', text: 'At 18' }, value: 'slot-18', action_ts: '1749416383.5' }],
      trigger_id: '13345.2',
    }
    expect((await webhook()(form({ payload: JSON.stringify(press) }))).status).toBe(200)
    expect(await queue.data('slack:T0001:D0ANN')).toMatchObject([
      { text: 'At 18', choice: 'slot-18', type: 'block_actions', replyTo: '1.0' },
    ])
  })

  it.each([{ payload: '{' }, { payload: '[]' }, { other: 'x' }])('a form that is none is refused: %j', async (fields) => {
    expect((await webhook()(form(fields as unknown as Record<string, string>))).status).toBe(400)
  })

  it('a form of anything is answered', async () => {
    const slackWebhook = webhook()
    await fc.assert(
      fc.asyncProperty(anything, async (said) => {
        expect([200, 400]).toContain((await slackWebhook(form({ payload: JSON.stringify(said) ?? '' }))).status)
      }),
      { numRuns: 100 },
    )
  })
})

describe('VK', () => {
  const asked = { type: 'confirmation', group_id: 55 }
  const said = {
    type: 'message_new',
    group_id: 55,
    object: { message: { from_id: 1, peer_id: 1, conversation_message_id: 1, text: 'Hi' } },
  }

  it('hears the confirmation of the community, and else ok', async () => {
    const sources = allSources({ vkConfirmation: 'a1b2c3' })
    const webhook = queue.webhook<any>({ vkSecret: SECRETS.vkSecret, sources: sources.filter(({ name }) => name === 'vk') })
    expect(await read(await webhook(post(asked)))).toMatchObject({
      status: 200,
      type: expect.stringMatching(/^text\/plain/),
      body: 'a1b2c3',
    })
    for (const _ of [1, 2]) expect(await read(await webhook(proved(said, 'vk')))).toMatchObject({ status: 200, body: 'ok' })
    expect(await queue.data('vk:55:1')).toHaveLength(1)
  })

  it('is not confirmed without it', async () => {
    expect((await queue.webhook<any>({ vkSecret: SECRETS.vkSecret })(post(asked))).status).toBe(400)
    expect(() => allSources({ vkConfirmation: 'a b' })).toThrow(/confirmation of VK/)
  })
})

it('ids of Viber are kept to the digit', async () => {
  const webhook = queue.webhook<any>({ viberSecret: SECRETS.viberSecret })
  for (const last of [5, 6]) {
    const body = `{"message":{"type":"text","text":"${last}","message_token":1},"event":"message","timestamp":1,"message_token": 491266184665523145${last},"sender":{"id":"a"}}`
    expect((await webhook(post(body, PROVE.viber(SECRETS.viberSecret, body)))).status).toBe(200)
  }
  expect((await queue.rapidfire.peek('viber::a')).messages.map(({ id }) => id)).toEqual(['4912661846655231455', '4912661846655231456'])
})
