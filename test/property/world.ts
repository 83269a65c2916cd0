import type { Redis } from 'ioredis'
import { violationsOf } from '../../src/check/violations.ts'
import { CALLS } from '../../src/protocol/calls.ts'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import type { LibrarySource } from '../../src/redis/source.ts'
import { START } from '../support/lua.ts'
import { type Keyspace, readKeyspace, SNAPSHOT } from './keyspace.ts'

export type Arg = string | number

/** Strings of a reply as latin1, refusals as their text. */
export type Reply = string | number | null | Reply[]

/** A command with what Redis replied. */
export interface Sent {
  args: Arg[]
  reply: Reply
}

/** By law: the keys that may break it, or whether any may. */
export type Excused = Record<string, readonly string[] | boolean>

const ROOT = 'rapid-fire:{orders}'

/** Stands in the record where the functions were loaded again. */
export const LOAD: Arg[] = []

/** The real side of a history: a Redis, the Lua functions under one binding, the moved clock, and a record of what was sent. */
export class World {
  readonly root = ROOT
  readonly mode: BindingMode
  sent: Sent[] = []
  /** Laws that may be broken, by what was done by hand or since the clock went back. */
  excused: Excused = {}
  readonly #redis: Redis
  readonly #source: Required<LibrarySource>
  #now = START
  #keyspace: Keyspace = new Map()
  #snapshot = ''

  constructor(redis: Redis, mode: BindingMode, source: Required<LibrarySource>) {
    this.#redis = redis
    this.mode = mode
    this.#source = source
  }

  /** Loads the functions, which a server may lose. */
  async load(): Promise<void> {
    const { library, scripts } = this.#source
    if (this.mode === 'functions') await this.#redis.function('LOAD', 'REPLACE', library)
    else await Promise.all(Object.values(scripts).map(({ text }) => this.#redis.script('LOAD', text)))
    this.#snapshot = String(await this.#redis.script('LOAD', SNAPSHOT))
  }

  /** An empty server at the beginning of time. */
  async reset(): Promise<void> {
    this.sent = []
    this.#now = START
    this.#keyspace = new Map()
    const commands: Arg[][] = [['FLUSHALL'], ['SET', 'test:clock', START]]
    this.#record(commands, await this.#pipeline(commands))
  }

  /** Calls a function of the queue; its reply, and the keyspace behind it. */
  async call(name: FunctionName, ...args: Arg[]): Promise<{ reply: any; keyspace: Keyspace }> {
    const { replies, keyspace } = await this.run(this.command(name, ...args))
    return { reply: replies[0], keyspace }
  }

  /** The command that calls a function. */
  command(name: FunctionName, ...args: Arg[]): Arg[] {
    const keys = name === 'version' ? [0] : [1, ROOT]
    if (this.mode === 'functions') return ['FCALL', `rapidfire_${name}`, ...keys, ...args]
    return ['EVALSHA', this.#source.scripts[name].sha1, ...keys, ...args]
  }

  /** Takes the functions from the server, lets a message be added, which must be refused, and gives them back; the refusal. */
  async lose(message: Arg[]): Promise<Reply> {
    const flush = this.mode === 'functions' ? ['FUNCTION', 'FLUSH'] : ['SCRIPT', 'FLUSH']
    const commands = [flush, this.command('add', ...message)]
    const replies = await this.#pipeline(commands)
    this.#record(commands, replies)
    await this.load()
    this.sent.push({ args: LOAD, reply: null })
    return replies[1] as Reply
  }

  /** Moves the clock, and expires by it what Redis would expire by the real one. */
  async tick(ms: number): Promise<Keyspace> {
    this.#now += ms
    const expired = [...this.#keyspace].filter(([part, { expires }]) => !part.startsWith('calls:') && expires > 0 && expires <= this.#now)
    const { keyspace } = await this.run(['SET', 'test:clock', this.#now], ...expired.map(([part]) => ['DEL', `${ROOT}:${part}`]))
    return keyspace
  }

  /**
   * Sends commands, and reads the keyspace behind them. In the same go, since that is what takes time, `check` looks at what was there
   * before them; a law that is broken is thrown.
   */
  run(...commands: Arg[][]): Promise<{ replies: Reply[]; keyspace: Keyspace }> {
    return this.#run(this.#checks(), commands)
  }

  /**
   * A call by a user who may do all but one command, so that it may be cut off in the middle, and the same call again with all rights, as a
   * client makes it. What both replied, and the keyspace behind them.
   */
  async cut(lacking: string, command: Arg[]): Promise<{ first: any; again: any; keyspace: Keyspace }> {
    const { username, password } = this.#redis.options
    const { replies, keyspace } = await this.run(
      ['ACL', 'SETUSER', 'cut', 'reset', 'on', 'nopass', '+@all', `-${lacking}`, '~*', '&*'],
      ['AUTH', 'cut', 'none'],
      command,
      ['AUTH', username ?? 'default', password ?? 'none'],
      command,
    )
    return { first: replies[2], again: replies[4], keyspace }
  }

  /** Sends commands, and then mends all parts and the counters: here alone nobody looks at the laws before, since a call was cut off. */
  async mend(keys: readonly string[], ...commands: Arg[][]): Promise<{ replies: Reply[]; keyspace: Keyspace }> {
    const dead = new Set([...this.#keyspace.keys()].filter((part) => part.startsWith('dead:')))
    for (const id of Object.keys((this.#keyspace.get('dead')?.content ?? {}) as object)) dead.add(`dead:${id}`)
    const parts = [
      ...keys.map((key) => `messages:${key}`),
      ...dead,
      'due',
      'active',
      'claims',
      'overrides',
      'dead',
      'watch:standby',
      'watch:present',
    ]
    return this.#run([], [...commands, this.command('repair', ...parts), this.command('repair')])
  }

  async #run(checks: Arg[][], commands: Arg[][]): Promise<{ replies: Reply[]; keyspace: Keyspace }> {
    const replies = await this.#raw([...checks, ...commands, ['EVALSHA', this.#snapshot, 1, ROOT]])
    const checked = replies.splice(0, checks.length)
    const decoded = replies.map(decode)
    this.#record(commands, decoded)
    throwIfBroken(checked, this.excused)
    this.#keyspace = readKeyspace(ROOT, decoded.pop() as any)
    return { replies: decoded, keyspace: this.#keyspace }
  }

  /** For the queue, and for all parts; for each conversation alone, since a call looks only at so many bytes. */
  #checks(): Arg[][] {
    const check = this.command('check')
    const parts = [...this.#keyspace.keys()].filter((part) => part !== '')
    const [keys, others] = [parts.filter((part) => part.startsWith('messages:')), parts.filter((part) => !part.startsWith('messages:'))]
    return [check, ...keys.map((part) => [...check, part]), ...(others.length > 0 ? [[...check, ...others]] : [])]
  }

  #record(commands: Arg[][], replies: Reply[]): void {
    for (const [n, args] of commands.entries()) this.sent.push({ args, reply: replies[n] as Reply })
  }

  async #pipeline(commands: Arg[][]): Promise<Reply[]> {
    return (await this.#raw(commands)).map(decode)
  }

  async #raw(commands: Arg[][]): Promise<unknown[]> {
    const pipeline = this.#redis.pipeline()
    for (const [name, ...args] of commands) pipeline.callBuffer(name as string, ...args.map(encode))
    const replies = (await pipeline.exec()) as [Error | null, unknown][]
    return replies.map(([error, reply]) => error ?? reply)
  }
}

function throwIfBroken(checked: unknown[], excused: Excused): void {
  const all = checked.flatMap(CALLS.check.read).flatMap((judged) => violationsOf(judged, undefined))
  const broken = all.filter(({ law, key }) => {
    const excuse = excused[law]
    return !(Array.isArray(excuse) ? excuse.includes(String(key?.toString('latin1'))) : excuse)
  })
  if (broken.length > 0) throw new Error(broken.map(({ law, key, text }) => `${law}: ${key ? `key ${key}: ` : ''}${text}`).join('\n'))
}

const encode = (arg: Arg) => (typeof arg === 'number' ? String(arg) : Buffer.from(arg, 'latin1'))

function decode(reply: unknown): Reply {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1')
  if (Array.isArray(reply)) return reply.map(decode)
  if (reply instanceof Error) return reply.message
  return reply as Reply
}
