import { brokenPromises, type Entry } from '../fault/history.ts'
import { ATTEMPTS, FORWARD_LEASE, LEASE } from './cast.ts'
import { QueueLog } from './redis-log.ts'

export interface Verdict {
  /** What was not as promised, in words. */
  broken: string[]
  /** Figures of the run, by name. */
  figures: [name: string, value: string | number][]
}

/** What a worker may say of a Redis that is killed, stopped, full, closes connections, and loses functions. */
const EXPECTED =
  /^Redis cannot be used: |^Redis is over maxmemory: |^the rapidfire library in Redis has no |^wake-ups do not arrive|^Connection is closed|^Command timed out/

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
  const count = (found: (entry: Entry) => unknown) => entries.filter(found).length
  const told = (event: string) => count((entry) => entry.what === 'told' && entry.event === event)
  const errors = entries.filter((entry) => entry.what === 'error')
  const late = ({ lateness }: QueueLog) => {
    const sorted = [...lateness].sort((a, b) => a - b)
    return [0.5, 0.99, 1].map((part) => sorted[Math.floor(part * (sorted.length - 1))] ?? 0).join(', ')
  }
  return {
    broken: [
      ...[...faults].filter(([, times]) => times === 0).map(([fault]) => `'${fault}' never happened`),
      ...brokenPromises([...entries, ...over.map((fact) => ({ at: 0, pid: 0, ...fact }))]),
      ...handled.broken,
      ...forwarded.broken,
      ...strangers(entries, new Map([...handled.handed, ...forwarded.handed])),
      ...errors.filter(({ text }) => !EXPECTED.test(text)).map(({ text, pid }) => `process ${pid} met an error of its own: ${text}`),
    ],
    figures: [
      ['messages accepted', count((entry) => entry.what === 'accepted')],
      ['  of them on the second telling: their first answer was lost', count((entry) => entry.what === 'accepted' && entry.duplicate)],
      ['  refused before, Redis over maxmemory', count((entry) => entry.what === 'refused' && entry.code === 'OUT_OF_MEMORY')],
      ['  refused before, backlog full', count((entry) => entry.what === 'refused' && entry.code === 'BACKLOG_FULL')],
      ['  outcome unknown, told again', count((entry) => entry.what === 'refused' && entry.code === 'UNAVAILABLE')],
      ['batches', handled.lateness.length + forwarded.lateness.length],
      ['  for a handler', handled.lateness.length],
      ['  for the stream', forwarded.lateness.length],
      ['  redelivered after a failure', over.filter(({ by }) => by === 'failure').length],
      ['  redelivered after a lease that had ended', over.filter(({ by }) => by === 'lease').length],
      ['  lost to another worker, and told so', told('lost')],
      ['  dead, and kept', count((entry) => entry.what === 'buried')],
      ['errors that workers have told of and survived', errors.length],
      ['lateness of those for a handler, ms: median, 99 %, longest', late(handled)],
      ['lateness of those for the stream', late(forwarded)],
    ],
  }
}

/** Batches that a handler got and Redis did not hand out, or not so. */
function strangers(entries: readonly Entry[], handed: ReadonlyMap<string, string[]>): string[] {
  return entries.flatMap((entry) => {
    if (entry.what !== 'started') return []
    const attempt = `${entry.batch}:${entry.attempt} of ${entry.key}`
    const messages = handed.get(attempt)
    if (messages?.join() === entry.messages.join()) return []
    return [`batch ${attempt} was handled with ${entry.messages}, Redis handed out ${messages ?? 'nothing'}`]
  })
}
