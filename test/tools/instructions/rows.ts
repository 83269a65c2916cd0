import type { Redis } from 'ioredis'
import type { FunctionName } from '../../../src/redis/generated/facts.ts'
import { SCRIPTS } from '../../../src/redis/generated/scripts.ts'
import { SOURCE } from '../../../src/redis/source.ts'

export type Binding = 'functions' | 'scripts'

/** What any queue must do at least: the time, the message, and for the first of a key a deadline. */
const FLOOR = `#!lua name=floor
redis.register_function('floor', function(keys, args)
  local now = redis.call('TIME')
  local size = redis.call('RPUSH', keys[1] .. ':messages:' .. args[1], args[2])
  if size == 1 then redis.call('ZADD', keys[1] .. ':due', now[1] * 1000, args[1]) end
  return size
end)
`

export const ROOT = 'rapid-fire:{prices}'
const TEXT = 'x'.repeat(100)
// A quarter of the adds are the first of their key.
const key = (n: number) => `key${String(n % 210).padStart(5, '0')}`
const id = (n: number) => `wamid.${String(n).padStart(18, '0')}`

/** Sends commands one after the other, and counts them. */
export class Caller {
  sent = 0
  #nonces = 0
  readonly redis: Redis
  readonly binding: Binding

  constructor(redis: Redis, binding: Binding) {
    this.redis = redis
    this.binding = binding
  }

  async prepare(): Promise<void> {
    await this.redis.flushall()
    await this.redis.function('LOAD', 'REPLACE', FLOOR)
    await this.redis.function('LOAD', 'REPLACE', SOURCE.library)
    for (const { text } of Object.values(SCRIPTS)) await this.redis.script('LOAD', text)
  }

  call(name: FunctionName, ...args: (string | number)[]): Promise<any> {
    this.sent += 1
    const keys = name === 'version' ? [0] : [1, ROOT]
    if (this.binding === 'functions') return this.redis.call('FCALL', `rapidfire_${name}`, ...keys, ...args)
    return this.redis.call('EVALSHA', SCRIPTS[name].sha1, ...keys, ...args)
  }

  send(command: string, ...args: (string | number)[]): Promise<any> {
    this.sent += 1
    return this.redis.call(command, ...args)
  }

  /** What a worker says of each of its calls. */
  nonce(): [string, string] {
    this.#nonces += 1
    return ['NONCE', `w1/${this.#nonces}`]
  }

  /** Adds a batch that is ready, and claims it: its key and token. */
  async claim(n: number, ...options: (string | number)[]): Promise<[string, string]> {
    await this.call('add', key(n), TEXT, 'FLUSH')
    return this.claimAgain(...options)
  }

  async claimAgain(...options: (string | number)[]): Promise<[string, string]> {
    const [, , [owner, token]] = await this.call('claim_ready', ...options)
    return [owner, token]
  }
}

/** One line of the table. What it counts is divided by `of`. */
export interface Row {
  name: string
  /** How many instructions it may take at most, through functions. */
  aim?: number
  of?: number
  /** In `make test`, too. */
  short?: true
  before?(caller: Caller): Promise<unknown>
  unit(caller: Caller, n: number): Promise<unknown>
}

/** The keys take turns until each has ten, then come others. */
const several = (n: number, count: number, token?: 'ID') =>
  Array.from({ length: count }, (_, at) => {
    const message = n * count + at
    const owner = `key${Math.floor(message / 100)}-${message % 10}`
    return ['NEXT', owner, TEXT, ...(token ? [token, id(message)] : [])]
  })
    .flat()
    .slice(1)

/** So many keys with ten messages each, all of them due. */
async function fill({ redis }: Caller, keys: number) {
  for (let n = 0; n < keys; n += 1) {
    const ten = Array.from({ length: 10 }, () => ['NEXT', `due${n}`, TEXT]).flat()
    await redis.call('FCALL', 'rapidfire_add', 1, ROOT, ...ten.slice(1))
  }
}

/** Completes 25 batches, and says what is to be kept of them. */
async function intoArchive(caller: Caller) {
  const [, , ...batches] = await caller.call('claim_ready', 'LIMIT', 25)
  const told = ['TEXT', TEXT, 'RESULT', TEXT]
  const args = batches.flatMap(([owner, token]: [string, string]) => ['NEXT', owner, token, ...told])
  await caller.call('complete', ...args.slice(1))
}

const worker = ['WORKER', 'w1', 'REST', 1000] as const

export const ROWS: Row[] = [
  { name: 'floor: TIME, RPUSH, ZADD', short: true, unit: (caller, n) => caller.send('FCALL', 'floor', 1, ROOT, key(n), TEXT) },
  { name: 'add', aim: 70_000, short: true, unit: (caller, n) => caller.call('add', key(n), TEXT) },
  { name: 'add ID', aim: 100_000, short: true, unit: (caller, n) => caller.call('add', key(n), TEXT, 'ID', id(n)) },
  { name: 'add FLUSH', aim: 90_000, short: true, unit: (caller, n) => caller.call('add', key(n), TEXT, 'FLUSH') },
  { name: 'add, 25 in a call: one', of: 25, short: true, unit: (caller, n) => caller.call('add', ...several(n, 25)) },
  {
    name: 'add, 25 in a call, for the events: one',
    of: 25,
    before: ({ redis }) => redis.call('FCALL', 'rapidfire_policy', 1, ROOT, 'EVENTS', 10_000),
    unit: (caller, n) => caller.call('add', ...several(n, 25)),
  },
  { name: 'add ID, 25 in a call: one', of: 25, short: true, unit: (caller, n) => caller.call('add', ...several(n, 25, 'ID')) },
  { name: 'claim_ready, nothing there', aim: 50_000, short: true, unit: (caller) => caller.call('claim_ready') },
  { name: 'claim_ready of a worker, nothing there', unit: (caller) => caller.call('claim_ready', ...worker, ...caller.nonce()) },
  { name: 'peek, no such key', aim: 30_000, short: true, unit: (caller, n) => caller.call('peek', key(n)) },
  {
    name: 'add FLUSH, claim_ready, complete',
    aim: 330_000,
    short: true,
    unit: async (caller, n) => caller.call('complete', ...(await caller.claim(n))),
  },
  {
    name: 'the same by a worker',
    unit: async (caller, n) => {
      const [owner, token] = await caller.claim(n, ...worker, ...caller.nonce())
      await caller.call('complete', ...caller.nonce(), owner, token)
    },
  },
  {
    name: 'add FLUSH, forward',
    aim: 330_000,
    short: true,
    unit: async (caller, n) => {
      await caller.call('add', key(n), TEXT, 'FLUSH')
      await caller.call('forward', 'batches')
    },
  },
  {
    name: 'claim_ready and complete, 25 batches of ten: one',
    of: 25,
    short: true,
    before: (caller) => fill(caller, 200),
    unit: async (caller) => {
      const [, , ...batches] = await caller.call('claim_ready', 'LIMIT', 25)
      await caller.call('complete', ...batches.flatMap(([owner, token]: [string, string]) => [owner, token]))
    },
  },
  {
    name: 'the same, for the archive: one',
    of: 25,
    before: async (caller) => {
      await caller.redis.call('FCALL', 'rapidfire_policy', 1, ROOT, 'ARCHIVE', 3_600_000)
      await fill(caller, 400)
      // An index of less than that is a list, and dear to write to.
      for (let n = 0; n < 6; n += 1) await intoArchive(caller)
    },
    unit: intoArchive,
  },
  { name: 'stats', aim: 120_000, short: true, unit: (caller) => caller.call('stats') },
  {
    name: 'add FLUSH, claim_ready, extend, complete',
    unit: async (caller, n) => {
      const claimed = await caller.claim(n)
      await caller.call('extend', 30_000, ...claimed)
      await caller.call('complete', ...claimed)
    },
  },
  {
    name: 'add FLUSH, claim_ready, release, again, complete',
    unit: async (caller, n) => {
      await caller.call('release', ...(await caller.claim(n)))
      await caller.call('complete', ...(await caller.claimAgain()))
    },
  },
  {
    name: 'add FLUSH, claim_ready, fail, again, complete',
    unit: async (caller, n) => {
      await caller.call('fail', ...(await caller.claim(n)), 'DELAY', 0)
      await caller.call('complete', ...(await caller.claimAgain()))
    },
  },
  {
    name: 'add FLUSH, claim_ready, fail for good, requeue, again, complete',
    unit: async (caller, n) => {
      const [owner, token] = await caller.claim(n)
      await caller.call('fail', owner, token, 'ATTEMPTS', 1)
      await caller.call('requeue', token.replace(/:\d+$/, ''))
      await caller.call('complete', ...(await caller.claimAgain()))
    },
  },
  {
    name: 'add FLUSH, claim_ready, fail for good, drop',
    unit: async (caller, n) => {
      const [owner, token] = await caller.claim(n)
      await caller.call('fail', owner, token, 'ATTEMPTS', 1)
      await caller.call('drop', token.replace(/:\d+$/, ''))
    },
  },
  { name: 'dead, none', unit: (caller) => caller.call('dead') },
  { name: 'erase, no such key', unit: (caller, n) => caller.call('erase', key(n)) },
  { name: 'check of a key', unit: (caller, n) => caller.call('check', `messages:${key(n)}`) },
  { name: 'repair of a key', unit: (caller, n) => caller.call('repair', `messages:${key(n)}`) },
  { name: 'policy', unit: (caller) => caller.call('policy') },
  { name: 'layout', unit: (caller) => caller.call('layout') },
  { name: 'partition', unit: (caller) => caller.call('partition') },
  { name: 'repartition', unit: (caller) => caller.call('repartition') },
  { name: 'present', unit: (caller) => caller.call('present', 'w1') },
  { name: 'leave', unit: (caller) => caller.call('leave', 'w1') },
  { name: 'rights', unit: (caller) => caller.call('rights', 'rpush', 'zadd') },
  { name: 'version', unit: (caller) => caller.call('version') },
]
