import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { eventually, start } from '../cli/processes.ts'
import { Lua, TEST_SOURCE } from '../support/lua.ts'
import { findPrometheus, promtool, startPrometheus, writeShipped } from '../support/prometheus.ts'
import { useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'

const ALERTS = fileURLToPath(new URL('../../src/metrics/alerts.yaml', import.meta.url))
let programs: string | undefined
let folder: string

beforeAll(async () => {
  programs = await findPrometheus()
  folder = await mkdtemp(join(tmpdir(), 'rapidfire-prometheus-'))
  return () => rm(folder, { recursive: true, force: true })
}, 300_000)

it('Prometheus takes the alert rules, and what a command tells', async ({ skip }) => {
  if (!programs) return skip()
  expect(await promtool(programs, ['check', 'rules', ALERTS])).toEqual({ code: 0, said: expect.stringContaining('8 rules found') })
  const { url, redis } = await useRedis()
  await using client = new RapidFire({ redis, queue: 'q"b\\c' })
  await client.addMessage('ann', 'Hi')
  const { stdout } = await rapidfire(['metrics'], { REDIS_URL: url })
  expect(stdout).toContain('rapidfire_messages{queue="q\\"b\\\\c"} 1\n')
  expect(await promtool(programs, ['check', 'metrics'], stdout)).toEqual({ code: 0, said: '' })
})

/** Series of ten minutes, a value each 15 s, and the alerts that fire in the end, each so often. */
const CASES: [what: string, series: Record<string, string>, firing: Record<string, number>][] = [
  ['all is well', { 'rapidfire_messages{queue="q"}': '3x40' }, {}],
  ['nobody tells of any queue', { 'up{instance="a"}': '0x40' }, { RapidfireUnseen: 1 }],
  [
    'batches are late, of one of two queues that two processes tell of',
    {
      'rapidfire_messages{queue="q"}': '3x40',
      ...Object.fromEntries(
        ['a', 'b'].flatMap((instance) => [
          [`rapidfire_lateness_seconds_bucket{queue="q",le="1",instance="${instance}"}`, '0+95x40'],
          [`rapidfire_lateness_seconds_bucket{queue="q",le="5",instance="${instance}"}`, '0+100x40'],
          [`rapidfire_lateness_seconds_bucket{queue="q",le="+Inf",instance="${instance}"}`, '0+100x40'],
          [`rapidfire_lateness_seconds_bucket{queue="r",le="1",instance="${instance}"}`, '0+100x40'],
          [`rapidfire_lateness_seconds_bucket{queue="r",le="+Inf",instance="${instance}"}`, '0+100x40'],
        ]),
      ),
    },
    { RapidfireLate: 1 },
  ],
  [
    'nobody claims what is ready, of one of two queues',
    {
      'rapidfire_messages{queue="q"}': '3x40',
      'rapidfire_conversations{queue="q",state="ready"}': '2x40',
      'rapidfire_batches_claimed_total{queue="q",reason="wait"}': '7x40',
      'rapidfire_batches_claimed_total{queue="q",reason="size"}': '0x40',
      'rapidfire_conversations{queue="r",state="ready"}': '2x40',
      'rapidfire_batches_claimed_total{queue="r",reason="wait"}': '7x40',
      'rapidfire_batches_claimed_total{queue="r",reason="size"}': '0+1x40',
    },
    { RapidfireNobodyClaims: 1 },
  ],
  [
    'batches have died, and handlers fail',
    {
      'rapidfire_messages{queue="q"}': '3x40',
      'rapidfire_batches_died_total{queue="q"}': '0x20 1x20',
      'rapidfire_batches_died_total{queue="r"}': '5x40',
      'rapidfire_batches_failed_total{queue="q"}': '0+3x40',
      'rapidfire_batches_completed_total{queue="q"}': '0+10x40',
      'rapidfire_batches_failed_total{queue="r"}': '0+1x40',
      'rapidfire_batches_completed_total{queue="r"}': '0+10x40',
    },
    { RapidfireDied: 1, RapidfireFailing: 1 },
  ],
  [
    'senders are refused, but those who knock at random',
    {
      'rapidfire_messages{queue="q"}': '3x40',
      'rapidfire_webhook_refused_total{queue="q",code="UNKNOWN_FORM"}': '0+1x40',
      'rapidfire_webhook_refused_total{queue="q",code="NOT_FOUND"}': '0+9x40',
    },
    { RapidfireRefused: 1 },
  ],
  [
    'a worker has no Redis, and another no time',
    {
      'rapidfire_messages{queue="q"}': '3x40',
      'rapidfire_workers{queue="q",instance="a"}': '2x40',
      'rapidfire_workers_healthy{queue="q",instance="a"}': '2x20 1x20',
      'rapidfire_workers{queue="q",instance="b"}': '2x40',
      'rapidfire_workers_healthy{queue="q",instance="b"}': '2x40',
      'rapidfire_event_loop_delay_p99_seconds{instance="b"}': '0.9x40',
    },
    { RapidfireWorkerUnhealthy: 1, RapidfireEventLoopLate: 1 },
  ],
]

it('each alert fires when it should, and no other does', async ({ skip }) => {
  if (!programs) return skip()
  const tests = CASES.map(([name, series, firing]) => ({
    name,
    interval: '15s',
    input_series: Object.entries(series).map(([each, values]) => ({ series: each, values })),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: '9m',
        exp_samples: Object.entries(firing).map(([alert, value]) => ({ labels: `{alertname="${alert}"}`, value })),
      },
    ],
  }))
  const file = join(folder, 'tests.yaml')
  await writeFile(file, JSON.stringify({ rule_files: [ALERTS], evaluation_interval: '15s', tests }))
  expect(await promtool(programs, ['test', 'rules', file])).toEqual({ code: 0, said: expect.stringContaining('SUCCESS') })
  const alerts = CASES.flatMap(([, , firing]) => Object.keys(firing))
  expect(new Set(alerts).size).toBe(8)
})

it('a Prometheus reads serve and work with the configuration that comes with the metrics, and the alert of late batches fires', async ({
  skip,
}) => {
  if (!programs) return skip()
  const lua = new Lua(await useRedis(), 'functions')
  await lua.reset()
  await lua.redis.function('LOAD', 'REPLACE', TEST_SOURCE.library)
  const env = { REDIS_URL: lua.server.url, RAPIDFIRE_QUEUE: 'orders', RAPIDFIRE_STATS_TOKEN: 'token of the test' }
  const serve = await start(['serve', '--port', '0', '--unsigned', 'generic'], env).ready()
  const forward = await start(['forward', 'out', '--queue', 'other', '--health-port', '0'], env).ready()
  const [port, healthPort] = await Promise.all(
    [serve, forward].map(async ({ lines }) => (await eventually(() => lines.find(({ msg }) => msg === 'listening')))?.port as number),
  )
  // Without the times for which nobody wants to wait here.
  await writeShipped(folder, (text) =>
    text
      .replace('127.0.0.1:3000', `127.0.0.1:${port}`)
      .replace('127.0.0.1:3001', `127.0.0.1:${healthPort}`)
      .replace(/_interval: 15s/g, '_interval: 200ms')
      .replace(/for: \dm/g, 'for: 0s'),
  )
  await writeFile(join(folder, 'rapidfire-token'), env.RAPIDFIRE_STATS_TOKEN)
  const prometheus = await startPrometheus(programs, folder)
  onTestFinished(() => prometheus.stop())
  const values = async (query: string): Promise<string[]> => {
    const { data } = await prometheus.ask(`/api/v1/query?query=${encodeURIComponent(query)}`)
    return data.result.map(({ value }: { value: [number, string] }) => value[1])
  }
  await eventually(async () => (await values('rapidfire_lateness_seconds_count{queue="orders"} == 0')).length === 1)
  await eventually(async () => (await values('rapidfire_workers_healthy{queue="other"} == 1')).length === 1)
  const firing = async () => {
    const { data } = await prometheus.ask('/api/v1/alerts')
    return data.alerts
      .filter(({ state }: { state: string }) => state === 'firing')
      .map(({ labels }: any) => `${labels.alertname} ${labels.queue}`)
  }
  expect(await firing()).not.toContain('RapidfireLate orders')
  await lua.call('add', 'ann', 'Hi', 'FLUSH')
  await lua.tick(3000)
  await lua.claimOne()
  await eventually(async () => (await firing()).includes('RapidfireLate orders'))
  expect(await values('up')).toEqual(['1', '1'])
})
