import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fact } from '../../fault/history.ts'
import { type BatchPolicy, headOf, readMessage, type StoredMessage } from '../../support/message.ts'

/** The commands in the append-only file of a server: all writes, in the order in which Redis did them. */
export function readAppendOnlyFile(folder: string): string[][] {
  const files = readdirSync(join(folder, 'appendonlydir')).flatMap((file) => {
    const number = /\.(\d+)\.incr\.aof$/.exec(file)?.[1]
    return number === undefined ? [] : [{ file, number: Number(number) }]
  })
  files.sort((a, b) => a.number - b.number)
  return files.flatMap(({ file }) => commandsOf(readFileSync(join(folder, 'appendonlydir', file))))
}

/** Reads `*<count>\r\n`, then `$<length>\r\n<bytes>\r\n` for each word. */
function commandsOf(bytes: Buffer): string[][] {
  const commands: string[][] = []
  let at = 0
  const header = (sign: string) => {
    const end = bytes.indexOf('\r\n', at)
    const text = bytes.toString('latin1', at, end)
    if (!text.startsWith(sign)) throw new Error(`expected ${sign} at byte ${at} of the append-only file, got ${text.slice(0, 40)}`)
    at = end + 2
    return Number(text.slice(1))
  }
  while (at < bytes.length) {
    commands.push(
      Array.from({ length: header('*') }, () => {
        const length = header('$')
        at += length + 2
        return bytes.toString('latin1', at - length - 2, at - 2)
      }),
    )
  }
  return commands
}

interface Claim {
  batch: string
  /** The how manieth claim of the batch. */
  number: number
  attempt: number
  /** Claims that nobody has acknowledged. */
  lost: number
  count: number
  deadline: number
  reason: string
  /** For how long it was leased, or pauses, ms. */
  span: number
  /** `retry`, `released`, who has claimed it and not acknowledged it yet, or nothing. */
  state: string
}

function readClaim(text: string): Claim {
  const [batch = '', ...rest] = text.split(':')
  const [number, attempt, lost, count, deadline] = rest.map(Number) as [number, number, number, number, number]
  const [reason = '', span, state = ''] = rest.slice(5)
  return { batch, number, attempt, lost, count, deadline, reason, span: Number(span), state }
}

/**
 * Follows what Redis did to one queue and judges it by the clock of Redis, to the millisecond:
 * - a batch is claimed when it is ready and not before, and is the one that the policy in force makes of its messages;
 * - it is handed out again, or buried, only when it has failed and its pause has ended, when its lease has run out, or when it was given back;
 * - attempts are counted when a batch has failed, and when the lease of a claim has run out that was acknowledged;
 * - it dies only in its last attempt, or when nobody has acknowledged many claims of it;
 * - no other batch of its key is claimed meanwhile;
 * - a message id is stored once within `dedupe`.
 */
export class QueueLog {
  readonly broken: string[] = []
  /** How attempts ended that were followed by another one. */
  readonly over: Extract<Fact, { what: 'over' }>[] = []
  /** The message ids that each claim handed out, by `<token> of <key>`. */
  readonly handed = new Map<string, string[]>()
  /** For how long each batch that was ready had not been claimed, ms; not counted while the batch before it had its key. */
  readonly lateness: number[] = []
  readonly #root: string
  readonly #lease: number
  readonly #attempts: number
  readonly #policy: BatchPolicy & { dedupe: number } = { wait: 10_000, maxWait: 60_000, maxSize: 10, dedupe: 3_600_000 }
  readonly #lists = new Map<string, StoredMessage[]>()
  readonly #claims = new Map<string, Claim>()
  /** Claims that are written down and whose lease is not yet, with the claim before them. */
  readonly #claiming = new Map<string, Claim | undefined>()
  /** Until when a key is leased, or pauses; and until when it was before that. */
  readonly #until = new Map<string, { now: number; before: number }>()
  /** The last time that the log has told: commands bear none, but messages and claims do. */
  #clock = 0
  /** When the last batch of a key was finished, or a little earlier. */
  readonly #free = new Map<string, number>()
  /** When each message id was stored. */
  readonly #stored = new Map<string, number>()
  readonly #dying = new Map<string, { key: string; cause: string }>()

  /** @param lease and attempts of all workers of the queue */
  constructor(root: string, lease: number, attempts: number, commands: Iterable<readonly string[]>) {
    this.#root = root
    this.#lease = lease
    this.#attempts = attempts
    for (const [name = '', key = '', ...args] of commands) this.#follow(name.toUpperCase(), key, args)
  }

  #follow(name: string, key: string, args: string[]): void {
    const list = `${this.#root}:messages:`
    if (name === 'UNLINK' || name === 'DEL') {
      for (const each of [key, ...args]) if (each.startsWith(list)) this.#lists.delete(each.slice(list.length))
    } else if (key.startsWith(list)) this.#changeList(name, key.slice(list.length), args)
    else if (key === this.#root && name === 'HSET') this.#changePolicy(args)
    else if (key === `${this.#root}:active` && name === 'ZADD') {
      for (const [until, each] of pairs(args.filter((word) => word !== 'GT'))) {
        const before = this.#until.get(each)?.now ?? 0
        // What is lengthened is never shortened.
        this.#until.set(each, { now: args[0] === 'GT' ? Math.max(before, Number(until)) : Number(until), before })
        this.#leased(each)
      }
    } else if (key === `${this.#root}:claims`) {
      if (name === 'HSET') for (const [each, claim] of pairs(args)) this.#claim(each, readClaim(claim))
      else for (const each of args) this.#finish(each)
    } else if (key.startsWith(`${this.#root}:dead:`) && name === 'HSET') {
      const fields = Object.fromEntries(pairs(args))
      // The messages come in further calls.
      if (fields.key !== undefined) this.#die(key.slice(this.#root.length + 6), fields)
    } else if (key === `${this.#root}:dead` && name === 'ZADD') {
      for (const [at, batch] of pairs(args)) this.#buried(batch, Number(at))
    }
  }

  #changeList(name: string, key: string, args: string[]): void {
    const list = this.#lists.get(key) ?? []
    this.#lists.set(key, list)
    const given = () => args.map((message) => readMessage(Buffer.from(message, 'latin1')))
    if (name === 'RPUSH') {
      for (const message of given()) this.#store(key, message)
    } else if (name === 'LPUSH') list.unshift(...given().reverse())
    else if (name === 'LTRIM') list.splice(0, Number(args[0]))
    else if (name === 'LSET') list[Number(args[0])] = readMessage(Buffer.from(args[1] as string, 'latin1'))
    else if (name === 'LREM') {
      // Withdrawn: the last one that reads so. Its id stays known.
      const text = args[1] as string
      const { id, data } = readMessage(Buffer.from(text, 'latin1'))
      const at = list.findLastIndex((each) => each.id.equals(id) && each.data.equals(data))
      if (at < 0) this.broken.push(`${id} of ${key} was withdrawn and is not there`)
      else list.splice(at, 1)
    } else if (name === 'RPOP') {
      // Refused, for the backlog was full.
      this.#stored.delete(String(list.pop()?.id))
    } else this.broken.push(`the log has ${name} on the messages of ${key}, which is not understood`)
  }

  #store(key: string, message: StoredMessage): void {
    const id = message.id.toString()
    const earlier = this.#stored.get(id)
    if (earlier !== undefined && message.receivedAt < earlier + this.#policy.dedupe) {
      this.broken.push(`${id} of ${key} was stored again after ${message.receivedAt - earlier} ms`)
    }
    this.#stored.set(id, message.receivedAt)
    this.#clock = message.receivedAt
    this.#lists.get(key)?.push(message)
  }

  #finish(key: string): void {
    this.#claims.delete(key)
    this.#claiming.delete(key)
    this.#free.set(key, this.#clock)
  }

  #changePolicy(args: string[]): void {
    for (const [field, text] of pairs(args)) {
      if (field !== 'settings') continue
      for (const [name = '', value] of text.split(' ').map((each) => each.split('='))) {
        if (name in this.#policy) this.#policy[name as 'wait'] = Number(value)
      }
    }
  }

  #claim(key: string, claim: Claim): void {
    const earlier = this.#claims.get(key)
    this.#claims.set(key, claim)
    const same = earlier?.batch === claim.batch && earlier.number === claim.number
    if (claim.state === 'retry') {
      if (!same || earlier.state !== 'retry')
        this.over.push({ what: 'over', by: 'failure', key, batch: claim.batch, attempt: claim.attempt, claim: claim.number })
    } else if (!same && claim.state !== 'released') this.#claiming.set(key, earlier)
  }

  /** The lease of a key was written: now it is known when the claim before it was made. */
  #leased(key: string): void {
    if (!this.#claiming.has(key)) return
    const earlier = this.#claiming.get(key)
    this.#claiming.delete(key)
    const claim = this.#claims.get(key) as Claim
    const { now: until, before } = this.#until.get(key) as { now: number; before: number }
    const at = until - claim.span
    this.#clock = at
    const messages = this.#lists.get(key) ?? []
    const what = `batch ${claim.batch}:${claim.number} of ${key}`
    if (claim.span !== this.#lease) this.broken.push(`${what} was leased for ${claim.span} ms`)
    this.handed.set(
      `${claim.batch}:${claim.number} of ${key}`,
      messages.slice(0, claim.count).map(({ id }) => id.toString()),
    )
    if (!earlier) this.#first(what, key, claim, at, messages)
    else if (earlier.batch !== claim.batch || earlier.number + 1 !== claim.number) {
      this.broken.push(`${what} was claimed while ${earlier.batch}:${earlier.number} was active`)
    } else {
      const counted = claim.attempt - earlier.attempt
      const lost = claim.lost - earlier.lost
      const right =
        earlier.state === 'released'
          ? counted + lost === 0
          : earlier.state.startsWith('by=')
            ? counted + lost === 1
            : counted === 1 && lost === 0
      if (!right)
        this.broken.push(`${what} counts ${counted} attempts and ${lost} lost claims after a claim that was ${earlier.state || 'known'}`)
      this.#again(`${what} was claimed`, key, earlier, at, before, counted === 1)
    }
  }

  #first(what: string, key: string, claim: Claim, at: number, messages: StoredMessage[]): void {
    const head = headOf(messages, this.#policy)
    const { count, deadline, reason } = claim
    if (claim.attempt !== 1 || claim.number !== 1) this.broken.push(`${what} was claimed without an attempt before`)
    if (count !== head?.count || deadline !== head.deadline || reason !== head.reason) {
      const due = head ? `${head.count} messages at ${head.deadline} by ${head.reason}` : 'nothing'
      this.broken.push(`${what} has ${count} messages at ${deadline} by ${reason}, the policy makes ${due}`)
    }
    if (at < deadline) this.broken.push(`${what} was claimed ${deadline - at} ms before its deadline`)
    this.lateness.push(at - Math.max(deadline, this.#free.get(key) ?? 0))
  }

  /** A claim is over at `at`, when its lease or pause should have ended, which was `until`. */
  #again(what: string, key: string, { batch, number, attempt, state }: Claim, at: number, until: number, counted: boolean): void {
    const retry = state === 'retry'
    if (at < until) this.broken.push(`${what} ${until - at} ms before the ${retry ? 'pause after' : 'lease of'} ${batch}:${number} ended`)
    else if (!retry) this.over.push({ what: 'over', by: 'lease', key, batch, attempt, claim: number, ...(counted ? {} : { counted }) })
  }

  #die(batch: string, { key = '', attempt, cause = '' }: Record<string, string>): void {
    this.#dying.set(batch, { key, cause })
    if (cause !== 'unacknowledged' && Number(attempt) < this.#attempts) {
      this.broken.push(`batch ${batch} of ${key} died in attempt ${attempt} of ${this.#attempts}`)
    }
  }

  #buried(batch: string, at: number): void {
    const { key = '', cause = '' } = this.#dying.get(batch) ?? {}
    const claim = this.#claims.get(key)
    if (cause === 'failed' || claim?.batch !== batch) return
    this.#again(`batch ${batch} of ${key} was buried`, key, claim, at, this.#until.get(key)?.now ?? 0, cause === 'lease')
  }
}

function pairs(words: readonly string[]): [string, string][] {
  return Array.from({ length: words.length / 2 }, (_, n) => [words[2 * n] as string, words[2 * n + 1] as string])
}
