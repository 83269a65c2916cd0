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
  lateness: { mean: number; p50: number; p99: number; max: number }
  /** Messages per completed batch; 0 before the first. */
  meanBatchSize: number
  /** Part of the handler calls that batching has saved, 0 to 1: messages that did not need one of their own. */
  callsSaved: number
}

/** Asks all roots of a queue. */
export function getStats(caller: Caller, queue: string, layout: KnownLayout): Promise<Stats> {
  return caller.underway.run(async () => {
    const roots = await layout.everyRoot()
    return readStats(queue, layout.partitions, await Promise.all(roots.map((root) => caller.call(root, 'stats', {}))))
  })
}

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
    },
    meanBatchSize: completed === 0 ? 0 : completedMessages / completed,
    callsSaved: completedMessages === 0 ? 0 : 1 - completed / completedMessages,
  }
}
