import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { context, createTraceState, metrics, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import type { DataPoint, Histogram } from '@opentelemetry/sdk-metrics'
import { AlwaysOffSampler, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RefusedMessagesError } from '../../src/errors.ts'
import { instrument, linksOf } from '../../src/otel/index.ts'
import { createWebhook } from '../../src/webhook/index.ts'
import { Discard, PartialFailure, RetryLater } from '../../src/worker/verdicts.ts'
import { linked, nameOf, Sdk, traceparentOf, useOtel } from './telling.ts'

const { server, plain, client, stored } = useOtel()

const SYSTEM = { 'messaging.system': 'rapidfire', 'messaging.destination.name': 'salon' }
const ADD = { ...SYSTEM, 'messaging.operation.name': 'add', 'messaging.operation.type': 'send' }
const PROCESS = { ...SYSTEM, 'messaging.operation.name': 'process', 'messaging.operation.type': 'process' }

/** That of somebody else, as an HTTP request brings it. */
const remote = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: TraceFlags.SAMPLED, isRemote: true }
const fromRemote = trace.setSpanContext(ROOT_CONTEXT, { ...remote, traceState: createTraceState('congo=t61rcWkgMzE,rojo=1 2') })

describe('the way of a message', () => {
  it('is a span where it is added, and a link to that where its batch is handled', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    for (const text of ['Hi', 'book me'])
      await sdk.within(`request ${text}`, () => rapidfire.addMessage('ann', { text }, { flush: text !== 'Hi' }))
    let inside: string | undefined
    await sdk.within('cron', () =>
      rapidfire.processPendingBatches(async () => {
        await sleep(1)
        inside = trace.getActiveSpan()?.spanContext().spanId
      }),
    )

    const adds = sdk.named('add salon')
    const [process] = sdk.named('process salon')
    expect(adds.map(({ kind, attributes, links, status }) => ({ kind, attributes, links, status }))).toEqual(
      Array(2).fill({ kind: SpanKind.PRODUCER, attributes: ADD, links: [], status: { code: SpanStatusCode.UNSET } }),
    )
    expect(adds.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      [...sdk.named('request Hi'), ...sdk.named('request book me')].map((span) => span.spanContext().spanId),
    )
    expect(process).toMatchObject({ kind: SpanKind.CONSUMER, status: { code: SpanStatusCode.UNSET } })
    expect(process?.attributes).toEqual({
      ...PROCESS,
      'messaging.batch.message_count': 2,
      'messaging.rapidfire.batch.id': expect.stringMatching(/^\d{13}-1$/),
      'messaging.rapidfire.batch.attempt': 1,
      'messaging.rapidfire.batch.reason': 'flush',
    })
    expect(linked(process)).toEqual(adds.map(nameOf))
    expect(process?.links.every((link) => link.context.isRemote && Object.keys(link.attributes ?? {}).length === 0)).toBe(true)
    expect(process?.parentSpanContext?.spanId).toBe(sdk.named('cron')[0]?.spanContext().spanId)
    expect(inside).toBe(process?.spanContext().spanId)
  })

  it('of a list is one span with its size, which all of them are linked to once, however long the list', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.policy({ maxSize: 500 })
    const results = await rapidfire.addMessages(Array.from({ length: 300 }, (_, n) => ({ key: 'ann', data: n })))
    expect(results).toHaveLength(300)
    await rapidfire.addMessage('ann', 'last', { flush: true })
    await rapidfire.processPendingBatches(() => {})
    const adds = sdk.named('add salon')
    expect(adds[0]?.attributes).toEqual({ ...ADD, 'messaging.batch.message_count': 300 })
    expect(linked(sdk.named('process salon')[0])).toEqual(adds.map(nameOf))
  })

  it('may be unknown: messages of others are handled beside those that bring a context', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await plain().addMessage('ann', 1)
    await rapidfire.addMessage('ann', 2)
    await server().redis.fcall('rapidfire_add', 1, 'rapid-fire:{salon}', 'ann', '3', 'CONTEXT', 'no context', 'NEXT', 'ann', '3', 'FLUSH')
    const batches: unknown[] = []
    await rapidfire.processPendingBatches((batch) => batches.push(batch.messages.map(({ data }) => data)))
    expect(batches).toEqual([[1, 2, 3]])
    expect(linked(sdk.named('process salon')[0])).toEqual(sdk.named('add salon').map(nameOf))
  })

  it('goes on in another process', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
    const program = `
      import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
      const { instrument } = await import(${url('../../src/otel/index.ts')})
      const { RapidFire } = await import(${url('../../src/rapidfire.ts')})
      const rapidfire = instrument(new RapidFire({ redis: process.argv[1], queue: 'salon' }), { tracerProvider: new BasicTracerProvider() })
      await rapidfire.processPendingBatches((batch) => console.log(JSON.stringify(batch.messages.map((message) => message.traceContext))))
      await rapidfire.addMessage('bob', 'Hi', { flush: true })
      await rapidfire.close()
    `
    await rapidfire.addMessage('ann', 'Hi', { flush: true })
    const args = ['--import', 'tsx', '--input-type=module', '-e', program, server().url]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: new URL('../..', import.meta.url) })
    expect(JSON.parse(stdout)).toEqual(sdk.named('add salon').map((span) => ({ traceparent: traceparentOf(span) })))
    await rapidfire.processPendingBatches(() => {})
    expect(sdk.named('process salon')[0]?.links).toMatchObject([{ context: { traceFlags: TraceFlags.SAMPLED, isRemote: true } }])
  })

  it('costs nobody anything who does not trace', async () => {
    await plain().addMessage('ann', { text: 'Hi' })
    // No SDK is there: the span has no context.
    await instrument(plain()).addMessage('ann', { text: 'Hi' })
    expect(await stored('ann')).toEqual(Array(2).fill(expect.stringMatching(/^\d{13} 0 \{"text":"Hi"\}$/)))
    // Its caller has one.
    await context.with(fromRemote, () => instrument(plain()).addMessage('ann', 1))
    expect((await stored('ann')).at(-1)).toMatch(
      /^\d{13} 0,T00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01;congo=t61rcWkgMzE%2Crojo=1%202 1$/,
    )
  })

  it('is told also of a trace that is not sampled', async () => {
    const sdk = new Sdk({ sampler: new AlwaysOffSampler() })
    const rapidfire = client(sdk)
    await rapidfire.addMessage('ann', 'Hi', { flush: true })
    const { batches } = await rapidfire.claimReady()
    const links = linksOf(batches[0]?.messages ?? [])
    expect(links).toMatchObject([{ context: { traceFlags: TraceFlags.NONE, isRemote: true }, attributes: {} }])
    expect(sdk.spans).toEqual([])
  })

  it('begins with the context that a message brings, and the span where it is added is linked to that', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    const traceContext = { traceparent: `00-${remote.traceId}-${remote.spanId}-01`, tracestate: 'congo=1' }
    await rapidfire.addMessage('ann', 1, { traceContext })
    await rapidfire.addMessages([
      { key: 'ann', data: 2, traceContext },
      { key: 'ann', data: 3, flush: true },
    ])
    await rapidfire.processPendingBatches(() => {})
    const [one, several] = sdk.named('add salon') as [ReadableSpan, ReadableSpan]
    const brought = `${remote.traceId}-${remote.spanId}`
    expect([linked(one), linked(several)]).toEqual([[brought], [brought]])
    expect(linked(sdk.named('process salon')[0])).toEqual([brought, nameOf(several)])
    expect(one.links[0]?.context.traceState?.get('congo')).toBe('1')
  })

  it('does not depend on what its context is: the same id is a duplicate', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    expect(await rapidfire.addMessage('ann', 1, { id: 'm' })).toEqual({ status: 'added', size: 1 })
    expect(await rapidfire.addMessage('ann', 1, { id: 'm' })).toEqual({ status: 'duplicate', size: 1 })
  })

  it('has at most as many links as the SDK keeps: those of the newest messages', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.policy({ maxSize: 500 })
    await Promise.all(Array.from({ length: 1000 }, (_, n) => rapidfire.addMessage('ann', n, { flush: n === 999 })))
    for (let round = 0; round < 2; round += 1) await rapidfire.processPendingBatches(() => {})
    const added = sdk.named('add salon').map(nameOf)
    const processed = sdk.named('process salon')
    expect(processed.map(({ attributes }) => attributes['messaging.batch.message_count'])).toEqual([500, 500])
    expect(processed.map(({ droppedLinksCount }) => droppedLinksCount)).toEqual([372, 372])
    expect(processed.map(linked)).toEqual([added.slice(372, 500), added.slice(872)])
  })

  it('has a number for the partition', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.policy({ partitions: 2 })
    for (const key of ['ann', 'bob', 'cyd', 'dan', 'eve']) await rapidfire.addMessage(key, 1, { flush: true })
    const roots: string[] = []
    await rapidfire.processPendingBatches(({ root }) => roots.push(root))
    const partitions = sdk.named('process salon').map(({ attributes }) => attributes['messaging.destination.partition.id'])
    expect(partitions.map((partition) => `rapid-fire:{salon:${partition}}`).sort()).toEqual(roots.sort())
    expect(new Set(partitions)).toEqual(new Set(['0', '1']))
  })
})

describe('a worker', () => {
  it('begins a trace for each batch, wherever it was started, and says who it is', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.addMessage('ann', 1, { flush: true })
    const worker = rapidfire.worker(() => {})
    worker.on('completed', () => worker.close())
    await sdk.within('start', () => worker.run())
    const [span] = sdk.named('process salon')
    expect(span?.parentSpanContext).toBeUndefined()
    expect(span?.attributes).toMatchObject({ ...PROCESS, 'messaging.client.id': worker.id })
  })

  it('tells of each attempt, why it has failed, and that it comes again', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.addMessage('ann', 1, { flush: true })
    const thrown = [new TypeError('no bot'), new RetryLater(0, 'busy'), 'a text', undefined]
    const errors: unknown[] = []
    const worker = rapidfire.worker(
      (batch) => {
        const error = thrown[batch.attempt - 1]
        if (error !== undefined) throw error
      },
      { backoff: () => 0 },
    )
    worker.on('failed', (_, error) => errors.push(error))
    worker.on('completed', () => worker.close())
    await worker.run()

    expect(errors).toEqual(thrown.slice(0, 3))
    const spans = sdk.named('process salon')
    expect(spans.map(({ attributes }) => attributes['messaging.rapidfire.batch.attempt'])).toEqual([1, 2, 3, 4])
    expect(new Set(spans.map(({ attributes }) => attributes['messaging.rapidfire.batch.id'])).size).toBe(1)
    expect(spans.map(linked)).toEqual(Array(4).fill(sdk.named('add salon').map(nameOf)))
    expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual(['TypeError', 'RetryLater', '_OTHER', undefined])
    expect(spans.map(({ status }) => status)).toEqual([
      { code: SpanStatusCode.ERROR, message: 'no bot' },
      { code: SpanStatusCode.ERROR, message: 'busy' },
      { code: SpanStatusCode.ERROR, message: "the handler threw 'a text'" },
      { code: SpanStatusCode.UNSET },
    ])
    expect(spans.map(({ events }) => events.map(({ name, attributes }) => [name, attributes?.['exception.type']]))).toEqual([
      [['exception', 'TypeError']],
      [['exception', 'RetryLater']],
      [['exception', undefined]],
      [],
    ])
    const { 'messaging.process.duration': durations, 'messaging.client.consumed.messages': consumed } = await sdk.metrics()
    expect(durations?.points).toEqual([
      [{ ...PROCESS, 'error.type': 'TypeError' }, 1],
      [{ ...PROCESS, 'error.type': 'RetryLater' }, 1],
      [{ ...PROCESS, 'error.type': '_OTHER' }, 1],
      [PROCESS, 1],
    ])
    // Each time that it is delivered.
    expect(consumed?.points).toEqual([[{ ...SYSTEM, 'messaging.operation.name': 'process' }, 4]])
  })

  it('takes what is discarded for done, and what has failed in part for failed', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.addMessage('ann', 1, { flush: true })
    await rapidfire.addMessages([
      { key: 'bob', data: 1 },
      { key: 'bob', data: 2, flush: true },
    ])
    const summary = await rapidfire.processPendingBatches((batch) => {
      if (batch.key === 'ann') throw new Discard('spam')
      throw new PartialFailure(batch.messages.slice(1))
    })
    expect(summary).toMatchObject({ completed: 1, retry: 1 })
    const types = sdk.named('process salon').map(({ attributes, status }) => [attributes['error.type'], status.code])
    expect(types.sort()).toEqual(
      [
        [undefined, SpanStatusCode.UNSET],
        ['PartialFailure', SpanStatusCode.ERROR],
      ].sort(),
    )
  })

  it('ends the span of an attempt that no longer counts, whatever its handler does', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.addMessage('ann', 1, { flush: true })
    let release = () => {}
    const hangs = new Promise<void>((resolve) => (release = resolve))
    const summary = await rapidfire.processPendingBatches(() => hangs, { timeout: 5 })
    expect(summary.retry).toBe(1)
    const [span] = sdk.named('process salon')
    expect(span?.attributes['error.type']).toBe('aborted')
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'the handler took longer than 5 ms' })
    release()
    await hangs
    const { 'messaging.process.duration': durations } = await sdk.metrics()
    expect(durations?.points).toEqual([[{ ...PROCESS, 'error.type': 'aborted' }, 1]])
  })
})

describe('what is refused', () => {
  it('is an error of the span with its code, and thrown as it was', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await expect(rapidfire.addMessage('', 1)).rejects.toMatchObject({ code: 'BAD_KEY', command: 'rapidfire_add' })
    await expect(rapidfire.addMessage(7 as never, 1)).rejects.toMatchObject({ code: 'BAD_KEY' })
    await expect(rapidfire.addMessage('ann', 1, { wiat: 1 } as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
    await expect(rapidfire.addMessage('ann', 1, null as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
    await expect(rapidfire.addMessages('ann' as never)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await expect(rapidfire.addMessages([null as never])).rejects.toMatchObject({ code: 'BAD_OPTION' })
    const spans = sdk.named('add salon')
    const codes = ['BAD_KEY', 'BAD_KEY', 'BAD_OPTION', 'BAD_OPTION', 'BAD_ARGUMENT', 'BAD_OPTION']
    expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual(codes)
    expect(spans.map(({ status }) => status.code)).toEqual(Array(6).fill(SpanStatusCode.ERROR))
    // The others were never sent.
    const { 'messaging.client.sent.messages': sent } = await sdk.metrics()
    expect(sent?.points).toEqual([[{ ...SYSTEM, 'messaging.operation.name': 'add', 'error.type': 'BAD_KEY' }, 1]])
    expect(() => rapidfire.worker(undefined as never)).toThrow('the handler must be a function')
  })

  it('of a list is counted apart from what is stored', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.policy({ maxMessageBytes: 10 })
    const messages = ['a', 'x'.repeat(20), 'b', 'y'.repeat(20)].map((data) => ({ key: 'ann', data }))
    await expect(rapidfire.addMessages(messages)).rejects.toBeInstanceOf(RefusedMessagesError)
    const told = await sdk.metrics()
    const about = { ...SYSTEM, 'messaging.operation.name': 'add' }
    expect(told['messaging.client.sent.messages']?.points).toEqual([
      [about, 2],
      [{ ...about, 'error.type': 'MESSAGE_TOO_LARGE' }, 2],
    ])
    expect(told['messaging.client.operation.duration']?.points).toEqual([[{ ...ADD, 'error.type': 'MESSAGE_TOO_LARGE' }, 1]])
  })
})

describe('what is told', () => {
  it('has the names, units and bounds of the conventions', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.addMessages([
      { key: 'ann', data: 1 },
      { key: 'ann', data: 2, flush: true },
    ])
    await rapidfire.processPendingBatches(() => {})
    const about = (name: string) => ({ ...SYSTEM, 'messaging.operation.name': name })
    expect(await sdk.metrics()).toEqual({
      'messaging.client.operation.duration': { unit: 's', type: 'HISTOGRAM', points: [[ADD, 1]] },
      'messaging.client.sent.messages': { unit: '{message}', type: 'SUM', points: [[about('add'), 2]] },
      'messaging.process.duration': { unit: 's', type: 'HISTOGRAM', points: [[PROCESS, 1]] },
      'messaging.client.consumed.messages': { unit: '{message}', type: 'SUM', points: [[about('process'), 2]] },
    })
    const [scope] = (await sdk.resource()).scopeMetrics
    expect(scope?.scope).toMatchObject({ name: 'rapidfire', version: '0.1.0', schemaUrl: 'https://opentelemetry.io/schemas/1.45.0' })
    const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    const histograms = scope?.metrics.flatMap(({ dataPoints }) => dataPoints as DataPoint<any>[]).filter(({ value }) => value.buckets)
    expect(histograms?.map(({ value }) => value.buckets.boundaries)).toEqual([bounds, bounds])
    expect(sdk.spans.map(({ instrumentationScope }) => instrumentationScope)).toEqual(Array(2).fill(scope?.scope))
  })

  it('is in seconds', async () => {
    const sdk = new Sdk()
    const rapidfire = client(sdk)
    await rapidfire.addMessage('ann', 1, { flush: true })
    const began = performance.now()
    await rapidfire.processPendingBatches(() => sleep(30))
    const most = (performance.now() - began) / 1000
    const { scopeMetrics } = await sdk.resource()
    const metric = scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === 'messaging.process.duration')
    const [point] = (metric?.dataPoints ?? []) as DataPoint<Histogram>[]
    expect(point?.value.sum).toBeGreaterThan(0.028)
    expect(point?.value.sum).toBeLessThan(most)
  })

  it('has neither keys nor content, and ids of messages only when asked for', async () => {
    const everything = async (messageIds: boolean) => {
      const sdk = new Sdk()
      const rapidfire = client(sdk, { messageIds })
      await rapidfire.addMessage('79001234567', { text: 'secret' }, { id: `wamid.1 ${messageIds}` })
      await rapidfire.addMessages([{ key: '79001234567', data: { text: 'secret' }, id: `wamid.2 ${messageIds}`, flush: true }])
      await rapidfire.addMessage('79001234567', { text: 'secret' }, { wait: -1 }).catch(() => {})
      await rapidfire.processPendingBatches(() => {
        throw new Error('failed')
      })
      const { 0: process } = sdk.named('process salon')
      const spans = sdk.spans.map(({ name, attributes, events, status, links }) => ({ name, attributes, events, status, links }))
      return { process, text: JSON.stringify([spans, await sdk.resource()]) }
    }
    const without = await everything(false)
    expect(without.text).toContain('failed')
    expect(without.text).not.toMatch(/79001234567|secret|wamid/)
    await server().redis.flushall()
    const { text, process } = await everything(true)
    expect(text).not.toMatch(/79001234567|secret/)
    expect(process?.links.map(({ attributes }) => attributes)).toEqual([
      { 'messaging.message.id': 'wamid.1 true' },
      { 'messaging.message.id': 'wamid.2 true' },
    ])
    expect(text).toContain('"messaging.operation.type":"send","messaging.message.id":"wamid.1 true"')
  })

  it('goes to the providers that were registered, when none are given', async () => {
    const sdk = new Sdk()
    trace.setGlobalTracerProvider(sdk.tracerProvider)
    metrics.setGlobalMeterProvider(sdk.meterProvider)
    onTestFinished(() => {
      trace.disable()
      metrics.disable()
    })
    await instrument(plain()).addMessage('ann', 1)
    expect(sdk.named('add salon')).toHaveLength(1)
    expect(Object.keys(await sdk.metrics())).toContain('messaging.client.sent.messages')
  })
})

describe('instrument', () => {
  it('returns the client that it was given, and refuses what it cannot do', () => {
    const rapidfire = plain()
    expect(instrument(rapidfire)).toBe(rapidfire)
    expect(() => instrument(rapidfire)).toThrow("the client of 'salon' is instrumented already")
    expect(() => instrument(undefined as never)).toThrow('instrument takes a RapidFire, got undefined')
    expect(() => instrument(plain(), { tracer: 1 } as never)).toThrow(
      "instrument has no option 'tracer': it takes tracerProvider, meterProvider, messageIds",
    )
    expect(() => instrument(plain(), { messageIds: 1 } as never)).toThrow('messageIds must be true or false, got 1')
  })
})

describe('the webhook', () => {
  it.each([
    ['with limits', {}],
    ['without', { rateLimit: false as const }],
  ])('adds each message in the span of its own request, also those that come together: %s', async (_, limits) => {
    const sdk = new Sdk()
    const webhook = createWebhook(client(sdk), { redis: server().redis, unsigned: ['generic', 'whatsapp-web'], ...limits })
    const headers = { 'content-type': 'application/json' }
    const request = (body: string) => new Request('http://localhost/webhook/whatsapp/batched', { method: 'POST', headers, body })
    const post = (n: number) =>
      sdk.within(`POST ${n}`, () => webhook(request(JSON.stringify({ key: `key ${n}`, id: '1', data: { text: 'Hi' } }))))
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => post(n)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const parents = sdk.named('add salon').map(({ parentSpanContext }) => parentSpanContext?.spanId)
    const requests = sdk.spans.filter(({ name }) => name.startsWith('POST')).map((span) => span.spanContext().spanId)
    expect(parents.sort()).toEqual(requests.sort())
    // An id that Redis would not take is replaced by a digest, which is the same in every trace.
    const body = JSON.stringify({ id: 'x'.repeat(600), from: '79001234567@c.us', body: 'Hi', type: 'chat' })
    const twice = await Promise.all([1, 2].map((n) => sdk.within(`POST ${n}`, async () => (await webhook(request(body))).json())))
    expect(twice.map(({ added, duplicates }: any) => [added, duplicates]).sort()).toEqual([
      [0, 1],
      [1, 0],
    ])
  })
})
