import type { KnownLayout } from '../partitions/layout.ts'
import type { Caller } from '../redis/caller.ts'

/** What a queue holds and what it has done. Times in ms. */
export interface Stats {
  queue: string
  /** Partitions that serve; 1 when the queue has none. */
  partitions: number
  /** The time in Redis. */
  now: number
  /** Keys whose batch is being collected. */
  collecting: number
  /** Keys whose time has come and that no worker has looked at yet. */
  ready: number
  /** Keys whose batch is with a worker, or pauses before its next attempt. */
  active: number
  /** Messages that have arrived behind an active batch. An estimate when more than 100 keys are active. */
  queued: number
  /** Dead batches. */
  dead: number
  /** Messages that wait or are being handled. */
  messages: number
  /** Entries of events that are kept; 0 while the policy keeps none. */
  events: number
  totals: {
    added: number
    duplicates: number
    batches: number
    completed: number
    completedMessages: number
    failed: number
    redelivered: number
    /** Batches that have died, those that were requeued or dropped since included. */
    died: number
  }
  /** What closed the batches. */
  closedBy: { wait: number; maxWait: number; size: number; flush: number; bytes: number }
  /** Claimed at minus deadline, of first attempts. The percentiles are upper bounds of a histogram's buckets. */
  lateness: {
    mean: number
    p50: number
    p99: number
    max: number
    sum: number
    /** By an upper bound in ms, the least first: batches that were at most so late, and later than the bound before. `more`: later than all of them. */
    buckets: Record<string, number>
  }
  /** Messages per completed batch; 0 before the first. */
  meanBatchSize: number
  /** Part of the handler calls that batching has saved, 0 to 1: messages that did not need one of their own. */
  callsSaved: number
}

/** For how long the figures of a former partition are believed, ms: its server may be replaced by one that has more of it. */
const BELIEVED = 600_000

/** The figures of a queue: sums over every root that it ever had. */
export class Figures {
  readonly #queue: string
  readonly #caller: Caller
  readonly #layout: KnownLayout
  /** Of former partitions with neither messages nor dead batches. Nothing comes there any more, so they stay as they are. */
  readonly #ended = new Map<string, { figures: [string, number][]; until: number }>()

  constructor(queue: string, caller: Caller, layout: KnownLayout) {
    this.#queue = queue
    this.#caller = caller
    this.#layout = layout
  }

  /** Whether a root is known to hold nothing, and to get nothing any more. */
  hasEnded(root: string): boolean {
    const ended = this.#ended.get(root)
    return ended !== undefined && performance.now() < ended.until && this.#layout.isFormer(root)
  }

  getStats(): Promise<Stats> {
    return this.#caller.underway.run(async () => {
      const roots = await this.#layout.everyRoot()
      return readStats(this.#queue, this.#layout.partitions, await Promise.all(roots.map((root) => this.#ask(root))))
    })
  }

  async #ask(root: string): Promise<[string, number][]> {
    if (this.hasEnded(root)) return this.#ended.get(root)?.figures ?? []
    // A change that begins meanwhile makes no partition a serving one again.
    const isFormer = this.#layout.isFormer(root)
    const figures = await this.#caller.call(root, 'stats', {})
    const held = figures.filter(([field, figure]) => HELD.includes(field) && figure !== 0)
    if (isFormer && held.length === 0) this.#ended.set(root, { figures, until: performance.now() + BELIEVED })
    return figures
  }
}

/** What a root holds that may change. */
const HELD = ['collecting', 'ready', 'active', 'dead', 'messages']

/** Figures that are no sums. */
const GREATEST = ['now', 'latenessMax']

/** Reads the replies of `rapidfire_stats` of the roots of a queue. */
export function readStats(queue: string, partitions: number, replies: [string, number][][]): Stats {
  const values = new Map<string, number>()
  for (const [field, figure] of replies.flat()) {
    const before = values.get(field) ?? 0
    values.set(field, GREATEST.includes(field) ? Math.max(before, figure) : before + figure)
  }
  const value = (field: string) => values.get(field) ?? 0
  const buckets = [...values]
    .filter(([field]) => field.startsWith('lateness:'))
    .map(([field, count]) => ({
      bound: field === 'lateness:more' ? Number.POSITIVE_INFINITY : Number(field.slice('lateness:'.length)),
      count,
    }))
    .sort((a, b) => a.bound - b.bound)
  const percentile = (part: number) => {
    let left = part * buckets.reduce((sum, bucket) => sum + bucket.count, 0)
    const bucket = buckets.find(({ count }) => (left -= count) <= 0)
    return Math.min(bucket?.bound ?? 0, value('latenessMax'))
  }
  const { completed, completedMessages, batches } = {
    completed: value('completed'),
    completedMessages: value('completedMessages'),
    batches: value('batches'),
  }
  return {
    queue,
    partitions,
    now: value('now'),
    collecting: value('collecting'),
    ready: value('ready'),
    active: value('active'),
    queued: value('queued'),
    dead: value('dead'),
    messages: value('messages'),
    events: value('events'),
    totals: {
      added: value('added'),
      duplicates: value('duplicates'),
      batches,
      completed,
      completedMessages,
      failed: value('failed'),
      redelivered: value('redelivered'),
      died: value('died'),
    },
    closedBy: {
      wait: value('closedBy:wait'),
      maxWait: value('closedBy:maxWait'),
      size: value('closedBy:size'),
      flush: value('closedBy:flush'),
      bytes: value('closedBy:bytes'),
    },
    lateness: {
      mean: batches === 0 ? 0 : value('latenessSum') / batches,
      p50: percentile(0.5),
      p99: percentile(0.99),
      max: value('latenessMax'),
      sum: value('latenessSum'),
      buckets: Object.fromEntries(buckets.map(({ bound, count }) => [bound === Number.POSITIVE_INFINITY ? 'more' : String(bound), count])),
    },
    meanBatchSize: completed === 0 ? 0 : completedMessages / completed,
    callsSaved: completedMessages === 0 ? 0 : 1 - completed / completedMessages,
  }
}
