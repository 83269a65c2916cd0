import type { Calls } from './calls.ts'
import { COMMANDS, readQueueFacts } from './commands.ts'
import type { Connection } from './connection.ts'
import { judgeKey, judgeQueue, type Violation } from './invariants.ts'

/** What `check` found. */
export interface CheckReport {
  queue: string
  /** Conversations that were looked at. */
  keys: number
  violations: (Violation & { mended?: string })[]
  /** Whether the message counters could be compared with what is held: not with more than 5000 open keys. */
  counted: boolean
}

const PAGE = 100

/**
 * Walks one root of a live queue in bounded steps and judges every key at one moment of its own; with `repair` it mends what can be mended without
 * loss. Keys come from the indexes and from a scan of the lists, so that those in no index are found as well.
 */
export async function checkQueue(
  { connection, binding }: Calls,
  queue: string,
  root: string,
  options: { repair?: boolean },
): Promise<CheckReport> {
  const call = <Output>(name: 'check' | 'repair', keys: Buffer[], reply: (raw: unknown) => Output) =>
    binding.call(name, [root], keys).then(reply)
  const report: CheckReport = { queue, keys: 0, violations: [], counted: false }

  const before = await call('check', [], readQueueFacts)
  const longestWait = Number(before.get('longestWait'))
  for await (const page of pages(connection, root)) {
    report.keys += page.length
    const broken = (await call('check', page, COMMANDS.check.reply)).flatMap((facts) => judgeKey(facts, longestWait))
    for (const violation of broken) {
      if (!options.repair || !violation.key || !violation.repairable) report.violations.push(violation)
      else {
        const [mended] = await call('repair', [violation.key], COMMANDS.repair.reply)
        report.violations.push({ ...violation, mended: mended || 'already in order' })
      }
    }
  }
  // After the keys: what was mended there is counted.
  const after = await call('check', [], readQueueFacts)
  report.counted = after.has('held')
  for (const violation of judgeQueue(after)) {
    if (!options.repair || !violation.repairable) report.violations.push(violation)
    else report.violations.push({ ...violation, mended: (await call('repair', [], COMMANDS.repair.reply))[0] || 'already in order' })
  }
  return report
}

/** The reports on several roots of a queue as one. */
export function mergeReports(queue: string, reports: readonly CheckReport[]): CheckReport {
  return {
    queue,
    keys: reports.reduce((sum, { keys }) => sum + keys, 0),
    violations: reports.flatMap(({ violations }) => violations),
    counted: reports.every(({ counted }) => counted),
  }
}

/** Every key of the queue that has a list or stands in an index, once, in pages. */
async function* pages(connection: Connection, root: string): AsyncGenerator<Buffer[]> {
  const seen = new Set<string>()
  let page: Buffer[] = []
  for await (const key of keysOf(connection, root)) {
    const name = key.toString('latin1')
    if (seen.has(name)) continue
    seen.add(name)
    page.push(key)
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

async function* keysOf(connection: Connection, root: string): AsyncGenerator<Buffer> {
  const prefix = `${root}:messages:`
  for await (const name of connection.scan('SCAN', undefined, `${prefix.replace(/[*?[\]\\]/g, '\\$&')}*`)) {
    yield name.subarray(name.indexOf(prefix) + prefix.length)
  }
  for (const [part, command, stride] of [
    ['due', 'ZSCAN', 2],
    ['active', 'ZSCAN', 2],
    ['claims', 'HSCAN', 2],
    ['overrides', 'SSCAN', 1],
  ] as const) {
    let at = 0
    try {
      for await (const element of connection.scan(command, `${root}:${part}`)) if (at++ % stride === 0) yield element
    } catch (error) {
      // An index of another type is reported with the queue.
      if (!String(error).includes('WRONGTYPE')) throw error
    }
  }
}
