import { setTimeout as sleep } from 'node:timers/promises'
import { RapidFire } from '../../../../src/index.ts'
import { Agent } from '../agents.ts'
import type { Bench } from '../bench.ts'
import { makeMessages } from '../messages.ts'
import { type Measure, percentile } from '../rounds.ts'
import { BURST } from '../tasks.ts'

const WAIT = 500
const RATE = 2000
const WORKERS = 4
const CONCURRENCY = 50
const DAY = 86_400_000
const BULK = 250

/** Four workers beside many open keys, part after part of the same time: what grows with time shows in the last row. */
export function steadyMeasure({ url, redis, scale, shared }: Bench): Measure {
  const { open, parts, seconds } = scale.steady
  const own = shared ?? []
  let running: Promise<{ adder: Agent; workers: Agent[] }> | undefined

  async function start() {
    await redis.flushall()
    const filler = new RapidFire({ redis: url, queue: 'bench', policy: { wait: DAY, maxWait: DAY } })
    const others = makeMessages({ keys: open, perKey: 1 }, '7100')
    for (let at = 0; at < others.length; at += BULK) {
      await filler.addMessages(others.slice(at, at + BULK).map(({ key, data }) => ({ key, data })))
    }
    await filler.close()
    while (own.length < 1 + WORKERS) own.push(new Agent())
    const [adder, ...workers] = own.slice(0, 1 + WORKERS) as [Agent, ...Agent[]]
    // What is open keeps its time; what comes now has another wait.
    for (const agent of [adder, ...workers]) await agent.do('open', { name: 'rapidfire', url, wait: WAIT })
    for (const worker of workers) await worker.do('work', { concurrency: CONCURRENCY })
    await adder.do('feed', { rate: RATE, seconds: Math.min(5, seconds) })
    await sleep(WAIT + 500)
    return { adder, workers }
  }

  async function usage(workers: Agent[]) {
    const used = await Promise.all(workers.map((worker) => worker.do('usage', undefined)))
    const info = await redis.info()
    const read = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1])
    return {
      at: performance.now(),
      cpu: used.reduce((sum, { cpu }) => sum + cpu, 0) / 1e6,
      megabytes: Math.max(...used.map(({ megabytes }) => megabytes)),
      redisCpu: read('used_cpu_sys') + read('used_cpu_user'),
      redisMegabytes: read('used_memory') / 1e6,
    }
  }

  async function round(): Promise<Record<string, number>> {
    running ??= start()
    const { adder, workers } = await running
    for (const worker of workers) await worker.do('forget', undefined)
    const before = await usage(workers)
    const sent = (await adder.do('feed', { rate: RATE, seconds })) * BURST.length
    await sleep(WAIT + 500)
    const after = await usage(workers)
    const handled = await Promise.all(workers.map((worker) => worker.do('handled', { messages: 0, within: 5000 })))
    const late = handled.flatMap((each) => each.late).sort((a, b) => a - b)
    const share = (spent: number) => (spent / (after.at - before.at)) * 1e5
    return {
      ...{ p50: percentile(late, 0.5), p99: percentile(late, 0.99), max: percentile(late, 1) },
      missing: sent - handled.reduce((sum, { messages }) => sum + messages, 0),
      ...{ cpu: share(after.cpu - before.cpu), megabytes: after.megabytes },
      ...{ redisCpu: share(after.redisCpu - before.redisCpu), redisMegabytes: after.redisMegabytes },
    }
  }

  async function stop() {
    for (const agent of own) {
      if (shared) await agent.do('close', undefined)
      else await agent.stop()
    }
  }

  return {
    title:
      `${RATE.toLocaleString('en-US')} batches/s to ${WORKERS} workers beside ${open.toLocaleString('en-US')} open keys, ` +
      `${parts} times ${seconds} s: ms from the deadline to the call of the handler`,
    columns: [
      { name: 'p50', title: 'p50', digits: 2 },
      { name: 'p99', title: 'p99', digits: 2 },
      { name: 'max', title: 'max', digits: 1 },
      { name: 'missing', title: 'messages lost', digits: 0 },
      { name: 'cpu', title: 'workers CPU %', digits: 1 },
      { name: 'megabytes', title: 'worker MB', digits: 0 },
      { name: 'redisCpu', title: 'Redis CPU %', digits: 1 },
      { name: 'redisMegabytes', title: 'Redis MB', digits: 1 },
      { name: 'p99Ratio', title: 'p99 × first', digits: 2, ratioOf: 'p99' },
      { name: 'redisMegabytesRatio', title: 'Redis MB × first', digits: 2, ratioOf: 'redisMegabytes' },
    ],
    rows: Array.from({ length: parts }, (_, n) => ({
      name: `part ${n + 1}`,
      open: async () => ({ round, close: async () => (n === parts - 1 ? stop() : undefined) }),
    })),
    rounds: 1,
  }
}
