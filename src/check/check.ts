import { RapidfireError } from '../errors.ts'
import { judgeRoots, type RootViolation } from '../partitions/root-laws.ts'
import type { RootLayout } from '../partitions/roots.ts'
import type { Caller } from '../redis/caller.ts'
import type { Connection } from '../redis/connection.ts'
import { COUNTED } from '../redis/generated/laws.ts'
import { LIMITS } from '../redis/generated/limits.ts'
import { type Found, isCountable, type Judged, type Violation, violationsOf } from './violations.ts'

/** What `check` found. */
export interface CheckReport {
  queue: string
  /** Conversations that were looked at. */
  keys: number
  violations: Found[]
  /**
   * Whether the message counters could be compared with what is held: not with more than 1000 open keys and dead batches, and not while
   * messages are where they are not counted, which is told as a violation of its own.
   */
  counted: boolean
}

export interface CheckOptions {
  /** Mends what can be mended without loss. */
  repair?: boolean
  /** Restores roots that have missed a change of partitions; the layouts are those of all roots. */
  restore?: (roots: ReadonlyMap<string, RootLayout>) => Promise<void>
}

const PAGE = LIMITS.parts

/**
 * Walks a live queue in bounded steps and judges every part at one moment of its own; with `repair` it mends what can be mended without
 * loss. Parts come from a scan of the names and from the indexes, so that what is in no index, and what is in an index alone, is found; and so
 * are roots that no layout names.
 *
 * @param roots that are known, the root of the queue first
 */
export async function checkQueue(
  { connection, call }: Pick<Caller, 'connection' | 'call'>,
  queue: string,
  roots: readonly string[],
  options: CheckOptions,
): Promise<CheckReport> {
  const [queueRoot] = roots as [string]
  const report: CheckReport = { queue, keys: 0, violations: [], counted: true }

  // First of all, since it refuses what is no queue.
  await look(queueRoot)
  const foreign = new Set<string>()
  const found = new Set(roots)
  /** Parts of which something was told, or that are in an index alone. All others are not kept: they may be millions. */
  const noted = new Set<string>()
  for await (const { root, parts, scanned } of pages(connection, queueRoot, found)) {
    if (foreign.has(root)) continue
    try {
      let page = parts
      // A call looks at fewer parts than it was asked for when lists are long.
      while (page.length > 0) {
        const judged = await call(root, 'check', { parts: page })
        for (const [n, each] of judged.entries()) {
          const part = page[n] as Buffer
          const violations = violationsOf(each, part)
          const name = part.toString('latin1')
          const isNew = !noted.has(`${root}:${name}`)
          // What is in an index as well was counted by its name.
          const counts = scanned || (isNew && each.messages === 0)
          if (counts && name.startsWith('messages:')) report.keys += 1
          if (violations.length > 0 || (counts && !scanned)) noted.add(`${root}:${name}`)
          if (isNew) await note(root, violations, async () => violationsOf(await look(root, part), part))
        }
        page = page.slice(judged.length)
      }
    } catch (error) {
      foreign.add(root)
      noteForeign(root, error)
    }
  }
  for (const root of found) {
    if (foreign.has(root)) continue
    // After the parts: what was mended there is counted, and what was not would make the counters seem wrong.
    const countable = isCountable(report.violations.filter((each) => each.root === root && each.mended === undefined))
    const judge = (judged: Judged) => violationsOf(judged, undefined).filter(({ law }) => countable || !COUNTED.has(law))
    try {
      const judged = await look(root)
      report.counted &&= countable && judged.messages !== undefined
      await note(root, judge(judged), async () => judge(await look(root)))
    } catch (error) {
      foreign.add(root)
      noteForeign(root, error)
    }
  }
  await checkRoots([...found].filter((root) => !foreign.has(root)))
  return report

  /** Looks at one part, or at the root. */
  async function look(root: string, part?: Buffer): Promise<Judged> {
    const [judged] = await call(root, 'check', { parts: part ? [part] : [] })
    return judged as Judged
  }

  /** Notes what is broken in one part, or in the counters; mends it, and believes that only when another look finds it in order. */
  async function note(root: string, broken: Violation[], again: () => Promise<Violation[]>): Promise<void> {
    const [first] = broken
    if (!first) return
    if (!options.repair || !broken.some(({ repairable }) => repairable)) {
      report.violations.push(...broken.map((each) => ({ ...each, root })))
      return
    }
    const [done] = await call(root, 'repair', { parts: first.part ? [first.part] : [] })
    const left = await again()
    for (const each of broken) report.violations.push({ ...each, root, ...(each.repairable ? outcome(each, left, done) : {}) })
    // What has come to light by what was mended.
    for (const each of left) if (!broken.some(({ law }) => law === each.law)) report.violations.push({ ...each, root })
  }

  /** A root of another type; only its owner can say what it is for. */
  function noteForeign(root: string, error: unknown): void {
    if (root === queueRoot || !(error instanceof RapidfireError) || error.code !== 'WRONG_TYPE') throw error
    const text = `it cannot be looked at: ${error.message}`
    report.violations.push({ law: 'root-type', root, key: undefined, part: undefined, text, since: undefined, repairable: false })
  }

  /** What holds between the roots: which of them serve, and by which policy. */
  async function checkRoots(all: string[]): Promise<void> {
    const ask = async () => new Map(await Promise.all(all.map(async (root) => [root, await call(root, 'layout', {})] as const)))
    const told = await ask()
    const broken = judgeRoots(queueRoot, told)
    if (!options.repair || !options.restore || !broken.some(({ repairable }) => repairable)) {
      report.violations.push(...broken.map(asFound))
      return
    }
    const failure = await options.restore(told).then(
      () => undefined,
      (error: Error) => error.message,
    )
    const left = judgeRoots(queueRoot, await ask())
    for (const each of broken) {
      const same = left.filter(({ root }) => root === each.root)
      report.violations.push({ ...asFound(each), ...(each.repairable ? outcome(each, same, failure ?? each.repair) : {}) })
    }
    for (const each of left) {
      if (!broken.some(({ law, root }) => law === each.law && root === each.root)) report.violations.push(asFound(each))
    }
  }
}

const asFound = ({ repair: _, ...found }: RootViolation): Found => found

/** Whether a law that was broken holds in the end. */
function outcome({ law }: Violation, left: readonly Violation[], done: string | undefined): Pick<Found, 'mended' | 'unmended'> {
  if (!left.some((each) => each.law === law)) return { mended: done || 'already in order' }
  return { unmended: done ? `${done}, and it is broken all the same` : 'nothing was found that may be changed' }
}

interface Page {
  root: string
  parts: Buffer[]
  /** Whether they were found by their names, and not in an index. */
  scanned: boolean
}

/**
 * Every part of the queue that has a key, and then every part that stands in an index, in pages of one root; roots that the scan finds are added to
 * `roots`. A part may come several times.
 */
async function* pages(connection: Connection, queueRoot: string, roots: Set<string>): AsyncGenerator<Page> {
  const waiting = new Map<string, Buffer[]>()
  for await (const { root, part } of names(connection, queueRoot)) {
    roots.add(root)
    if (!part) continue
    const parts = waiting.get(root) ?? []
    waiting.set(root, parts)
    parts.push(part)
    if (parts.length < PAGE) continue
    waiting.delete(root)
    yield { root, parts, scanned: true }
  }
  for (const [root, parts] of waiting) yield { root, parts, scanned: true }
  for (const root of roots) {
    let parts: Buffer[] = []
    for await (const part of indexed(connection, root)) {
      parts.push(part)
      if (parts.length < PAGE) continue
      yield { root, parts, scanned: false }
      parts = []
    }
    if (parts.length > 0) yield { root, parts, scanned: false }
  }
}

/** The names of all keys of the queue and of its partitions, taken apart: one scan, whatever their number. */
async function* names(connection: Connection, queueRoot: string): AsyncGenerator<{ root: string; part: Buffer | undefined }> {
  const prefix = queueRoot.slice(0, -1)
  for await (const name of connection.scan('scan', undefined, `${prefix.replace(/[*?[\]\\]/g, '\\$&')}*`)) {
    const behind = name.subarray(name.indexOf(prefix) + Buffer.byteLength(prefix)).toString('latin1')
    const [, partition, part] = /^(:\d+)?\}(?::(.*))?$/s.exec(behind) ?? [undefined, undefined, undefined]
    if (!/^(:\d+)?\}(:|$)/.test(behind)) continue
    yield { root: `${prefix}${partition ?? ''}}`, part: part === undefined ? undefined : Buffer.from(part, 'latin1') }
  }
}

async function* indexed(connection: Connection, root: string): AsyncGenerator<Buffer> {
  for (const [index, command, stride, part] of [
    ['due', 'zscan', 2, 'messages:'],
    ['active', 'zscan', 2, 'messages:'],
    ['claims', 'hscan', 2, 'messages:'],
    ['overrides', 'sscan', 1, 'messages:'],
    ['dead', 'zscan', 2, 'dead:'],
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
