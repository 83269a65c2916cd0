// A worker process of the fault tests. It does what its messages say, and writes down what happens to it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '../../../src/batches/batch.ts'
import type { HandlerContext } from '../../../src/worker/handler.ts'
import { PartialFailure } from '../../../src/worker/verdicts.ts'
import type { WorkerOptions } from '../../../src/worker/worker.ts'
import { type Attempt, History, nameOf } from '../history.ts'
import { type ClientSetup, openClient } from './client.ts'

/** What the handler does with a message; every deed but `sleep` and `poison` when it is handed out for the first time alone. */
export interface Task {
  message: string
  /** The message that it edits. */
  of?: string
  /** `hold`: goes on when the signal aborts. `part`: only messages like this one fail. `poison`: throws in each attempt. */
  act?: 'throw' | 'reject' | 'throw undefined' | 'never' | 'hold' | 'sleep' | 'block' | 'part' | 'poison'
  ms?: number
  padding?: string
}

export interface WorkerSetup {
  history: string
  client: ClientSetup
  options: WorkerOptions
  /** For the close on SIGTERM; none by default. */
  closeTimeout?: number
  /** Whether to ask Redis how long a lease still holds when a signal has aborted. */
  inquire?: boolean
}

const setup = JSON.parse(process.env.SETUP as string) as WorkerSetup
const history = new History(setup.history)

function perform({ act, ms = 0 }: Task, isFirst: boolean, { signal }: HandlerContext): unknown {
  if (act === 'sleep') return sleep(ms)
  if (act === 'poison') throw new Error('poisoned')
  if (!isFirst) return
  if (act === 'throw') throw new Error('thrown')
  if (act === 'reject') return Promise.reject(new Error('rejected'))
  if (act === 'throw undefined') throw undefined
  if (act === 'never') return new Promise(() => {})
  if (act === 'hold') return new Promise((resolve) => signal.addEventListener('abort', resolve))
  if (act === 'block') for (const end = Date.now() + ms; Date.now() < end; );
}

/** Asks once, and for a moment only: later the answer would say nothing of the time when the signal aborted. */
async function inquire(batch: Batch<Task>): Promise<void> {
  const asked = Date.now()
  const { token, until = 0, now } = await rapidfire.peek(batch.key, 1)
  if (token !== batch.token || Date.now() - asked > 200) return
  history.write({ what: 'held', ...attemptAt(batch), left: until - now })
}

const attemptAt = (batch: Batch): Attempt => ({
  key: batch.key,
  batch: batch.id,
  attempt: batch.attempt,
  claim: Number(batch.token.split(':').at(-1)),
})

const { rapidfire, close } = openClient<Task>(setup.client)
const worker = rapidfire.worker(async (batch, context) => {
  const attempt = attemptAt(batch)
  const messages = batch.messages.map(({ data, id }) => nameOf(data, id))
  const forms = batch.messages.map(({ data }) => data.message)
  history.write({ what: 'started', ...attempt, messages, ...(forms.join() !== messages.join() && { forms }), deadline: batch.deadline })
  context.signal.addEventListener('abort', () => {
    history.write({ what: 'aborted', ...attempt, reason: context.signal.reason.message })
    if (setup.inquire) inquire(batch).catch(() => {})
  })
  let handled: string[] = []
  try {
    for (const { data } of batch.messages) await perform(data, attempt.claim === 1, context)
    const failed = batch.messages.filter(({ data }) => data.act === 'part' && attempt.claim === 1)
    handled = messages.filter((message) => !failed.some(({ data, id }) => nameOf(data, id) === message))
    if (failed.length > 0) throw new PartialFailure(failed)
  } finally {
    history.write({ what: 'ended', ...attempt, handled })
  }
}, setup.options)

const ended = (event: 'completed' | 'lost') => (batch: Batch) => history.write({ what: 'told', event, ...attemptAt(batch) })
const failed = (event: 'failed' | 'dead') => (batch: Batch, error: unknown) =>
  history.write({ what: 'told', event, ...attemptAt(batch), error: error instanceof Error ? error.message : String(error) })
worker.on('completed', ended('completed')).on('failed', failed('failed')).on('dead', failed('dead')).on('lost', ended('lost'))
const erred = (error: Error) => history.write({ what: 'error', text: error.message })
worker.on('error', erred)
process.on('warning', erred)
process.on('SIGTERM', async () => {
  await worker.close(setup.closeTimeout === undefined ? {} : { timeout: setup.closeTimeout })
  // It has asked by it, too, what becomes of leases.
  await close()
  history.write({ what: 'closed' })
  // And nothing more: the process must end by itself.
})
worker.run()
history.write({ what: 'running' })
