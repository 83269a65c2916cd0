import { rootOfId } from '../../../src/partitions/roots.ts'
import { type Attempt, claimOf, type Entry, Losses, type Of } from '../../fault/history.ts'

/** Its token and key. */
const name = (attempt: Attempt) => `${attempt.batch}:${claimOf(attempt)} of ${attempt.key}`

/**
 * What processes were told wrongly, or too late, in words:
 * - an attempt is counted only when a handler was started for it;
 * - a handler is not started any more when its batch was handed to another one meanwhile;
 * - the signal of a handler aborts soon after its batch was handed to another one, even if Redis has forgotten who had it;
 * - the signal of a handler aborts only when the lease is lost or has ended, as far as the worker can know;
 * - a worker that has ended a batch is not told that it had lost it;
 * - a batch that is ready gets its handler within `latest` ms, while Redis can be reached.
 */
export function brokenTelling(entries: readonly Entry[], lease: number, latest: number): string[] {
  const losses = new Losses(entries)
  return [
    ...withoutHandler(entries, losses),
    ...startedLate(entries, losses),
    ...abortedLate(entries, lease),
    ...abortedInVain(entries, lease),
    ...wronglyLost(entries, losses),
    ...tooLate(entries, lease, latest),
  ]
}

const only = <What extends Entry['what']>(entries: readonly Entry[], ...what: What[]) =>
  entries.filter((entry): entry is Of<What> => what.includes(entry.what as What))

/** Attempts that were used up without anybody having tried. */
function withoutHandler(entries: readonly Entry[], losses: Losses): string[] {
  const started = only(entries, 'started')
  const naming = ({ batch, attempt, key }: Attempt) => `${attempt} of batch ${batch} of ${key}`
  const tried = new Set(started.map(naming))
  const handled = new Set(started.map(({ batch }) => batch))
  const broken = new Set<string>()
  for (const entry of only(entries, 'started', 'buried', 'over')) {
    // Forwarded batches have no handler. Of the attempt that a handler began, those before it count as well.
    if (entry.what === 'over' && entry.by === 'lease' && !handled.has(entry.batch)) continue
    const unused = entry.what === 'started' || (entry.what === 'over' && entry.counted === false) || isUnacknowledged(entry)
    for (let attempt = 1; attempt < entry.attempt + (unused ? 0 : 1); attempt += 1) {
      const missing = { key: entry.key, batch: entry.batch, attempt }
      if (tried.has(naming(missing))) continue
      if (losses.mayHaveUndone({ ...missing, at: 0 }, { at: entry.at || Number.POSITIVE_INFINITY })) continue
      broken.add(`attempt ${naming(missing)} was counted and no handler was ever started for it`)
    }
  }
  return [...broken]
}

/** Whether a batch died since nobody had ever said that a claim of it arrived. */
const isUnacknowledged = (entry: Entry) => entry.what === 'buried' && entry.cause === 'unacknowledged'

/** In the order in which they happened: a process that is stopped writes down later what it did before. */
const inTime = (starts: Of<'started'>[]) => [...starts].sort((a, b) => a.at - b.at)

/** Handlers that were started for what somebody else had got by then: a person would get two answers. */
function startedLate(entries: readonly Entry[], losses: Losses): string[] {
  const latest = new Map<string, Of<'started'>>()
  return inTime(only(entries, 'started')).flatMap((start) => {
    // Ids are those of a queue, and there are two.
    const batch = `${start.batch} of ${start.key}`
    const before = latest.get(batch)
    if (!before || claimOf(start) >= claimOf(before)) {
      latest.set(batch, start)
      return []
    }
    if (before.pid === start.pid || losses.mayHaveUndone(before, start)) return []
    return [`the handler of ${name(start)} was started although ${before.batch}:${claimOf(before)} had been handed out`]
  })
}

/** What a worker may need beyond a lease to abort, ms. */
const SLACK = 1000

/** Handlers that went on undisturbed for longer than a lease beside another one of the same key. */
function abortedLate(entries: readonly Entry[], lease: number): string[] {
  const running = new Map<string, Of<'started'>>()
  return inTime(only(entries, 'started')).flatMap((second) => {
    const first = running.get(second.key)
    // One that is started too late is told of above.
    if (first?.batch === second.batch && claimOf(first) >= claimOf(second)) return []
    running.set(second.key, second)
    if (!first) return []
    const end = only(entries, 'ended', 'aborted').find((entry) => name(entry) === name(first) && entry.pid === first.pid)
    const disturbed = only(entries, 'killed', 'stopped', 'continued').some(
      ({ pid, at }) => pid === first.pid && at >= first.at && at <= (end?.at ?? Number.POSITIVE_INFINITY),
    )
    if (disturbed || (end && end.at <= second.at + lease + SLACK)) return []
    const how = end ? `${end.at - second.at} ms` : 'for ever'
    return [`the handler of ${name(first)} went on ${how} after ${second.batch}:${claimOf(second)} had been handed out`]
  })
}

/** Signals that aborted while Redis could be asked, and said that the lease held for another while. */
function abortedInVain(entries: readonly Entry[], lease: number): string[] {
  return only(entries, 'held').flatMap((held) => {
    const aborted = only(entries, 'aborted').findLast(
      (entry) => name(entry) === name(held) && entry.pid === held.pid && entry.at <= held.at,
    )
    if (!aborted || aborted.reason === 'the worker closes') return []
    // An answer that is on its way makes the worker believe in less than Redis does.
    if (held.left < lease / 2) return []
    const since = aborted.at - 1.5 * lease
    const silent = only(entries, 'silent').some((each) => each.until >= since && each.since <= aborted.at && concerns(each, held.batch))
    const stopped = only(entries, 'stopped', 'continued').some((each) => each.pid === held.pid && each.at >= since && each.at <= aborted.at)
    return silent || stopped
      ? []
      : [`the signal of ${name(held)} aborted (${aborted.reason}) although its lease held for ${held.left} ms more`]
  })
}

/** Whether a silence concerns the root that a batch is in. */
function concerns({ roots }: Of<'silent'>, batch: string): boolean {
  if (!roots) return true
  const partition = /\{[^}:]+(:\d+)?\}$/.exec(rootOfId('any', batch))?.[1] ?? ''
  return roots.some((root) => root.endsWith(`${partition}}`) && (partition !== '' || !/:\d+\}$/.test(root)))
}

/** Batches that a worker had ended by itself, and was told that it had lost. */
function wronglyLost(entries: readonly Entry[], losses: Losses): string[] {
  const started = only(entries, 'started')
  return only(entries, 'told').flatMap((told) => {
    if (told.event !== 'lost') return []
    const start = started.find((entry) => name(entry) === name(told) && entry.pid === told.pid)
    const over = only(entries, 'over').find((entry) => name(entry) === name(told))
    if (over?.by === 'failure') return [`the failure of ${name(told)} was told as lost`]
    const others = [...only(entries, 'started', 'buried')].some(
      (entry) =>
        entry.batch === told.batch &&
        entry.key === told.key &&
        entry !== start &&
        (entry.what === 'buried' || claimOf(entry) >= claimOf(told)),
    )
    const handled = only(entries, 'ended').some((entry) => name(entry) === name(told) && entry.handled.join() === start?.messages.join())
    const undone = start && losses.mayHaveUndone(start, { at: Number.POSITIVE_INFINITY })
    // It closed, and had no answer by then.
    const unanswered = only(entries, 'error').some(
      ({ pid, at, text }) => pid === told.pid && at === told.at && /may have been done/.test(text),
    )
    return over || others || !handled || undone || unanswered
      ? []
      : [`${name(told)} was completed, and its worker was told that it had lost it`]
  })
}

/** Batches whose handler was called late although Redis could be reached. */
function tooLate(entries: readonly Entry[], lease: number, latest: number): string[] {
  const broken: string[] = []
  const silences = only(entries, 'silent')
  /** When the batch before had left a key for certain. */
  const free = new Map<string, { batch: string; at: number }>()
  for (const entry of entries) {
    if (!('batch' in entry) || entry.at === 0) continue
    const before = free.get(entry.key)
    if (entry.what === 'started' && entry.attempt === 1 && before?.batch !== entry.batch && entry.deadline !== undefined) {
      const ready = Math.max(entry.deadline, before?.at ?? 0)
      const away = silences
        .filter((each) => concerns(each, entry.batch))
        .reduce((sum, { since, until }) => sum + Math.max(0, Math.min(until, entry.at) - Math.max(since, ready)), 0)
      const late = entry.at - ready - away
      if (late > latest) broken.push(`batch ${name(entry)} got its handler ${late} ms late`)
    }
    const ended = entry.what === 'told' && (entry.event === 'completed' || entry.event === 'dead')
    free.set(entry.key, { batch: entry.batch, at: entry.at + (ended ? 0 : lease) })
  }
  return broken
}
