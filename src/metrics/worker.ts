import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Run } from '../events.ts'
import type { Worker } from '../worker/worker.ts'
import { exposition, type Family, type Sample } from './exposition.ts'

/** Bounds of how long handlers run, seconds: from what a lookup takes to what a language model takes. */
const BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, Number.POSITIVE_INFINITY]

/** How an attempt ends, by the events of a worker. */
const OUTCOMES = ['completed', 'failed', 'dead', 'lost', 'released'] as const

/** How often the event loop is looked at, ms: what a look is later than that is its delay. */
const RESOLUTION = 20

interface Durations {
  counts: number[]
  sum: number
}

/** What is known of the workers of one queue. */
interface Known {
  queue: string
  workers: Worker<any>[]
  durations: Map<string, Durations>
  forwarded: number
  errors: number
}

/**
 * What only a process with workers knows, from now on: its handlers, and how late its event loop is. What is true of a queue is exported elsewhere, once:
 * see `renderMetrics`.
 *
 * @example
 * const metrics = new WorkerMetrics(worker)
 * response.setHeader('content-type', CONTENT_TYPE).end(metrics.render())
 */
export class WorkerMetrics {
  readonly #queues: Known[] = []
  #delay: IntervalHistogram | undefined

  /** @param workers of this process; those of one queue are counted together */
  constructor(...workers: Worker<any>[]) {
    for (const worker of workers) this.#watch(worker)
  }

  /** The text of a scrape. With the first one it begins to measure the event loop, and tells its delay since the scrape before. */
  render(): string {
    return exposition([...this.#workerFamilies(), ...this.#loopFamilies()])
  }

  #watch(worker: Worker<any>): void {
    const known = this.#knownOf(worker.queue)
    known.workers.push(worker)
    worker.observe((event, about) => {
      const durations = known.durations.get(event)
      if (event === 'error') known.errors += 1
      else if (event === 'forwarded') known.forwarded += about as number
      else if (durations) count(durations, (about as Run).took / 1000)
    })
  }

  #knownOf(queue: string): Known {
    const known = this.#queues.find((each) => each.queue === queue)
    if (known) return known
    const durations = new Map(OUTCOMES.map((outcome) => [outcome as string, { counts: BOUNDS.map(() => 0), sum: 0 }]))
    const fresh: Known = { queue, workers: [], durations, forwarded: 0, errors: 0 }
    this.#queues.push(fresh)
    return fresh
  }

  #workerFamilies(): Family[] {
    const of = (value: (known: Known) => number): Sample[] =>
      this.#queues.map((known) => ({ labels: { queue: known.queue }, value: value(known) }))
    const sum = (value: (worker: Worker<any>) => number) => of(({ workers }) => workers.reduce((all, worker) => all + value(worker), 0))
    const durations = this.#queues.flatMap(({ queue, durations }) =>
      Array.from(durations, ([outcome, { counts, sum }]): Sample => {
        const buckets = BOUNDS.map((bound, n) => [bound, counts[n] as number] as const)
        return { labels: { queue, outcome }, value: { buckets, sum } }
      }),
    )
    return [
      { name: 'rapidfire_workers', type: 'gauge', help: 'Workers of this process.', samples: of(({ workers }) => workers.length) },
      {
        name: 'rapidfire_workers_healthy',
        type: 'gauge',
        help: 'Those that run, and whose last claim Redis has answered.',
        samples: sum((worker) => Number(worker.isHealthy())),
      },
      { name: 'rapidfire_handlers_running', type: 'gauge', help: 'Handlers that run now.', samples: sum(({ running }) => running) },
      {
        name: 'rapidfire_handlers_most',
        type: 'gauge',
        help: 'Handlers that may run at once.',
        samples: sum(({ concurrency }) => concurrency),
      },
      {
        name: 'rapidfire_handler_duration_seconds',
        type: 'histogram',
        help: 'How long handlers ran, by how their attempt has ended.',
        samples: durations,
      },
      {
        name: 'rapidfire_worker_forwarded_batches_total',
        type: 'counter',
        help: 'Batches that forwarders of this process have moved into a stream.',
        samples: of(({ forwarded }) => forwarded),
      },
      {
        name: 'rapidfire_worker_errors_total',
        type: 'counter',
        help: 'How often Redis could not be reached, did not answer or refused, or a listener has thrown.',
        samples: of(({ errors }) => errors),
      },
    ]
  }

  #loopFamilies(): Family[] {
    const delay = this.#delay ?? monitorEventLoopDelay({ resolution: RESOLUTION })
    const gauge = (name: string, help: string, nanoseconds: number): Family => {
      const late = delay.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1000)
      return { name, type: 'gauge', help, samples: [{ labels: {}, value: late }] }
    }
    const families = [
      gauge('rapidfire_event_loop_delay_p99_seconds', 'How late the event loop was since the last scrape, p99.', delay.percentile(99)),
      gauge('rapidfire_event_loop_delay_max_seconds', 'How late the event loop was since the last scrape, at most.', delay.max),
    ]
    if (this.#delay) delay.reset()
    else delay.enable()
    this.#delay = delay
    return families
  }
}

function count(durations: Durations, seconds: number): void {
  const at = BOUNDS.findIndex((bound) => seconds <= bound)
  durations.counts[at] = (durations.counts[at] as number) + 1
  durations.sum += seconds
}
