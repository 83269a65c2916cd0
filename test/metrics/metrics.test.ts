import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { readStats } from '../../src/batches/stats.ts'
import type { WebhookEvents } from '../../src/events.ts'
import { exposition } from '../../src/metrics/exposition.ts'
import { renderMetrics, WebhookMetrics, WorkerMetrics } from '../../src/metrics/index.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import type { Handler } from '../../src/worker/handler.ts'
import { codes, read, tableOf } from '../docs/blocks.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

const shipped = (name: string) => readFileSync(new URL(`../../src/metrics/${name}`, import.meta.url), 'utf8')

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

function client(queue = 'salon') {
  const rapidfire = new RapidFire<string>({ redis: server.url, queue })
  onTestFinished(() => rapidfire.close())
  return rapidfire
}

/** The lines of a text that begin so. */
const linesOf = (text: string, beginning: string) => text.split('\n').filter((line) => line.startsWith(beginning))

/** What a text has: of each name its type and the names of its labels. */
function familiesOf(text: string): Map<string, { type: string; labels: string[] }> {
  const families = new Map<string, { type: string; labels: string[] }>()
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    expect(families.has(name), name).toBe(false)
    const samples = [...text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?(?:\\{(.*)\\})? \\S+$`, 'gm'))]
    const labels = samples.flatMap(([, pairs = '']) => [...pairs.matchAll(/(\w+)="/g)].map(([, label]) => label as string))
    families.set(name, { type, labels: [...new Set(labels)].filter((label) => label !== 'le') })
  }
  return families
}

/** All that anybody tells. */
async function everything(): Promise<[queue: string, worker: string, webhook: string]> {
  const rapidfire = client()
  const worker = rapidfire.worker(() => {})
  const events = new EventEmitter<WebhookEvents>()
  const webhook = new WebhookMetrics('salon', events)
  events.emit('stored', { source: 'generic', added: 2, duplicates: 1, changed: 3 })
  events.emit('refused', { status: 400, code: 'UNKNOWN_FORM' } as never)
  return [renderMetrics(await rapidfire.getStats()), new WorkerMetrics(worker).render(), webhook.render()]
}

describe('the text format', () => {
  it('escapes labels and help, and a histogram counts up to infinity', () => {
    const buckets = [
      [0.5, 2],
      [1, 0],
      [Number.POSITIVE_INFINITY, 3],
    ] as const
    expect(
      exposition([
        { name: 'a_total', type: 'counter', help: 'of "a"\\b\nc', samples: [{ labels: { one: 'x"y\\z\nü', two: '\u001b' }, value: 1.5 }] },
        { name: 'b', type: 'gauge', help: 'nothing', samples: [] },
        { name: 'c', type: 'histogram', help: 'c', samples: [{ labels: { q: '1' }, value: { buckets, sum: 7.25 } }] },
        { name: 'd', type: 'gauge', help: 'd', samples: [{ labels: {}, value: 0 }] },
      ]),
    ).toBe(`# HELP a_total of "a"\\\\b\\nc
# TYPE a_total counter
a_total{one="x\\"y\\\\z\\nü",two="\\\\u001b"} 1.5
# HELP b nothing
# TYPE b gauge
# HELP c c
# TYPE c histogram
c_bucket{q="1",le="0.5"} 2
c_bucket{q="1",le="1"} 2
c_bucket{q="1",le="+Inf"} 5
c_sum{q="1"} 7.25
c_count{q="1"} 5
# HELP d d
# TYPE d gauge
d 0
`)
  })
})

describe('the figures of queues', () => {
  it('are those of getStats, in seconds and with each family once for all queues', () => {
    const figures: [string, number][] = [
      ...(Object.entries({ collecting: 12, ready: 1, active: 3, queued: 5, dead: 2, messages: 48, added: 90, duplicates: 31 }) as [
        string,
        number,
      ][]),
      ...(Object.entries({ batches: 30, completed: 25, completedMessages: 42, failed: 7, redelivered: 8, died: 4 }) as [string, number][]),
      ...(Object.entries({ 'closedBy:wait': 29, 'closedBy:flush': 1, latenessSum: 2496, latenessMax: 1840 }) as [string, number][]),
      ...(Object.entries({ 'lateness:1': 20, 'lateness:50': 9, 'lateness:more': 1 }) as [string, number][]),
    ]
    const text = renderMetrics([readStats('one', 4, [figures]), readStats('two', 1, [[['lateness:more', 0]]])])
    for (const line of [
      'rapidfire_conversations{queue="one",state="collecting"} 12',
      'rapidfire_conversations{queue="one",state="ready"} 1',
      'rapidfire_conversations{queue="one",state="active"} 3',
      'rapidfire_messages{queue="one"} 48',
      'rapidfire_messages_behind{queue="one"} 5',
      'rapidfire_dead_batches{queue="one"} 2',
      'rapidfire_partitions{queue="one"} 4',
      'rapidfire_messages_added_total{queue="one"} 90',
      'rapidfire_messages_duplicate_total{queue="one"} 31',
      'rapidfire_messages_completed_total{queue="one"} 42',
      'rapidfire_batches_claimed_total{queue="one",reason="wait"} 29',
      'rapidfire_batches_claimed_total{queue="one",reason="flush"} 1',
      'rapidfire_batches_completed_total{queue="one"} 25',
      'rapidfire_batches_failed_total{queue="one"} 7',
      'rapidfire_batches_redelivered_total{queue="one"} 8',
      'rapidfire_batches_died_total{queue="one"} 4',
      'rapidfire_lateness_seconds_bucket{queue="one",le="0.001"} 20',
      'rapidfire_lateness_seconds_bucket{queue="one",le="0.05"} 29',
      'rapidfire_lateness_seconds_bucket{queue="one",le="+Inf"} 30',
      'rapidfire_lateness_seconds_sum{queue="one"} 2.496',
      'rapidfire_lateness_seconds_count{queue="one"} 30',
      'rapidfire_lateness_max_seconds{queue="one"} 1.84',
      'rapidfire_messages{queue="two"} 0',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(familiesOf(text).size).toBe(15)
  })

  it('have all bounds of Redis for a queue that has done nothing, and sum up its partitions', async () => {
    const rapidfire = client()
    const empty = await rapidfire.getStats()
    expect(Object.keys(empty.lateness.buckets)).toEqual(['1', '2', '5', '10', '20', '50', '100', '200', '500', '1000', '5000', 'more'])
    await rapidfire.policy({ partitions: 3 })
    await rapidfire.addMessages(['ann', 'bob', 'cyd', 'dan'].map((key) => ({ key, data: 'Hi', flush: true })))
    await rapidfire.processPendingBatches(() => {})
    expect(renderMetrics(await rapidfire.getStats())).toContain('rapidfire_lateness_seconds_count{queue="salon"} 4\n')
  })
})

describe('the metrics of workers', () => {
  /** Runs a worker until it has told `event` so many times. */
  async function run(handler: Handler<string>, event: string, keys: string[]) {
    const rapidfire = client()
    const worker = rapidfire.worker(handler, { attempts: 2, backoff: () => 0, concurrency: 3 })
    const metrics = new WorkerMetrics(worker)
    await rapidfire.addMessages(keys.map((key) => ({ key, data: 'Hi', flush: true })))
    void worker.run()
    const text = await vi.waitFor(() => {
      const text = metrics.render()
      expect(text).toContain(`rapidfire_handler_duration_seconds_count{queue="salon",outcome="${event}"} ${keys.length}\n`)
      return text
    }, 10_000)
    return { text, metrics, worker }
  }

  it('count handlers by how they end, and tell of workers and slots', async () => {
    const { text, metrics, worker } = await run(() => {}, 'completed', ['ann', 'bob'])
    expect(linesOf(text, 'rapidfire_handler_duration_seconds_bucket{queue="salon",outcome="completed",le="+Inf"}')).toEqual([
      'rapidfire_handler_duration_seconds_bucket{queue="salon",outcome="completed",le="+Inf"} 2',
    ])
    for (const line of ['workers', 'workers_healthy'].map((name) => `rapidfire_${name}{queue="salon"} 1\n`)) expect(text).toContain(line)
    expect(text).toContain('rapidfire_handlers_most{queue="salon"} 3\n')
    await worker.close()
    expect(metrics.render()).toContain('rapidfire_workers_healthy{queue="salon"} 0\n')
  })

  it('leave a failure that nobody listens to a warning', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warned.mockRestore())
    const fail = () => {
      throw new Error('the bot is away')
    }
    const { text } = await run(fail, 'dead', ['ann'])
    expect(text).toContain('rapidfire_handler_duration_seconds_count{queue="salon",outcome="failed"} 1\n')
    expect(warned.mock.calls).toEqual([
      [expect.stringContaining('has a handler that failed'), expect.objectContaining({ code: 'HANDLER_FAILED' })],
    ])
  })

  it('count what forwarders move, the workers of a queue together, and errors', async () => {
    const rapidfire = client()
    const forwarders = [rapidfire.forwarder('out'), rapidfire.forwarder('out')]
    const other = client('other').worker(() => {})
    const metrics = new WorkerMetrics(...forwarders, other)
    await rapidfire.addMessage('ann', 'Hi', { flush: true })
    const forwarded = Promise.race(forwarders.map((each) => once(each, 'forwarded')))
    for (const each of forwarders) void each.run()
    await forwarded
    const text = metrics.render()
    expect(text).toContain('rapidfire_worker_forwarded_batches_total{queue="salon"} 1\n')
    expect(text).toContain('rapidfire_workers{queue="salon"} 2\n')
    expect(text).toContain('rapidfire_workers{queue="other"} 1\n')
    expect(text).toContain('rapidfire_worker_errors_total{queue="salon"} 0\n')
    for (const each of forwarders) {
      each
        .on('error', () => {})
        .on('forwarded', () => {
          throw new Error('a listener')
        })
    }
    await rapidfire.addMessage('bob', 'Hi', { flush: true })
    await vi.waitFor(() => expect(metrics.render()).toContain('rapidfire_worker_errors_total{queue="salon"} 1\n'), 10_000)
  })

  it('tell how late the event loop was since the scrape before', async () => {
    const metrics = new WorkerMetrics()
    const delay = () => Number(/^rapidfire_event_loop_delay_max_seconds (\S+)$/m.exec(metrics.render())?.[1])
    expect(delay()).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    for (const until = performance.now() + 300; performance.now() < until; );
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(delay()).toBeGreaterThan(0.2)
    // Read at once, nothing has been measured since.
    expect(delay()).toBe(0)
  })
})

it('the metrics of a webhook count messages by source, and refusals by code', () => {
  const events = new EventEmitter<WebhookEvents>()
  const metrics = new WebhookMetrics('salon', events)
  expect(linesOf(metrics.render(), 'rapidfire')).toEqual(['rapidfire_webhook_errors_total{queue="salon"} 0'])
  events.emit('stored', { source: 'generic', added: 2, duplicates: 1, changed: 3 })
  events.emit('stored', { source: 'generic', added: 1, duplicates: 0, changed: 1 })
  for (const code of ['UNKNOWN_FORM', 'UNKNOWN_FORM', 'BAD_JSON']) events.emit('refused', { status: 400, code } as never)
  events.emit('error', new Error('Redis is away'))
  expect(linesOf(metrics.render(), 'rapidfire')).toEqual([
    'rapidfire_webhook_messages_total{queue="salon",source="generic",result="added"} 3',
    'rapidfire_webhook_messages_total{queue="salon",source="generic",result="duplicate"} 1',
    'rapidfire_webhook_messages_total{queue="salon",source="generic",result="changed"} 4',
    'rapidfire_webhook_refused_total{queue="salon",code="UNKNOWN_FORM"} 2',
    'rapidfire_webhook_refused_total{queue="salon",code="BAD_JSON"} 1',
    'rapidfire_webhook_errors_total{queue="salon"} 1',
  ])
})

describe('what is named', () => {
  it('the README names every metric with its type and its labels', async () => {
    const texts = await everything()
    for (const [n, head] of ['| of a queue |', '| of a worker |', '| of a webhook |'].entries()) {
      const documented = tableOf(read('src/metrics/README.md'), head).map(([name = '', type, labels = '']) => [
        codes(name)[0],
        type,
        codes(labels),
      ])
      expect(documented).toEqual(Array.from(familiesOf(texts[n] as string), ([name, { type, labels }]) => [name, type, labels]))
    }
  })

  it('dashboard and alert rules name metrics and labels that there are', async () => {
    const families = familiesOf((await everything()).join(''))
    for (const file of ['dashboard.json', 'alerts.yaml']) {
      const named = new Set([...shipped(file).matchAll(/rapidfire_\w+/g)].map(([name]) => name))
      expect(named.size).toBeGreaterThan(8)
      for (const name of named) {
        const [, family = ''] = /^(.*)_bucket$/.exec(name) ?? ['', name]
        expect([name, families.has(family), name === family || families.get(family)?.type === 'histogram']).toEqual([name, true, true])
      }
    }
    const labels = new Set([...shipped('dashboard.json').matchAll(/by \(([^)]+)\)/g)].flatMap(([, each = '']) => each.split(', ')))
    const known = new Set([...[...families.values()].flatMap(({ labels }) => labels), 'le'])
    expect([...labels].filter((each) => !known.has(each))).toEqual([])
  })

  it('the README names every alert', () => {
    const named = [...shipped('alerts.yaml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
    expect(tableOf(read('src/metrics/README.md'), '| alert |').map(([name = '']) => codes(name)[0])).toEqual(named)
  })

  it('the panels of the dashboard have numbers and places of their own', () => {
    const { panels } = JSON.parse(shipped('dashboard.json')) as {
      panels: { id: number; title: string; gridPos: { x: number; y: number } }[]
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length)
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
  })
})
