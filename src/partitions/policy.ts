import { hostname } from 'node:os'
import { basename } from 'node:path'
import { RapidfireError } from '../errors.ts'
import { checkNames } from '../given.ts'
import { POLICY_MEMBERS, type Policy, type RootPolicy } from '../options.ts'
import type { Call } from '../protocol/calls.ts'
import { OPTIONS, POLICY } from '../redis/generated/limits.ts'
import { Partitioning } from './change.ts'
import type { KnownLayout } from './layout.ts'
import type { RootLayout, Roots } from './roots.ts'

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
 * What a client does while it is started with `call`: reads the layout, and stores the policy that its options give: once a process, and what
 * Redis has lost of it when it had lost the functions. Returns whether they give one.
 */
export async function prepare(queue: string, options: { policy?: Partial<Policy> }, call: Call, layout: KnownLayout): Promise<boolean> {
  const { policy = {} } = options
  const gives = Object.keys(policy).length > 0
  const partitioning = new Partitioning(queue, call)
  if (gives) {
    await givePolicy(partitioning, policy, program(), GIVEN.has(options))
    GIVEN.add(options)
  } else if (!layout.isRead) {
    // What keeps it from being read, whoever needs it next is told.
    await partitioning.layout.read().catch(() => {})
  }
  layout.learnFrom(partitioning.layout)
  return gives
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
  const stored = givenBefore(layout.told as RootLayout, members, program)
  const policy =
    stored ??
    (await steps.policy(layout.root, members, { program, again }).catch((error) => {
      throw tellingOrigin(error, members)
    }))
  if (partitions !== undefined && layout.generation === 0) await partitioning.change(partitions, true)
  // What the root of the queue has decided. One that cannot be reached has its own, and `check` tells of the difference.
  const decided = Object.keys(members).map((name) => [name, policy[name as keyof RootPolicy]] as const)
  const bring = async (root: string) => {
    const { policy: own } = await layout.ask(root)
    if (decided.some(([name, value]) => own[name as keyof RootPolicy] !== value)) await steps.policy(root, Object.fromEntries(decided))
  }
  if (decided.length > 0) await Promise.allSettled(others(roots, layout.root).map(bring))
}

/**
 * The policy that is stored, if a program has given just that last, so that to give it once more would change nothing: nearly every process
 * finds it so, and goes without the call. lua/functions/queue/policy.lua would find the same.
 */
function givenBefore({ policy, given }: RootLayout, members: Partial<RootPolicy>, program: string): RootPolicy | undefined {
  const holds = { ...DEFAULTS, ...policy }
  // It was given before, and yet two of its members contradict each other: then it is given once more.
  if (!(holds.maxWait >= holds.wait && holds.maxBacklog >= holds.maxSize)) return undefined
  const isGiven = ([name, value]: [string, unknown]) => {
    const gifts = given.get(name) ?? []
    // What the same program gave before, it takes back with what it gives now.
    return gifts[0]?.value === value && gifts.every((gift) => gift.value === value || nameOf(gift.program) !== nameOf(program))
  }
  return Object.entries(members).every(isGiven) ? holds : undefined
}

const DEFAULTS = Object.fromEntries(Object.entries(POLICY).map(([name, { default: value }]) => [name, value])) as unknown as RootPolicy

const nameOf = (program: string) => program.split('@', 1)[0]

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
