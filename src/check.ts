import type { Calls } from './calls.ts'
import { COMMANDS } from './commands.ts'
import type { Connection } from './connection.ts'
import { readQueueFacts } from './facts.ts'
import { isCountable, judge, judgeQueue, type Violation } from './invariants.ts'

/** What `check` found. */
export interface CheckReport {
  queue: string
  /** Conversations that were looked at. */
  keys: number
  violations: (Violation & { mended?: string })[]
  /**
   * Whether the message counters could be compared with what is held: not with more than 5000 open keys and dead batches, and not while
   * messages are where they are not counted, which is told as a violation of its own.
   */
  counted: boolean
}

const PAGE = 100

/**
 * Walks one root of a live queue in bounded steps and judges every part at one moment of its own; with `repair` it mends what can be mended without
 * loss. Parts come from a scan of the names and from the indexes, so that what is in no index, and what is in an index alone, is found.
 */
export async function checkQueue(
  { connection, binding }: Pick<Calls, 'connection' | 'binding'>,
  queue: string,
  root: string,
  options: { repair?: boolean },
): Promise<CheckReport> {
  const call = <Output>(name: 'check' | 'repair', parts: Buffer[], reply: (raw: unknown) => Output) =>
    binding.call(name, [root], parts).then(reply)
  const report: CheckReport = { queue, keys: 0, violations: [], counted: false }
  const mend = async (violation: Violation) => {
    if (!options.repair || !violation.repairable) return violation
    const [mended] = await call('repair', violation.part ? [violation.part] : [], COMMANDS.repair.reply)
    return { ...violation, mended: mended || 'already in order' }
  }

  // First of all, since it refuses what is no queue.
  await call('check', [], readQueueFacts)
  for await (let page of pages(connection, root)) {
    // A call replies fewer facts than it was asked for when lists are long.
    while (page.length > 0) {
      const found = await call('check', page, COMMANDS.check.reply)
      page = page.slice(found.length)
      report.keys += found.filter(({ what }) => what === 'messages').length
      for (const violation of found.flatMap(judge)) report.violations.push(await mend(violation))
    }
  }
  // After the parts: what was mended there is counted, and what was not would make the counters seem wrong.
  const facts = new Map(await call('check', [], readQueueFacts))
  if (!isCountable(report.violations.filter(({ mended }) => mended === undefined))) facts.delete('held')
  report.counted = facts.has('held')
  for (const violation of judgeQueue(facts)) report.violations.push(await mend(violation))
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

/** Every part of the queue that has a key or stands in an index, once, in pages. */
async function* pages(connection: Connection, root: string): AsyncGenerator<Buffer[]> {
  const seen = new Set<string>()
  let page: Buffer[] = []
  for await (const part of partsOf(connection, root)) {
    const name = part.toString('latin1')
    if (seen.has(name)) continue
    seen.add(name)
    page.push(part)
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

async function* partsOf(connection: Connection, root: string): AsyncGenerator<Buffer> {
  const prefix = `${root}:`
  for await (const name of connection.scan('SCAN', undefined, `${prefix.replace(/[*?[\]\\]/g, '\\$&')}*`)) {
    yield name.subarray(name.indexOf(prefix) + prefix.length)
  }
  for (const [index, command, stride, part] of [
    ['due', 'ZSCAN', 2, 'messages:'],
    ['active', 'ZSCAN', 2, 'messages:'],
    ['claims', 'HSCAN', 2, 'messages:'],
    ['overrides', 'SSCAN', 1, 'messages:'],
    ['dead', 'ZSCAN', 2, 'dead:'],
  ] as const) {
    let at = 0
    try {
      for await (const element of connection.scan(command, `${root}:${index}`)) {
        if (at++ % stride === 0) yield Buffer.concat([Buffer.from(part), element])
      }
    } catch (error) {
      // An index of another type is told of the index.
      if (!String(error).includes('WRONGTYPE')) throw error
    }
  }
}
