import { type Layout, rootKey, rootsOf } from '../../../src/partitions/roots.ts'
import type { RapidFire } from '../../../src/rapidfire.ts'
import type { Task } from '../../fault/support/worker.ts'
import type { Company } from './company.ts'

/** Keys that a queue may have when nothing is pending. That `seen` sets and what callers have asked last expire is among the laws. */
const KEPT = /^(seen:\d+|calls:.*|dead(:[\d-]+)?|events|stream:\w+|streams)?$/s

type Violations = Awaited<ReturnType<RapidFire['check']>>['violations']

/**
 * What is not as it should be in a queue that has come to rest: by `check`, and by every key that any server has. What is found in the second
 * way and not named by `check` is a promise broken as well.
 */
export async function inspectQueue(cast: Company, client: RapidFire<Task>): Promise<string[]> {
  const { queue } = client
  const broken: string[] = []
  const { violations, counted } = await client.check()
  if (!counted) broken.push(`${queue}: the messages could not be counted`)
  broken.push(...violations.map(({ root, key, text }) => `${root}: ${key ? `key ${key}: ` : ''}${text}`))
  const unnamed: string[] = []
  const found = (root: string, part: string, what: string) => {
    broken.push(what)
    if (!isNamed(violations, root, part)) unnamed.push(what)
  }

  const keys = await cast.keys()
  const roots = new Map<string, string[]>()
  for (const key of keys) {
    const [, root, part = ''] = /^(rapid-fire:\{[^}]+\})(?::(.*))?$/s.exec(key) ?? []
    if (root === undefined || root.replace(/:\d+\}$/, '}') !== `rapid-fire:{${queue}}`) continue
    roots.set(root, [...(roots.get(root) ?? []), part])
    if (!KEPT.test(part)) found(root, part, `${key} is left behind`)
  }
  const { serving } = await readLayout(cast.redis, queue)
  const serve = rootsOf(queue, serving)
  // Judged here as well: nobody would look at a root that the layout does not name.
  for (const root of roots.keys()) {
    const [state] = (await cast.redis.fcall('rapidfire_partition', 1, root)) as [string]
    const serves = state === 'open'
    if (serves === serve.includes(root)) continue
    found(root, '', `${root} ${serves ? 'serves and is not in the layout' : 'is in the layout and does not serve'}`)
  }
  return [...broken, ...unnamed.map((what) => `check does not tell that ${what}`)]
}

/** Which partitions a queue has, by the root of it alone. */
export async function readLayout(redis: Company['redis'], queue: string): Promise<Layout> {
  const reply = (await redis.fcall('rapidfire_layout', 1, rootKey(queue))) as [Layout['state'], number, number, number, number]
  const [state, count, first, other, otherFirst] = reply
  return { state, serving: { count, first }, other: { count: other, first: otherFirst } } as Layout
}

/** Whether a violation tells of a part of a root. */
function isNamed(violations: Violations, root: string, part: string): boolean {
  return violations.some((violation) => {
    if (violation.text.includes(root)) return true
    return violation.root === root && (violation.part?.toString() ?? '') === part
  })
}
