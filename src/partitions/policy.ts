import { hostname } from 'node:os'
import { basename } from 'node:path'
import { RapidfireError } from '../errors.ts'
import { checkNames } from '../given.ts'
import { POLICY_MEMBERS, type Policy, type RootPolicy } from '../options.ts'
import type { Call } from '../protocol/calls.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import { Partitioning } from './change.ts'
import type { KnownLayout } from './layout.ts'
import type { Roots } from './roots.ts'

// The policy of a queue is stored in each of its roots; that of the queue decides. The number of partitions is its layout.

/**
 * The stored policy, after storing `changes` in every root.
 *
 * @throws RapidfireError `BAD_POLICY`, `UNKNOWN_ARGUMENT`, `REPARTITIONING`
 */
export async function changePolicy(partitioning: Partitioning, changes: Partial<Policy>): Promise<Policy> {
  checkNames('policy', changes, POLICY_MEMBERS)
  const { layout, steps } = partitioning
  const { partitions, ...members } = changes
  checkPartitions(partitions)
  const roots = await partitioning.roots()
  // First where it is read from.
  const policy = await steps.policy(layout.root, members).catch((error) => {
    throw tellingOrigin(error, members)
  })
  if (Object.keys(members).length > 0) await Promise.all(others(roots, layout.root).map((root) => steps.policy(root, members)))
  if (partitions !== undefined) {
    await layout.readFurther()
    await partitioning.mend()
    await partitioning.change(partitions, false)
  }
  return { ...policy, partitions: layout.partitions }
}

/** Options whose policy this process has stored; the clients of workers have those of the client that made them. */
const GIVEN = new WeakSet<object>()

/**
 * Stores the policy that the options of a client give, while it is started with `call`: once a process, and what Redis has lost of it when it had
 * lost the functions.
 */
export async function giveAtStart(queue: string, options: { policy?: Partial<Policy> }, call: Call, layout: KnownLayout): Promise<void> {
  const { policy } = options
  if (!policy || Object.keys(policy).length === 0) return
  const partitioning = new Partitioning(queue, call)
  await givePolicy(partitioning, policy, program(), GIVEN.has(options))
  GIVEN.add(options)
  layout.learnFrom(partitioning.layout)
}

/** What Redis keeps as the name of this process, beside the policy that it gives: `<name of its program>@<host>`. */
function program(): string {
  const part = (text: string) => text.replace(/[^\w.-]/g, '_').slice(0, 31)
  return `${part(basename(process.argv[1] ?? 'node'))}@${part(hostname())}`
}

/**
 * Stores a policy that a program gives at its start: what it gave before, or what a person has set since, stays. `partitions` are for a new
 * queue alone. `again`: it was stored before, and Redis may have lost it.
 *
 * @throws RapidfireError `BAD_POLICY`, `UNKNOWN_ARGUMENT`
 */
async function givePolicy(partitioning: Partitioning, given: Partial<Policy>, program: string, again: boolean): Promise<void> {
  const { layout, steps } = partitioning
  const { partitions, ...members } = given
  checkPartitions(partitions)
  await layout.read()
  await partitioning.mend().catch(() => {})
  const roots = partitioning.known
  const policy = await steps.policy(layout.root, members, { program, again }).catch((error) => {
    throw tellingOrigin(error, members)
  })
  if (partitions !== undefined && layout.generation === 0) await partitioning.change(partitions, true)
  // What the root of the queue has decided. One that cannot be reached has its own, and `check` tells of the difference.
  const decided = Object.fromEntries(Object.keys(members).map((name) => [name, policy[name as keyof RootPolicy]]))
  if (Object.keys(decided).length === 0) return
  await Promise.allSettled(others(roots, layout.root).map((root) => steps.policy(root, decided)))
}

/** Of two members that contradict each other one may have been given by nobody here: then it says where that comes from. */
function tellingOrigin(error: unknown, members: Partial<RootPolicy>): unknown {
  if (!(error instanceof RapidfireError) || error.code !== 'BAD_POLICY') return error
  const pair = /^(\w+) must not be (?:shorter|less) than (\w+) /.exec(error.message)?.slice(1) ?? []
  const stored = pair.find((name) => members[name as keyof RootPolicy] === undefined)
  if (stored === undefined) return error
  const text = `${error.message}; ${stored} is what the queue has in Redis, or its default: give both`
  return new RapidfireError('BAD_POLICY', text, { command: error.command as string, cause: error.cause })
}

const others = ({ serving, draining }: Roots, queueRoot: string) => [...serving, ...draining].filter((root) => root !== queueRoot)

function checkPartitions(partitions: unknown): void {
  const { least, most } = OPTIONS.prepare
  if (partitions === undefined || (Number.isInteger(partitions) && Number(partitions) >= least && Number(partitions) <= most)) return
  throw new RapidfireError('BAD_POLICY', `partitions must be an integer from ${least} to ${most}, got ${String(partitions)}`)
}
