import { brokenPromises, claimOf, type Entry } from '../../fault/history.ts'
import { changesOf } from './changes.ts'
import { QueueLog } from './redis-log.ts'
import { ATTEMPTS, FORWARD_LEASE, LEASE } from './settings.ts'
import { brokenTelling } from './told.ts'
import type { Verdict } from './verdict.ts'

/**
 * So late a batch may be handed to a handler while Redis can be reached, ms: a worker takes a connection to be dead after 5 s, pauses for 2 s
 * between two tries, and may rest for a second; meanwhile a batch that was on its way to a worker that has gone waits for its lease.
 */
const LATEST = 10_000

/** The same with partitions: a worker may rest for a second for each of them; an entry whose list is missing waits for 10 s. */
const LATEST_SPREAD = 35_000

/** What a worker may say of a Redis that is killed, stopped, full, closes connections, and loses functions. */
const EXPECTED =
  /^Redis (at .+ )?cannot be used: |^Redis is over maxmemory: |^the rapidfire library in Redis has no |^wake-ups do not arrive|^Connection is closed|^Command timed out/

/**
 * Judges a run that is settled.
 *
 * @param entries what all processes have written down
 * @param commands what Redis has written down
 * @param faults how often each fault was seen to happen
 */
export function judge(entries: readonly Entry[], commands: readonly string[][], faults: ReadonlyMap<string, number>): Verdict {
  const handled = new QueueLog('rapid-fire:{handled}', LEASE, ATTEMPTS, commands)
  const forwarded = new QueueLog('rapid-fire:{forwarded}', FORWARD_LEASE, ATTEMPTS, commands)
  const over = [...handled.over, ...forwarded.over]
  const { count, told } = counts(entries)
  const late = ({ lateness }: QueueLog) => spread(lateness)
  const changes = changesOf(entries)
  const expected = entries.filter((entry) => entry.what !== 'accepted' || !changes.excused.has(entry.message))
  return {
    broken: [
      ...neverHappened(faults),
      ...changes.broken,
      ...brokenPromises([...expected, ...over.map((fact) => ({ at: 0, pid: 0, ...fact }))]),
      ...handled.broken,
      ...forwarded.broken,
      ...brokenTelling([...entries, ...over.map((fact) => ({ at: 0, pid: 0, ...fact }))], LEASE, LATEST),
      ...strangers(entries, new Map([...handled.handed, ...forwarded.handed])),
      ...unexpected(entries, EXPECTED),
    ],
    figures: [
      ...accepted(entries),
      ['  refused before, Redis over maxmemory', count((entry) => entry.what === 'refused' && entry.code === 'OUT_OF_MEMORY')],
      ['  have replaced another one', changes.replaced],
      ['  have withdrawn another one', changes.withdrawn],
      ['batches', handled.lateness.length + forwarded.lateness.length],
      ['  for a handler', handled.lateness.length],
      ['  for the stream', forwarded.lateness.length],
      ['  redelivered after a failure', over.filter(({ by }) => by === 'failure').length],
      ['  redelivered after a lease that had ended', over.filter(({ by }) => by === 'lease').length],
      ['  lost to another worker, and told so', told('lost')],
      ['  dead, and kept', count((entry) => entry.what === 'buried')],
      ['errors that workers have told of and survived', count(({ what }) => what === 'error')],
      ['lateness of those for a handler, ms: median, 99 %, longest', late(handled)],
      ['lateness of those for the stream', late(forwarded)],
    ],
  }
}

/**
 * Judges a run on a cluster that is settled: by what the processes have written down, and by what the killed primaries had that their replicas had
 * not.
 */
export function judgeCluster(entries: readonly Entry[], faults: ReadonlyMap<string, number>, dedupe: number): Verdict {
  const { count, told } = counts(entries)
  const forgotten = entries.flatMap((entry) => (entry.what === 'forgot' ? (entry.messages ?? []) : []))
  const started = entries.filter((entry) => entry.what === 'started')
  const first = started.filter(({ attempt }) => attempt === 1)
  return {
    broken: [
      ...neverHappened(faults),
      ...brokenPromises(entries, dedupe),
      ...brokenTelling(entries, LEASE, LATEST_SPREAD),
      ...unexpected(withoutRefusals(entries), EXPECTED_OF_CLUSTER),
    ],
    figures: [
      ...accepted(entries),
      ['messages that a replica which took over had never got', forgotten.length],
      ['handlers that were started', started.length],
      ['  for a later attempt', started.length - first.length],
      ['  lost to another worker, and told so', told('lost')],
      ['dead batches, kept', count((entry) => entry.what === 'buried')],
      ['errors that workers have told of and survived', count(({ what }) => what === 'error')],
      ['handed over so long after the deadline, ms: median, 99 %, longest', spread(first.map(({ at, deadline = at }) => at - deadline))],
    ],
  }
}

/** What a worker may say of nodes that are killed, stopped and replaced. */
const EXPECTED_OF_CLUSTER = new RegExp(`${EXPECTED.source}|^Failed to refresh slots cache|^CLUSTERDOWN|^None of startup nodes`)

function counts(entries: readonly Entry[]) {
  const count = (found: (entry: Entry) => unknown) => entries.filter(found).length
  return { count, told: (event: string) => count((entry) => entry.what === 'told' && entry.event === event) }
}

function accepted(entries: readonly Entry[]): Verdict['figures'] {
  const { count } = counts(entries)
  return [
    ['messages accepted', count((entry) => entry.what === 'accepted')],
    ['  of them on the second telling: their first answer was lost', count((entry) => entry.what === 'accepted' && entry.duplicate)],
    ['  refused before, backlog full', count((entry) => entry.what === 'refused' && entry.code === 'BACKLOG_FULL')],
    ['  outcome unknown, told again', count((entry) => entry.what === 'refused' && entry.code === 'UNAVAILABLE')],
  ]
}

/** Median, 99 %, longest. */
function spread(lateness: readonly number[]): string {
  const sorted = [...lateness].sort((a, b) => a - b)
  return [0.5, 0.99, 1].map((part) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0).join(', ')
}

const neverHappened = (faults: ReadonlyMap<string, number>) =>
  [...faults].filter(([, times]) => times === 0).map(([fault]) => `'${fault}' never happened`)

/** So long after a fault a worker may still tell that a root has refused it, ms: it had failed there before, and meets a newer layout now. */
const AFTERMATH = 3000

/** All but the refusals of roots that a worker had lost sight of. */
function withoutRefusals(entries: readonly Entry[]): Entry[] {
  return entries.filter((entry) => {
    if (entry.what !== 'error' || !/ does not serve new messages: | goes by generation /.test(entry.text)) return true
    return !entries.some((each) => {
      if (each.what === 'silent') return entry.at >= each.since && entry.at <= each.until + AFTERMATH
      return each.what === 'continued' && each.pid === entry.pid && entry.at >= each.at && entry.at <= each.at + AFTERMATH
    })
  })
}

/** Errors that no fault explains, those that say the same of other roots and batches together. */
function unexpected(entries: readonly Entry[], expected: RegExp): string[] {
  const alike = new Map<string, { pids: Set<number>; texts: string[] }>()
  for (const entry of entries) {
    if (entry.what !== 'error' || expected.test(entry.text)) continue
    const kind = entry.text.replace(/\d+/g, '0')
    const { pids, texts } = alike.get(kind) ?? { pids: new Set(), texts: [] }
    alike.set(kind, { pids: pids.add(entry.pid), texts: [...texts, entry.text] })
  }
  return [...alike.values()].map(
    ({ pids, texts }) =>
      `process ${[...pids].join(', ')} met an error of its own${texts.length > 1 ? `, ${texts.length} times` : ''}: ${texts[0]}`,
  )
}

/** Batches that a handler got and Redis did not hand out, or not so. */
function strangers(entries: readonly Entry[], handed: ReadonlyMap<string, string[]>): string[] {
  return entries.flatMap((entry) => {
    if (entry.what !== 'started') return []
    const attempt = `${entry.batch}:${claimOf(entry)} of ${entry.key}`
    const messages = handed.get(attempt)
    if (messages?.join() === entry.messages.join()) return []
    return [`batch ${attempt} was handled with ${entry.messages}, Redis handed out ${messages ?? 'nothing'}`]
  })
}
