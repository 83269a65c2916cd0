import type { Stats } from '../batches/stats.ts'
import type { Counts, Family, Sample } from './exposition.ts'

/** A family, and what it has of one queue. */
type Kind = Omit<Family, 'samples'> & { of: (stats: Stats) => number | Counts | Readonly<Record<string, number>>; label?: string }

/** What is true in Redis, whoever asks. */
const KINDS: readonly Kind[] = [
  {
    name: 'rapidfire_conversations',
    type: 'gauge',
    help: 'Conversations with messages: collecting, ready (nobody has taken the batch yet), active (with a worker, or pausing).',
    label: 'state',
    of: ({ collecting, ready, active }) => ({ collecting, ready, active }),
  },
  { name: 'rapidfire_messages', type: 'gauge', help: 'Messages that wait or are being handled.', of: ({ messages }) => messages },
  {
    name: 'rapidfire_messages_behind',
    type: 'gauge',
    help: 'Messages that have arrived behind a batch in work; an estimate when more than 100 conversations are active.',
    of: ({ queued }) => queued,
  },
  { name: 'rapidfire_dead_batches', type: 'gauge', help: 'Dead batches that are kept.', of: ({ dead }) => dead },
  { name: 'rapidfire_events', type: 'gauge', help: 'Entries of events that are kept.', of: ({ events }) => events },
  { name: 'rapidfire_partitions', type: 'gauge', help: 'Partitions that serve.', of: ({ partitions }) => partitions },
  { name: 'rapidfire_messages_added_total', type: 'counter', help: 'Messages accepted.', of: ({ totals }) => totals.added },
  {
    name: 'rapidfire_messages_duplicate_total',
    type: 'counter',
    help: 'Messages not accepted because of their id.',
    of: ({ totals }) => totals.duplicates,
  },
  {
    name: 'rapidfire_messages_completed_total',
    type: 'counter',
    help: 'Messages of completed batches.',
    of: ({ totals }) => totals.completedMessages,
  },
  {
    name: 'rapidfire_batches_claimed_total',
    type: 'counter',
    help: 'Batches claimed for the first time, by what closed them.',
    label: 'reason',
    of: ({ closedBy }) => closedBy,
  },
  { name: 'rapidfire_batches_completed_total', type: 'counter', help: 'Batches completed.', of: ({ totals }) => totals.completed },
  {
    name: 'rapidfire_batches_failed_total',
    type: 'counter',
    help: 'Failures that are followed by another attempt.',
    of: ({ totals }) => totals.failed,
  },
  {
    name: 'rapidfire_batches_redelivered_total',
    type: 'counter',
    help: 'Batches handed out again: after a failure, a lease that ended, or when they were given back.',
    of: ({ totals }) => totals.redelivered,
  },
  { name: 'rapidfire_batches_died_total', type: 'counter', help: 'Batches that have died.', of: ({ totals }) => totals.died },
  {
    name: 'rapidfire_lateness_seconds',
    type: 'histogram',
    help: 'How long after it was due a batch was claimed for the first time.',
    of: ({ lateness: { sum, buckets } }) => ({
      sum: sum / 1000,
      buckets: Object.entries(buckets).map(([bound, count]) => [bound === 'more' ? Number.POSITIVE_INFINITY : Number(bound) / 1000, count]),
    }),
  },
  { name: 'rapidfire_lateness_max_seconds', type: 'gauge', help: 'The latest batch ever.', of: ({ lateness }) => lateness.max / 1000 },
]

function samplesOf({ of, label }: Kind, stats: Stats): Sample[] {
  const { queue } = stats
  const value = of(stats)
  if (label === undefined) return [{ labels: { queue }, value: value as number | Counts }]
  return Object.entries(value).map(([name, each]) => ({ labels: { queue, [label]: name }, value: each as number }))
}

/** The families of queues. */
export const queueFamilies = (all: readonly Stats[]): Family[] =>
  KINDS.map((kind) => ({ name: kind.name, type: kind.type, help: kind.help, samples: all.flatMap((stats) => samplesOf(kind, stats)) }))
