// A producer process of the chaos run. What it adds comes from its seed; when depends on what happens to it.
import { setTimeout as sleep } from 'node:timers/promises'
import { RapidfireError, RefusedMessagesError } from '../../../src/errors.ts'
import type { AddResult } from '../../../src/messages/results.ts'
import type { NewMessage } from '../../../src/options.ts'
import { History } from '../../fault/history.ts'
import { type ClientSetup, openClient } from '../../fault/support/client.ts'
import type { Task } from '../../fault/support/worker.ts'
import { between, randomOf, whole } from './seed.ts'

export interface ProducerSetup {
  history: string
  client: ClientSetup
  seed: string
  /** The conversations that are its own. */
  keys: string[]
  /** Whether some messages edit or take back others; not where a server may forget what it has said. */
  changes?: boolean
}

const setup = JSON.parse(process.env.SETUP as string) as ProducerSetup
const history = new History(setup.history)
const { rapidfire: client, close } = openClient<Task>(setup.client)
/** How long a producer that shall end tries to deliver what it has begun, ms. */
const PATIENCE = 30_000

let stopping = false
let giveUpAt = Number.POSITIVE_INFINITY

/** The message `n` of a key, by the seed alone: a producer that comes after one that was killed adds the same. */
function messageOf(key: string, n: number): NewMessage<Task> {
  const random = randomOf(`${setup.seed} ${key} ${n}`)
  const id = `${key}.${n}`
  const chance = random()
  const task: Task = { message: id }
  if (chance < 0.005) task.act = 'poison'
  else if (chance < 0.025) task.act = 'throw'
  else if (chance < 0.05) task.act = 'part'
  else {
    task.act = 'sleep'
    // Now and then longer than a lease.
    task.ms = whole(random, 10, random() < 0.02 ? 3000 : 100)
  }
  const message: NewMessage<Task> = { key, data: task, id }
  if (random() < 0.05) message.flush = true
  if (random() < 0.05) message.wait = whole(random, 20, 600)
  return setup.changes && n % 4 === 3 && random() < 0.7 ? changing(message, `${key}.${n - whole(random, 1, 3)}`, random()) : message
}

/** Edits one of the last messages, or takes it back: one that does neither, so that it is known what the other one was. */
function changing({ key, data, id }: NewMessage<Task>, of: string, chance: number): NewMessage<Task> {
  return chance < 0.6 ? { key, data: { ...data, of }, id, edits: of } : { key, data, id, withdraws: of }
}

/** Codes after which the same message is added again: it may or may not have been stored, or was refused for now. */
const PASSING = ['UNAVAILABLE', 'NOT_LOADED', 'OUT_OF_MEMORY', 'BACKLOG_FULL']

/** Adds messages again and again until Redis has said of each one that it holds it, or it is time to give up. */
async function deliver(key: string, messages: NewMessage<Task>[]): Promise<void> {
  for (let left = messages; left.length > 0 && Date.now() < giveUpAt; ) {
    const results = await client.addMessages(left).catch((error) => {
      if (error instanceof RefusedMessagesError) return error.results
      throw error
    })
    left = left.filter(({ data: { message } }, n) => {
      const result = results[n]
      if (!(result instanceof RapidfireError)) {
        const { status } = result as AddResult
        const change = status === 'replaced' || status === 'withdrawn' ? { change: status } : {}
        history.write({ what: 'accepted', key, message, duplicate: status === 'duplicate', ...change })
        return false
      }
      if (!PASSING.includes(result.code)) throw result
      history.write({ what: 'refused', key, message, code: result.code })
      return true
    })
    if (left.length > 0) await sleep(100)
  }
}

/** The messages of a conversation, a few at a time, each after the answer to the one before. */
async function talk(key: string, offered: number, unsettled: number): Promise<void> {
  const made = (from: number, count: number) => Array.from({ length: count }, (_, n) => messageOf(key, from + n))
  await deliver(key, made(offered - unsettled, unsettled))
  for (let n = offered; !stopping; ) {
    const random = randomOf(`${setup.seed} ${key} pause ${n}`)
    const messages = made(n, whole(random, 1, 3))
    for (const { data, edits, withdraws } of messages) {
      const of = edits ?? withdraws
      history.write({ what: 'offered', key, message: data.message, ...(of && { of, withdraws: withdraws !== undefined }) })
    }
    await deliver(key, messages)
    n += messages.length
    await sleep(random() < 0.7 ? between(random, 20, 300) : between(random, 500, 2500))
  }
}

process.on('SIGTERM', () => {
  stopping = true
  giveUpAt = Date.now() + PATIENCE
})
process.on('warning', (warning) => history.write({ what: 'error', text: warning.message }))
const known = history.read()
history.write({ what: 'running' })
const talks = setup.keys.map((key) => {
  const count = (what: string) => known.filter((entry) => entry.what === what && 'key' in entry && entry.key === key).length
  return talk(key, count('offered'), count('offered') - count('accepted'))
})
await Promise.all(talks).catch((error) => {
  // It ends with that, which the run will see.
  history.write({ what: 'error', text: `a producer gave up: ${error}` })
  process.exit(1)
})
await close()
history.write({ what: 'closed' })
