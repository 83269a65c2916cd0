import { SOURCE } from '../../src/generated/library.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import type { Task } from '../fault/support/worker.ts'
import { brokenLaws } from '../support/laws.ts'
import type { Company } from './company.ts'

/** Keys that a queue may have when nothing is pending. That `seen` sets and what callers have asked last expire is among the laws. */
const KEPT = /^(seen:\d+|calls:.*|dead(:[\d-]+)?|stream:\w+)?$/s

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
  broken.push(...violations.map(({ key, text }) => `${queue}: ${key ? `key ${key}: ` : ''}${text}`))
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
  for (const root of roots.keys()) {
    for (const law of await brokenLaws(cast.redis, root, SOURCE)) {
      const [, part = ''] = /^[\w-]+: (.*?): /s.exec(law) ?? []
      found(root, part === 'root' ? '' : part, `${root}: ${law}`)
    }
  }
  const serving = await servingRoots(cast, queue)
  for (const root of roots.keys()) {
    const state = await cast.redis.hget(root, 'partition')
    const serves = state === 'open' || (state === null && root === `rapid-fire:{${queue}}`)
    if (serves !== serving.includes(root))
      found(root, '', `${root} ${serves ? 'serves and is not in the layout' : 'is in the layout and does not serve'}`)
  }
  return [...broken, ...unnamed.map((what) => `check does not tell that ${what}`)]
}

/** The roots that the layout of a queue names. */
async function servingRoots({ redis }: Company, queue: string): Promise<string[]> {
  const root = `rapid-fire:{${queue}}`
  const [partitions, first] = await redis.hmget(root, 'partitions', 'firstPartition')
  const count = Number(partitions ?? 0)
  return count === 0 ? [root] : Array.from({ length: count }, (_, n) => `rapid-fire:{${queue}:${Number(first) + n}}`)
}

/** Whether a violation tells of a part of a root. */
function isNamed(violations: Violations, root: string, part: string): boolean {
  return violations.some((violation) => {
    if (violation.text.includes(root)) return true
    const of = (violation as { root?: string }).root
    if (of !== undefined && of !== root) return false
    return (violation.part?.toString() ?? '') === part
  })
}
