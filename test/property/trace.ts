import { expect } from 'vitest'
import type { Model } from './model.ts'
import type { Held, Kept } from './shapes.ts'
import { KEYS, step } from './step.ts'
import type { Arg, Reply, World } from './world.ts'

/** What a trace says of a place, by lua/README.md; `when` it was streamed is told by another clock. */
type Place = (string | number)[]

const STATES = { known: 'active', by: 'active', paused: 'retry', released: 'released' } as const

/** Where a message stands last among others, from 1, and when it was received; undefined when it is not there. */
function lastOf(messages: Kept[], id: string | undefined): [number, number] | undefined {
  if (id === undefined) return [0, 0]
  const at = messages.findLastIndex((message) => message.id === id && !message.foreign)
  return at === -1 ? undefined : [at + 1, (messages[at] as Kept).receivedAt]
}

function listed(model: Model, key: string, id: string | undefined, of?: Held): Place[] {
  const { messages, held, lost } = model.at(key)
  const found = lastOf(messages, id)
  if (messages.length === 0 || !found || (of && of !== held)) return []
  if (held) {
    const { attempt, count, reason, deadline, ends } = held
    return [[STATES[held.state], key, held.id, attempt, count, messages.length, ...found, reason, deadline, ends, '']]
  }
  const { count, reason, deadline } = model.open(key) as { count: number; reason: string; deadline: number }
  const state = lost ? 'unindexed' : deadline <= model.now ? 'ready' : 'collecting'
  return [[state, key, '', 0, count, messages.length, ...found, reason, deadline, 0, '']]
}

/** The newest first: those that died in one ms by their ids. */
function dead(model: Model, is: (key: string, id: string) => boolean, id: string | undefined): Place[] {
  const all = [...model.dead].filter(([batch, { key }]) => is(key, batch))
  all.sort(([a, one], [b, other]) => other.died - one.died || (a < b ? 1 : -1))
  return all.flatMap(([batch, { key, attempt, count, messages, reason, deadline, died, cause }]) => {
    const found = lastOf(messages, id)
    return found ? [['dead', key, batch, attempt, count, 0, ...found, reason, deadline, died, cause]] : []
  })
}

function streamed(model: Model, is: (key: string, id: string) => boolean, id: string | undefined): Place[] {
  const names = [...model.streams.keys()].sort()
  return names.flatMap((name) =>
    (model.streams.get(name)?.entries ?? []).toReversed().flatMap(({ key, id: batch, count, messages, reason, deadline }) => {
      const found = is(key, batch) && lastOf(messages, id)
      return found ? [['streamed', key, batch, 0, count, 0, ...found, reason, deadline, 'when', name]] : []
    }),
  )
}

/** What is asked, and what the model says to it; `remembered`: undefined when both are right. */
interface Question {
  args: Arg[]
  places: Place[]
  remembered: boolean | undefined
}

function questions(model: Model): Question[] {
  const all: Question[] = KEYS.map((key) => {
    const is = (owner: string) => owner === key
    return {
      args: ['KEY', key],
      places: [...listed(model, key, undefined), ...dead(model, is, undefined), ...streamed(model, is, undefined)],
      remembered: false,
    }
  })
  for (const { key, id } of model.named.values()) {
    const is = (owner: string) => owner === key
    const places = [...listed(model, key, id), ...dead(model, is, id), ...streamed(model, is, id)].slice(0, 1)
    all.push({ args: ['KEY', key, 'ID', id], places, remembered: model.isDuplicate(key, id) })
  }
  const held = [...model.conversations].flatMap(([key, { held }]) => (held ? [{ key, held }] : []))
  const batches = [
    ...held.map(({ held }) => held.id),
    ...model.dead.keys(),
    ...[...model.streams.values()].flatMap(({ entries }) => entries.map(({ id }) => id)),
  ]
  for (const batch of new Set([...batches, '1-1'])) {
    const is = (_: string, id: string) => id === batch
    const claimed = held.flatMap(({ key, held }) => (held.id === batch ? listed(model, key, undefined, held) : []))
    all.push({
      args: ['BATCH', batch],
      places: [...claimed, ...dead(model, is, undefined), ...streamed(model, is, undefined)].slice(0, 1),
      remembered: false,
    })
  }
  return all
}

/** Each message that was ever added with an id, each conversation, and each batch that there is, is where the model has it. */
export const traceAll = step('trace', 'all', async (model: Model, world: World) => {
  const asked = questions(model).map((question) => ({ ...question, found: [] as Place[], said: 0 as Reply, after: [] as Arg[] }))
  let { replies, keyspace } = await world.run(...asked.map(({ args }) => world.command('trace', ...args)))
  for (let some = asked; some.length > 0; ) {
    for (const [n, question] of some.entries()) {
      const [now, next, remembered, , , serves, ...places] = replies[n] as [number, string, number, number, number, string, ...Place[]]
      expect([now, serves]).toEqual([model.now, 'open'])
      question.found.push(...places.map((place) => (place[0] === 'streamed' ? place.with(10, 'when') : place)))
      if (question.after.length === 0) question.said = remembered
      question.after = next ? ['AFTER', next] : []
    }
    some = some.filter(({ after }) => after.length > 0)
    if (some.length > 0)
      ({ replies, keyspace } = await world.run(...some.map(({ args, after }) => world.command('trace', ...args, ...after))))
  }
  for (const { args, found, places, said, remembered } of asked) {
    expect({ args, places: found, said: remembered === undefined ? said : said === 1 }).toEqual({ args, places, said: remembered ?? said })
  }
  return keyspace
})
