import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from '../agents.ts'
import type { Bench } from '../bench.ts'
import { type Measure, percentile } from '../rounds.ts'
import { BURST } from '../tasks.ts'

const WAIT = 500
const RATE = 200
const CONCURRENCY = 10
/** Queues of one process, each with a worker. */
const QUEUES = [1, 200]

/** Many queues in one process: what they cost while nothing happens, and how late their batches are. */
export function queuesMeasure({ url, redis, scale, shared }: Bench): Measure {
  const { seconds } = scale
  const most = Math.max(2, Math.min(200, scale.keys / 10))

  /** What the server has been asked for since RESETSTAT: calls of functions, and all commands, those that functions call included. */
  async function asked(): Promise<{ calls: number; commands: number }> {
    const counted = [...(await redis.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
    const count = (of: (name: string) => boolean) =>
      counted.reduce((sum, [, name, calls]) => sum + (of(name as string) ? Number(calls) : 0), 0)
    return { calls: count((name) => name === 'fcall'), commands: count((name) => !/^(info|config|client)\b/.test(name)) }
  }

  async function round(worker: Agent, adder: Agent, queues: number): Promise<Record<string, number>> {
    await redis.flushall()
    const others = String(await redis.client('LIST'))
      .trim()
      .split('\n').length
    await worker.do('open', { name: 'rapidfire', url, wait: WAIT, queues })
    await worker.do('work', { concurrency: CONCURRENCY })
    await adder.do('open', { name: 'rapidfire', url, wait: WAIT, queues })
    // What beginning costs is not counted: in each queue something has happened.
    const begun = (await adder.do('feed', { rate: RATE, seconds: 3 * seconds.fed })) * BURST.length
    await worker.do('handled', { messages: begun, within: 5_000 })
    await adder.do('close', undefined)
    // Each queue has been looked at again.
    await sleep(seconds.idle * 3500)
    const connections =
      String(await redis.client('LIST'))
        .trim()
        .split('\n').length - others
    const before = await worker.do('usage', undefined)
    await redis.config('RESETSTAT')
    await sleep(seconds.idle * 1000)
    const { calls, commands } = await asked()
    const after = await worker.do('usage', undefined)
    await adder.do('open', { name: 'rapidfire', url, wait: WAIT, queues })
    await adder.do('feed', { rate: RATE, seconds: 3 * seconds.fed })
    await sleep(WAIT + 500)
    await worker.do('forget', undefined)
    const sent = (await adder.do('feed', { rate: RATE, seconds: seconds.fed })) * BURST.length
    const { messages, late } = await worker.do('handled', { messages: sent, within: 5_000 })
    await Promise.all([adder.do('close', undefined), worker.do('close', undefined)])
    return {
      ...{ connections, calls: calls / seconds.idle, commands: commands / seconds.idle },
      ...{ cpu: (after.cpu - before.cpu) / seconds.idle / 1e4, megabytes: after.megabytes },
      ...{ p50: percentile(late, 0.5), p99: percentile(late, 0.99), missing: sent - messages },
    }
  }

  return {
    title: `Queues of one process, a worker each, at rest, and then ms from the deadline to the call of the handler at ${RATE} batches/s in all`,
    columns: [
      { name: 'connections', title: 'connections', digits: 0 },
      { name: 'calls', title: 'calls/s', digits: 1 },
      { name: 'commands', title: 'commands/s', digits: 1 },
      { name: 'cpu', title: 'CPU %', digits: 2 },
      { name: 'megabytes', title: 'MB', digits: 0 },
      { name: 'p50', title: 'p50', digits: 2 },
      { name: 'p99', title: 'p99', digits: 2 },
      { name: 'missing', title: 'messages lost', digits: 0 },
    ],
    rows: QUEUES.map((count) => Math.min(count, most)).map((queues) => ({
      name: queues === 1 ? '1 queue' : `${queues} queues`,
      open: async () => {
        const own = shared ?? []
        while (own.length < 2) own.push(new Agent())
        const [worker, adder] = own as [Agent, Agent]
        return { round: () => round(worker, adder, queues), close: () => Promise.all(shared ? [] : own.map((agent) => agent.stop())) }
      },
    })),
    rounds: 1,
  }
}
