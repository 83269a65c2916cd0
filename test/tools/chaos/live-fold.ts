import { isDeepStrictEqual } from 'node:util'
import { eventsOf, type Folded, fold } from '../../support/events.ts'
import type { Company } from './company.ts'

/** The events of a root behind one of them, and what is open and dead at that moment. */
const STATE = `
local open, dead = {}, {}
for _, index in ipairs({ 'due', 'active' }) do
  for _, key in ipairs(redis.call('ZRANGE', KEYS[1] .. ':' .. index, 0, -1)) do
    open[#open + 1], open[#open + 2] = key, redis.call('LLEN', KEYS[1] .. ':messages:' .. key)
  end
end
for _, id in ipairs(redis.call('ZRANGE', KEYS[1] .. ':dead', 0, -1)) do
  dead[#dead + 1], dead[#dead + 2] = id, tonumber(redis.call('HGET', KEYS[1] .. ':dead:' .. id, 'count'))
end
return { redis.call('XRANGE', KEYS[1] .. ':events', ARGV[1], '+'), open, dead }`

const mapOf = (flat: (string | number)[]) =>
  new Map(Array.from({ length: flat.length / 2 }, (_, n) => [String(flat[2 * n]), Number(flat[2 * n + 1])]))

/** Takes the events of queues one after the other, and compares what they make with what is there, while everything goes on. */
export class LiveFold {
  readonly broken: string[] = []
  /** Events that were taken, and how often all was compared. */
  events = 0
  compared = 0
  readonly #cast: Company
  readonly #folded: Map<string, { state: Folded; after: string }>

  constructor(cast: Company) {
    this.#cast = cast
    this.#folded = new Map(
      cast.clients.map(({ queue }) => [`rapid-fire:{${queue}}`, { state: { keys: new Map(), dead: new Map() }, after: '-' }]),
    )
  }

  /** Fails when Redis cannot be reached; then nothing was taken. */
  async compare(): Promise<void> {
    for (const [root, folded] of this.#folded) {
      const reply = await this.#cast.redis.eval(STATE, 1, root, folded.after)
      const [entries, ...state] = reply as [[string, string[]][], (string | number)[], (string | number)[]]
      for (const [id, flat] of entries) {
        for (const event of eventsOf(flat)) {
          fold(folded.state, event)
          this.events += 1
        }
        folded.after = `(${id}`
      }
      this.compared += 1
      const [open, dead] = [mapOf(state[0]), mapOf(state[1])]
      const told = new Map([...folded.state.keys].map(([key, { size }]) => [key, size]))
      if (!isDeepStrictEqual(told, open))
        this.broken.push(`${root}: events tell of ${said(told, open)} where there are ${said(open, told)}`)
      if (!isDeepStrictEqual(folded.state.dead, dead))
        this.broken.push(
          `${root}: events tell of the dead ${said(folded.state.dead, dead)} where there are ${said(dead, folded.state.dead)}`,
        )
    }
  }
}

/** What the one has and the other does not. */
const said = (one: Map<string, number>, other: Map<string, number>) =>
  JSON.stringify([...one].filter(([key, count]) => other.get(key) !== count).slice(0, 5))
