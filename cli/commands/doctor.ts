import { styleText } from 'node:util'
import { type Command, Option } from 'commander'
import type { Redis } from 'ioredis'
import { type RootLayout, rootKey, rootsOf } from '../../src/partitions/roots.ts'
import { SOURCE } from '../../src/redis/source.ts'
import { readFacts } from '../doctor/facts.ts'
import type { Finding } from '../doctor/finding.ts'
import { judge } from '../doctor/judge.ts'
import type { RootSlot } from '../doctor/judge-cluster.ts'
import { CALLS, type Role } from '../doctor/rights.ts'
import { newestOf, readRoots } from '../doctor/roots.ts'
import { redisOption, withServer } from '../terminal/connection.ts'
import { type Paint, printable, toJson } from '../terminal/format.ts'
import { queueOption } from '../terminal/queue.ts'

interface DoctorOptions {
  queue: string
  redis: string
  role?: Role
  json?: true
}

export function doctor(program: Command): void {
  program
    .command('doctor')
    .summary('look whether the Redis servers are fit')
    .description(
      'Looks at the servers for what would break a promise, and says how to mend it. It changes nothing. The exit code is 1 when something is wrong.',
    )
    .addOption(queueOption())
    .addOption(redisOption())
    .addOption(new Option('--role <role>', 'what the connected user is for').choices(Object.keys(CALLS)))
    .option('--json', 'one JSON object')
    .action((options: DoctorOptions) => withServer(options.redis, (redis) => examine(redis, options)))
}

async function examine(redis: Redis, { queue, role, json }: DoctorOptions): Promise<void> {
  const told = await readRoots(redis, queue)
  const keepsEvents = [...told.values()].some(({ policy }) => (policy.events ?? 0) > 0)
  const facts = await readFacts(redis, rootKey(queue), keepsEvents)
  const roots = facts.nodes[0]?.cluster ? await readSlots(redis, queue, told) : []
  const findings = judge(facts, { version: SOURCE.version, role, roots, told })
  const wrong = findings.filter(({ level }) => level === 'wrong').length
  console.log(json ? toJson({ ok: wrong === 0, findings }) : format(findings, styleText))
  if (wrong > 0) process.exitCode = 1
}

/** The roots that serve, and those that are being drained. */
function readSlots(redis: Redis, queue: string, told: ReadonlyMap<string, RootLayout>): Promise<RootSlot[]> {
  const layout = newestOf(told)
  const roots = layout
    ? [...rootsOf(queue, layout.serving), ...(layout.state === 'draining' ? rootsOf(queue, layout.other) : [])]
    : [rootKey(queue)]
  return Promise.all(roots.map(async (root) => ({ root, slot: Number(await redis.cluster('KEYSLOT', root)) })))
}

const STYLES = { ok: 'green', note: 'yellow', wrong: 'red' } as const

function format(findings: Finding[], paint: Paint): string {
  const lines = findings.flatMap(({ check, level, nodes, text, mend }) => [
    `${paint(STYLES[level], level.padEnd(5))}  ${check.padEnd(11)}  ${printable(`${nodes.join(', ')}: ${text}`)}`,
    ...mend.map((command) => printable(`${' '.repeat(20)}${command}`)),
  ])
  const count = (level: Finding['level']) => findings.filter((each) => each.level === level).length
  return [...lines, '', `${count('wrong')} wrong, ${count('note')} to note, ${count('ok')} ok.`].join('\n')
}
