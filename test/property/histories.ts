import fc from 'fast-check'
import { expect } from 'vitest'
import {
  type Addition,
  add,
  addEach,
  bringBack,
  dead,
  drop,
  erase,
  FOREIGN,
  lose,
  peek,
  policy,
  push,
  REFUSALS,
  repair,
  stats,
  tick,
  unload,
} from './calls.ts'
import { claim, complete, completeAll, consume, die, extend, fail, forward, leave, present, release } from './claims.ts'
import { cut, cutAdd, cutClaim, cutComplete, cutDead, cutErase, cutExtend, cutFail, cutForward, cutRelease } from './cut.ts'
import { written } from './keyspace.ts'
import { pasteable } from './lines.ts'
import { Model } from './model.ts'
import type { Policy } from './shapes.ts'
import { KEYS, type Step } from './step.ts'
import { traceAll } from './trace.ts'
import type { World } from './world.ts'

/** Few values, so that they meet: a pause of one call ends when the wait of another does. */
const MS = fc.constantFrom(1, 99, 100, 300, 999, 1000, 3000, 10_000)
const LEASE = fc.constantFrom(1, 100, 1000, 3000, 30_000)
/** One key more often than the others, so that much comes together there. */
const KEY = fc.constantFrom('ann', 'ann', ...KEYS)
const BACK = fc.constantFrom(0, 0, 0, 2, 4, 1, 3)
const BACKS = fc.array(BACK, { minLength: 1, maxLength: 3 })
// One of them is told that nobody hears it, another that it may.
const WORKER = fc.constantFrom(undefined, 'w1', 'w2', '~w3/1', '~w3/2')
const STREAM = fc.constantFrom('batches', 'other \xff')
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })
const upTo = (max: number) => fc.integer({ min: 1, max })

/** Of messages that are edited or withdrawn: some of the ids that they may have. */
const CHANGED = fc.constantFrom('m1', 'm2', 'm3', '2,F 12')

const addition: fc.Arbitrary<Addition> = fc
  .record({
    key: KEY,
    id: maybe(fc.constantFrom('m1', 'm2', 'm3', 'm4', '5 \0\xfe', '2,F 12')),
    data: fc.oneof(
      { weight: 60, arbitrary: fc.constant('plain' as const) },
      { weight: 8, arbitrary: fc.constant('odd' as const) },
      { weight: 1, arbitrary: fc.constantFrom('large' as const, 'too large' as const) },
    ),
    own: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      { weight: 4, arbitrary: fc.record({ wait: MS, maxSize: upTo(6) }, { requiredKeys: [] }) },
      { weight: 2, arbitrary: fc.record({ wait: MS, maxWait: MS }) },
      { weight: 3, arbitrary: fc.constant({ flush: true }) },
    ),
    change: fc.oneof(
      { weight: 14, arbitrary: fc.constant({}) },
      { weight: 4, arbitrary: fc.record({ edits: CHANGED }) },
      { weight: 3, arbitrary: fc.record({ withdraws: CHANGED }) },
    ),
    traced: fc.oneof({ weight: 5, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constant({ context: 'W1;F=%2CF' }) }),
    bad: fc.oneof({ weight: 30, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constantFrom({ key: '' }, { id: '' }) }),
  })
  .map(({ own, change, traced, bad, ...rest }) => ({ ...rest, ...own, ...change, ...traced, ...bad }))

const adds = (maxLength: number) => fc.array(addition, { minLength: 1, maxLength }).map(add)

/** More entries than any history has. */
const EVENTS = 100_000

export const START_POLICY: Policy = {
  ...{ wait: 1000, maxWait: 3000, maxSize: 3, maxBacklog: 6 },
  ...{ maxMessageBytes: 262_144, maxBatchBytes: 1_048_576, dedupe: 3000, maxDead: 2, maxDeadAge: 0, maxKeys: 0 },
  ...{ events: EVENTS, archive: 0, maxArchived: 10_000 },
}

const POLICY = fc.record(
  {
    wait: MS,
    maxWait: MS,
    maxSize: upTo(6),
    maxBacklog: upTo(9),
    maxMessageBytes: fc.constantFrom(5, 262_144),
    // Of the messages of some bytes one, two, three or all fit.
    maxBatchBytes: fc.constantFrom(1, 45, 70, 1_048_576),
    dedupe: fc.constantFrom(1, 500, 2000, 10_000),
    maxDead: upTo(4),
    maxDeadAge: fc.constantFrom(0, 1000, 10_000),
    maxKeys: fc.constantFrom(0, 0, 2),
    events: fc.constantFrom(0, EVENTS),
    archive: fc.constantFrom(0, 1000, 31_536_000_000),
    maxArchived: fc.constantFrom(1, 2, 10_000),
  },
  { requiredKeys: [] },
)

const CLAIM = fc.record({
  ...{ limit: upTo(5), lease: LEASE, attempts: upTo(2), worker: WORKER },
  ago: maybe(fc.constantFrom(0, 1, 500)),
  nonce: maybe(
    fc.record({
      name: fc.constantFrom('n1', 'n2'),
      repeat: fc.constantFrom('no' as const, 'no' as const, 'yes' as const, 'late' as const),
    }),
  ),
})

const FAILURE = fc.record({
  ...{ back: BACK, delay: fc.constantFrom(0, 1, 100, 1000), attempts: upTo(2), error: fc.constantFrom('', 'timeout', '\xff "x"\0') },
  failed: maybe(fc.array(fc.boolean(), { minLength: 1, maxLength: 4 })),
})

const FAILURES = fc.array(FAILURE, { minLength: 1, maxLength: 3 })

const FORWARD = fc.record({ name: STREAM, limit: upTo(4), longest: upTo(4), worker: WORKER })

/** More than a call hands out. */
const LARGE = fc
  .array(KEY, { minLength: 5, maxLength: 6 })
  .map((keys) => addEach(keys.map((key) => ({ key, id: undefined, data: 'large', flush: true }))))

/** Steps that change nothing, that seldom change something, or that cost much. */
const RARE = fc.oneof(
  fc.oneof({ weight: 1, arbitrary: LARGE }, { weight: 9, arbitrary: fc.record({ key: KEY, limit: upTo(4) }).map(peek) }),
  fc.constant(stats),
  fc.constant(traceAll),
  fc.record({ limit: upTo(3), offset: fc.nat(2), back: maybe(fc.nat(2)) }).map(dead),
  fc.nat(1).map((back) => drop([back, 9])),
  KEY.map(erase),
  fc.constantFrom('w1', 'w2').map(die),
  fc.constantFrom('w1', 'w2', '~w3/1', '~w3/2', '~w3/').map(leave),
  fc.constantFrom('w1', 'w2', '~w3').map(present),
  fc.constant(repair),
  fc.constant(unload),
  fc.constantFrom(...REFUSALS),
)

const words = (text: string) => fc.constantFrom(...text.split(/\s+/))
const CLAIMING =
  'hset zadd zrem hincrby zrange zmscore hexists zrangebyscore hmget hdel lrange ltrim srem hget zcard set mget publish sismember scard zpopmax pexpireat'

/** Calls that are cut off, at the commands that they make; those that write more often than the others. */
const HOW = (lacking: string) => fc.record({ lacking: words(lacking), nonce: fc.boolean(), look: fc.boolean() })
const CUTS: fc.Arbitrary<Step>[] = [
  fc
    .tuple(
      fc.array(addition, { minLength: 1, maxLength: 3 }),
      words(
        'rpush sadd srem rpop hset zadd pexpireat hincrby zscore publish zpopmax smismember sismember llen lrange scard hmget exists hget lset lrem zrem',
      ),
    )
    .map(([messages, lacking]) => cutAdd(messages, lacking)),
  fc
    .tuple(upTo(3), LEASE, upTo(2), WORKER, fc.constantFrom('n1', 'n2'), HOW(CLAIMING))
    .map(([limit, lease, attempts, worker, name, how]) => {
      return cut(`claim_ready ${[limit, lease, attempts, worker, name]}`, cutClaim(limit, lease, attempts, worker, name), how)
    }),
  fc
    .tuple(BACKS, HOW('hdel llen ltrim lrange zadd unlink zrem hincrby set scard sismember srem hset hmget mget'))
    .map(([backs, how]) => cut(`complete ${backs}`, cutComplete(backs), how)),
  fc
    .tuple(FAILURES, HOW('hset hset lpush ltrim ltrim zadd zadd hincrby hincrby hdel zrem lrange lrange zcard set llen hget hmget'))
    .map(([failures, how]) => cut(`fail ${JSON.stringify(failures)}`, cutFail(failures), how)),
  fc.tuple(BACKS, HOW('hset zadd set llen hmget')).map(([backs, how]) => cut(`release ${backs}`, cutRelease(backs), how)),
  fc
    .tuple(BACKS, LEASE, HOW('hset zadd zcard llen hmget'))
    .map(([backs, lease, how]) => cut(`extend ${[lease, ...backs]}`, cutExtend(backs, lease), how)),
  fc
    .tuple(STREAM, upTo(4), upTo(4), WORKER, HOW(`${CLAIMING} xadd hdel unlink xlen xtrim xinfo xpending`))
    .map(([stream, limit, longest, worker, how]) => {
      return cut(`forward ${[stream, limit, longest, worker]}`, cutForward(stream, limit, longest, worker), how)
    }),
  fc
    .tuple(
      fc.array(fc.nat(3), { minLength: 1, maxLength: 2 }),
      HOW('zrem zscore hget llen hlen hkeys ltrim lpush lrange sadd srem zadd sismember del hincrby set'),
    )
    .map(([backs, how]) => cutDead('requeue', backs, how)),
  fc.tuple(KEY, HOW('hdel unlink hincrby srem zrem zscan hget type xack xdel xrange xinfo set')).map(([key, how]) => cutErase(key, how)),
  fc.tuple(fc.nat(2), HOW('zrem type hget unlink hincrby set')).map(([back, how]) => cutDead('drop', [back], how)),
]

/** The steps that histories are made of, each as likely as the others. */
const STEPS: fc.Arbitrary<Step>[] = [
  ...[adds(6), adds(2), adds(2), adds(2)],
  ...[1, 2, 3].map(() => fc.constantFrom(1, 99, 300, 999, 1000, 1000, 3000, 10_000).map(tick)),
  fc.constantFrom(-500, -2000, -2000, -3_600_000).map(tick),
  ...[1, 2, 3, 4].map(() => CLAIM.map(claim)),
  BACKS.map(complete),
  ...[1, 2, 3].map(() => FAILURES.map(fail)),
  fc.record({ backs: BACKS, lease: LEASE }).map(extend),
  BACKS.map(release),
  FORWARD.map(forward),
  fc.record({ name: STREAM, count: upTo(3) }).map(consume),
  POLICY.map(policy),
  fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }).map(bringBack),
  fc.oneof(fc.record({ key: KEY, data: fc.constantFrom(...FOREIGN) }).map(push), KEY.map(lose), KEY.map(lose)),
  RARE,
  RARE,
  ...[1, 2, 3].map(() => fc.oneof(...CUTS)),
]

const A_DAY = tick(86_400_000)
const CLAIM_ALL = claim({ limit: 5, lease: 1000, attempts: 1000, ago: undefined, worker: undefined })

/** Nobody sends any more: everything comes out, and nothing is left but what is kept on purpose. */
async function drain(model: Model, world: World): Promise<void> {
  await repair.run(model, world)
  for (let round = 0; model.conversations.size > 0; round += 1) {
    expect(round).toBeLessThan(100)
    for (const step of [A_DAY, CLAIM_ALL, completeAll]) await step.run(model, world)
  }
  const { keyspace } = await world.run()
  const left = [...keyspace.keys()].map((part) => part.split(':')[0] as string)
  expect(
    left.filter((part) => !['', 'archive', 'archived', 'calls', 'dead', 'events', 'seen', 'stream', 'streams', 'watch'].includes(part)),
  ).toEqual([])
}

/** A history as it begins: an empty server with a policy. */
async function begin(world: World): Promise<{ model: Model; real: World }> {
  await world.reset()
  const model = new Model(START_POLICY, written)
  // As if there had never been another: the default of `wait` would be the longest for all the history.
  await world.run(world.command('policy', 'WAIT', START_POLICY.wait), ['HDEL', world.root, 'longestWait'])
  await policy(START_POLICY).run(model, world)
  return { model, real: world }
}

/** Runs one history. */
export async function runHistory(world: World, steps: Iterable<Step>): Promise<void> {
  let model: Model | undefined
  await fc.asyncModelRun(async () => {
    const begun = await begin(world)
    model = begun.model
    return begun
  }, steps)
  await traceAll.run(model as Model, world)
  await drain(model as Model, world)
}

export const HISTORY = fc.commands(STEPS, { maxCommands: 60, size: 'max' })

/**
 * Runs so many histories. One that fails is shrunk, and thrown as the shortest that fails, its seed, and the commands that anyone can
 * paste to see it.
 *
 * @param seed the one of SEED comes before; without either there are others each time
 * @param shrink false to throw the first that fails as it is
 */
export async function runHistories(
  world: World,
  histories: number,
  seed?: number,
  shrink = true,
): Promise<{ histories: number; steps: number }> {
  let steps = 0
  let failing: string | undefined
  await world.load()
  const property = fc.asyncProperty(HISTORY, async (history) => {
    try {
      await runHistory(world, history)
    } catch (error) {
      failing = pasteable(world.mode, world.sent)
      throw error
    }
    steps += [...history].length
  })
  const wanted = process.env.SEED === undefined ? seed : Number(process.env.SEED)
  const details = await fc.check(property, { numRuns: histories, endOnFailure: !shrink, ...(wanted !== undefined && { seed: wanted }) })
  if (details.failed) throw new Error(`${fc.defaultReportMessage(details)}\n\n${failing}`, { cause: details.errorInstance })
  return { histories: details.numRuns, steps }
}
