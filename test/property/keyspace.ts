import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { eventsOf, fold } from '../support/events.ts'
import type { Model } from './model.ts'
import { type Claimed, hasOptions, type Kept, tokenOf } from './shapes.ts'

/** What stands in Redis, by name without the root and its colon; the root itself is ''. Texts are latin1. */
export type Keyspace = Map<string, { type: string; expires: number; content: unknown }>

/** Reads all keys of a queue at one moment. Long texts are told by their ends and their length: there may be many MiB of them. */
export const SNAPSHOT = `
local function short(text)
  if #text <= 400 then return text end
  return string.sub(text, 1, 200) .. '...' .. #text .. '...' .. string.sub(text, -100)
end
local readers = {
  list = function(name) return redis.call('LRANGE', name, 0, -1) end,
  set = function(name) return redis.call('SMEMBERS', name) end,
  zset = function(name) return redis.call('ZRANGE', name, 0, -1, 'WITHSCORES') end,
  hash = function(name) return redis.call('HGETALL', name) end,
  stream = function(name)
    local flat = {}
    for n, entry in ipairs(redis.call('XRANGE', name, '-', '+')) do flat[n] = entry[2] end
    return flat
  end,
}
local out = {}
for _, name in ipairs(redis.call('KEYS', KEYS[1] .. '*')) do
  local kind = redis.call('TYPE', name).ok
  local content = readers[kind] and readers[kind](name) or {}
  for n, each in ipairs(content) do
    if type(each) == 'string' then content[n] = short(each) else for m, field in ipairs(each) do each[m] = short(field) end end
  end
  out[#out + 1] = { name, kind, redis.call('PEXPIRETIME', name), content }
end
return out`

/** A text as the snapshot gives it. */
export const short = (text: string) => (text.length <= 400 ? text : `${text.slice(0, 200)}...${text.length}...${text.slice(-100)}`)

const pairs = (flat: string[]) =>
  Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]])) as Record<string, string>

const CONTENTS: Record<string, (flat: any[]) => unknown> = {
  set: (flat) => new Set(flat),
  zset: (flat) => Object.fromEntries(Object.entries(pairs(flat)).map(([member, score]) => [member, Number(score)])),
  hash: pairs,
  stream: (entries) => entries.map(pairs),
}

export function readKeyspace(root: string, reply: [string, string, number, any[]][]): Keyspace {
  return new Map(
    reply.map(([name, type, expires, content]) => [
      name.slice(root.length + 1),
      // Fields of an entry of events come several times.
      { type, expires, content: name.endsWith('}:events') ? content : (CONTENTS[type]?.(content) ?? content) },
    ]),
  )
}

/** A message as lua/README.md describes it. */
export function written({ receivedAt, foreign, died, id, data, wait, maxWait, maxSize, flush, context }: Kept): string {
  if (foreign) return data
  const options = [
    died && `,R${died}`,
    context && `,T${context}`,
    wait && `,W${wait}`,
    maxWait && `,X${maxWait}`,
    maxSize && `,S${maxSize}`,
    flush && ',F',
  ]
    .filter(Boolean)
    .join('')
  return `${receivedAt} ${id.length}${options} ${id}${data}`
}

/** The whole keyspace is what the key table of lua/README.md makes of the model. */
export function compareKeyspace(model: Model, keyspace: Keyspace): void {
  const found: Record<string, unknown> = {}
  const seen: { name: string; ids: Set<string>; expires: number }[] = []
  for (const [part, { type, expires, content }] of keyspace) {
    if (part.startsWith('seen:')) seen.push({ name: part, ids: content as Set<string>, expires })
    else if (part === 'archived' || part.startsWith('archive:')) expect(expires).toBeGreaterThan(0)
    else if (part.startsWith('calls:') || part.startsWith('watch:')) expect(expires).toBeGreaterThan(0)
    else if (part !== '' && part !== 'due' && part !== 'overrides' && part !== 'streams' && part !== 'events')
      found[part] = expires < 0 ? [type, content] : ['expires', content]
  }
  equal(found, exactly(model))
  compareRoot(model, (keyspace.get('')?.content ?? {}) as Record<string, string>)
  compareDue(model, (keyspace.get('due')?.content ?? {}) as Record<string, number>)
  const root = (keyspace.get('')?.content ?? {}) as Record<string, string>
  compareOverrides(model, (keyspace.get('overrides')?.content ?? new Set()) as Set<string>, 'options' in settingsIn(root))
  compareSeen(model, seen)
  compareArchive(model, keyspace)
  compareEvents(model, keyspace.get('events')?.content as string[][] | undefined)
  // A call that was cut off has named a stream and written nothing to it.
  const named = (keyspace.get('streams')?.content ?? {}) as Record<string, number>
  for (const name of model.streams.keys()) if (!(name in named)) expect.unreachable(`nobody would find the stream ${name}`)
}

/** Says what differs, at a cost only when something does. */
function equal(found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected)
}

/** Keys whose content the promises leave no choice about. */
function exactly({ conversations, dead, streams }: Model): Record<string, unknown> {
  const expected: Record<string, unknown> = {}
  const active: Record<string, number> = {}
  const claims: Record<string, string> = {}
  for (const [key, { messages, held }] of conversations) {
    expected[`messages:${key}`] = ['list', messages.map((message) => short(written(message)))]
    if (!held) continue
    active[key] = held.ends
    const { attempt, lost, count, deadline, reason, span, state, by, failed } = held
    const states = {
      known: '',
      by: `:by=${by?.name}/${by?.number}`,
      paused: failed ? `:retry:${failed}.` : ':retry',
      released: ':released',
    }
    claims[key] = [tokenOf(held), attempt, lost, count, deadline, reason, span].join(':') + states[state]
  }
  if (Object.keys(active).length > 0) Object.assign(expected, { active: ['zset', active], claims: ['hash', claims] })
  for (const [id, { key, attempt, claim, deadline, reason, cause, error, count, messages }] of dead) {
    const positions = Object.fromEntries(messages.map((message, n) => [`${n + 1}`, short(written(message))]))
    const about = {
      key,
      attempt: `${attempt}`,
      claim: `${claim}`,
      deadline: `${deadline}`,
      reason,
      cause,
      error: short(error),
      count: `${count}`,
    }
    expected[`dead:${id}`] = ['hash', { ...about, ...positions }]
  }
  if (dead.size > 0) expected.dead = ['zset', Object.fromEntries([...dead].map(([id, { died }]) => [id, died]))]
  for (const [name, { entries }] of streams) {
    expected[`stream:${name}`] = ['stream', entries.map(told)]
  }
  return expected
}

/** The entry of a batch in a stream. */
export function told({ id, key, reason, count, deadline, messages }: Omit<Claimed, 'token' | 'attempt' | 'due'>): Record<string, string> {
  const about = { id, key, reason, count: `${count}`, openedAt: `${messages[0]?.receivedAt}`, deadline: `${deadline}` }
  const each = messages.map(({ id, data, receivedAt }, n) => {
    return { [`id:${n + 1}`]: id, [`at:${n + 1}`]: `${receivedAt}`, [`data:${n + 1}`]: short(data) }
  })
  return Object.assign(about, ...each)
}

/** Fields that say how the queue is looked at and remembered, not what it holds. */
const INNER = new Set(['settings', 'largest', 'slice', 'sliceBefore', 'sliceEnds', 'options', 'watcher', 'watchAt'])

/** What stands in the field of the root that has the policy, by name. */
const settingsIn = ({ settings = '' }: Record<string, string>): Record<string, string> =>
  Object.fromEntries(settings.split(' ').flatMap((each) => (each ? [each.split('=')] : [])))

function compareRoot({ policy, counters, longestWait, looked }: Model, root: Record<string, string>): void {
  const expected: Record<string, number> = { ...counters, ...policy, longestWait, looked }
  const found: Record<string, number> = Object.fromEntries(Object.keys(expected).map((name) => [name, 0]))
  for (const [field, value] of Object.entries({ ...root, ...settingsIn(root) })) if (!INNER.has(field)) found[field] = Number(value)
  equal(found, expected)
}

/** All open keys are in `due`, but those that were deleted there, and none is looked at later than its deadline under the policies since, or than it came in. What is left of a
 * batch is in front of nothing that was due before. */
function compareDue(model: Model, due: Record<string, number>): void {
  // Whoever has noticed that a key is lost has put it in.
  for (const key of model.lost) if (key in due) model.found(model.at(key))
  const open = [...model.conversations].filter(([, { held, lost }]) => !held && !lost).map(([key]) => key)
  equal(Object.keys(due).sort(), open.sort())
  for (const key of open) {
    const [at, latest, behind = 0] = [due[key] as number, model.latest(key), model.at(key).behind]
    model.at(key).score = at
    if (at > latest) expect.unreachable(`${key} is due at ${at}, later than ${latest}`)
    if (at < behind) expect.unreachable(`${key} is due at ${at}, in front of what was due by ${behind}`)
  }
}

/** What was completed is kept, and in the index; of a call that was cut off perhaps. */
function compareArchive(model: Model, keyspace: Keyspace): void {
  const { content: index = {}, expires = 0 } = (keyspace.get('archived') ?? {}) as { content?: Record<string, number>; expires?: number }
  const found = new Map<string, { key: string; size: number; until: number }>()
  for (const [part, { content, expires }] of keyspace) {
    if (!part.startsWith('archive:')) continue
    const { id = '', key = '', size, completedAt } = content as Record<string, string>
    equal([part, index[id]], [`archive:${id}`, Number(completedAt)])
    found.set(id, { key, size: Number(size), until: expires })
  }
  if (model.unkept) {
    model.adoptArchive(found, index, expires)
    model.unkept = false
  }
  equal(found, model.archived)
  equal(index, Object.fromEntries(model.indexed))
  if (model.indexed.size > 0) equal(expires, model.indexedUntil)
}

/** What the events tell since the step before makes of what was open and dead then what is now. */
function compareEvents(model: Model, entries: string[][] | undefined): void {
  const { told } = model
  if (model.policy.events === 0 && entries) expect.unreachable('no events are to be kept')
  const now = model.folded()
  if (told && told.kept > 0 && model.policy.events > 0 && !model.untold) {
    for (const entry of (entries ?? []).slice(told.entries)) for (const event of eventsOf(entry)) fold(told.state, event)
    equal(told.state, now)
  }
  model.told = { state: now, entries: entries?.length ?? 0, kept: model.policy.events }
  model.untold = false
}

function compareOverrides({ conversations }: Model, overrides: Set<string>, said: boolean): void {
  if (overrides.size > 0 && !said) expect.unreachable('keys have options and the root does not say so')
  for (const [key, conversation] of conversations) {
    conversation.listed = overrides.has(key)
    if (conversation.messages.some(hasOptions) && !overrides.has(key)) expect.unreachable(`${key} has options and is not in overrides`)
  }
  for (const key of overrides) if (!conversations.has(key)) expect.unreachable(`${key} is in overrides and has no messages`)
}

/** What must be refused is remembered, nothing else than accepted ids is, and not for ever. */
function compareSeen({ ids, now, latestNow, longestDedupe }: Model, seen: { name: string; ids: Set<string>; expires: number }[]): void {
  for (const [id, { until }] of ids) {
    if (now < until && !seen.some((set) => set.ids.has(id))) expect.unreachable(`id ${id} is forgotten`)
  }
  for (const set of seen) {
    for (const id of set.ids) if (!ids.has(id)) expect.unreachable(`id ${id} is remembered and was never accepted`)
    if (!(set.expires > now && set.expires <= latestNow + 3 * longestDedupe)) expect.unreachable(`${set.name} expires at ${set.expires}`)
  }
}
