import { createHash } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import type { NewMessage } from '../options.ts'

/** How long after its time a refused message is still awaited, ms. Then the later ones go on without it. */
const GRACE = 2000

/** Tickets of one conversation, all of which are read at each refusal. Whoever comes when there are so many waits without one. */
const MOST = 100

/** The ticket of messages that cannot be recognised when they come again. */
const BLOCK = '-'

// The line is a text, `<ticket> <time>;` for each ticket, first come first, so that one MGET tells of many conversations whether they have one.
// The time is when the message may be sent again. `ask` writes nothing; `join` and `leave` drop the tickets that nobody awaits any more.
const SCRIPT = `
local what, wait, longest, grace, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local own, mine = {}, ARGV[6]
for n = 6, #ARGV do own[ARGV[n]] = true end

local line, ahead, last, has_place, is_blocked = {}, 0, 0, false, false
for ticket, time in string.gmatch(redis.call('GET', KEYS[1]) or '', '([%w_-]+) (%d+);') do
  -- What lies further ahead is from before the clock was set back.
  time = math.min(tonumber(time), now + longest)
  local is_own, is_kept = own[ticket] and ticket ~= '-', time + grace > now
  if is_own then
    if what == 'join' and not has_place then time = now + wait end
    has_place, is_kept = true, what ~= 'leave'
  elseif is_kept then
    if not has_place then ahead = math.max(ahead, time) end
    if ticket == '-' then is_blocked = true end
  end
  if is_kept then
    line[#line + 1] = ticket .. ' ' .. string.format('%.0f', time) .. ';'
    last = math.max(last, time)
  end
end

if what == 'ask' then return ahead > 0 and math.max(ahead - now, 1) or 0 end
if what == 'join' and not has_place and #line < most and not (mine == '-' and is_blocked) then
  local time = mine == '-' and now + wait - grace or now + wait
  line[#line + 1] = mine .. ' ' .. string.format('%.0f', time) .. ';'
  last = math.max(last, time)
end
if #line == 0 then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], table.concat(line), 'PX', string.format('%.0f', math.max(last + grace - now, 1)))
return 0
`

/**
 * Who was refused and will send again, of each conversation, in the order in which they came: what comes later must not be stored before. A
 * message is known by its id. One that has none cannot be told from a later one when it comes again: all are refused until it may come.
 *
 * WHY NOT a block of the conversation alone, until the time of the first refusal: those who were refused with it are on their way back when it
 * ends, and whatever comes new gets in between them.
 */
export class Line {
  readonly #redis: Redis | Cluster
  readonly #prefix: string
  readonly #longest: number

  /** @param longest time that anybody is told to wait, ms */
  constructor(redis: Redis | Cluster, prefix: string, longest: number) {
    this.#redis = redis
    this.#prefix = prefix
    this.#longest = longest
  }

  /** Where the line of a conversation is in Redis; there is none while nobody waits. */
  nameOf(key: string): string {
    return `${this.#prefix}:${key}`
  }

  /** How long these messages of a conversation must wait for those who came before them, ms; 0 when it is their turn. */
  async ask(key: string, messages: readonly NewMessage<unknown>[]): Promise<number> {
    return Number(await this.#run('ask', key, 0, ticketsOf(messages)))
  }

  /** Has them awaited: they may be sent again in so many ms. They keep the place that they have, and get the last one else. */
  async join(key: string, messages: readonly NewMessage<unknown>[], wait: number): Promise<void> {
    const tickets = ticketsOf(messages)
    await this.#run('join', key, wait, tickets.length > 0 ? tickets : [BLOCK])
  }

  /** They need not be awaited any more. */
  async leave(key: string, messages: readonly NewMessage<unknown>[]): Promise<void> {
    await this.#run('leave', key, 0, ticketsOf(messages))
  }

  #run(what: string, key: string, wait: number, tickets: string[]): Promise<unknown> {
    return this.#redis.eval(SCRIPT, 1, this.nameOf(key), what, wait, this.#longest, GRACE, MOST, ...tickets)
  }
}

/** 64 bits of a digest for each id: of a few hundred in a line no two are the same. */
const ticketsOf = (messages: readonly NewMessage<unknown>[]): string[] =>
  messages.flatMap(({ id }) => (id === undefined ? [] : [createHash('sha1').update(id).digest('base64url').slice(0, 11)]))
