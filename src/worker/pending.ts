import { ProcessingError, RapidfireError } from '../errors.ts'
import { checkNames, type Names, whole } from '../given.ts'
import { inTurn, type Roots } from '../partitions/roots.ts'
import type { WorkerClient } from './client.ts'
import type { Handler, ProcessorOptions } from './handler.ts'
import { Lane } from './lane.ts'
import { Processor } from './processor.ts'
import { WORKER_OPTIONS } from './settings.ts'
import type { Summary } from './summary.ts'

export interface ProcessOptions extends ProcessorOptions {
  /** At most this many batches. @default all that are due */
  limit?: number
}

const PROCESS_OPTIONS: Names<ProcessOptions> = { ...WORKER_OPTIONS, limit: true }

/** What it needs of its client. */
export interface PendingClient<T> extends WorkerClient<T> {
  /** The roots to claim from as far as is known; undefined when nobody has asked yet. */
  known(): Roots | undefined
}

/** How often it asks which roots serve, when one refuses to. */
const ROUNDS = 3

/**
 * Handles every batch that is due now, once, and returns when the last one is done.
 *
 * @throws RapidfireError `BAD_OPTION`
 * @throws ProcessingError when a part of the queue could not be asked, or the end of a batch not be told
 */
export async function processPending<T>(client: PendingClient<T>, handler: Handler<T>, options: ProcessOptions): Promise<Summary> {
  const summary: Summary = { batches: 0, messages: 0, completed: 0, retry: 0, dead: 0, lost: 0 }
  const failures: unknown[] = []
  checkNames('processPendingBatches', options, PROCESS_OPTIONS)
  const limit = whole('limit', options.limit ?? Number.MAX_SAFE_INTEGER, { least: 1, most: Number.MAX_SAFE_INTEGER })
  let refusal: { root: string; error: unknown } | undefined
  const processor = new Processor<T>(client, handler, options, {
    ended: (outcome, batch) => {
      // Nothing is given back here that a handler has seen.
      if (outcome === 'released') return
      summary[outcome] += 1
      summary.batches += 1
      summary.messages += batch.messages.length
    },
    died: () => {
      summary.dead += 1
    },
    answered: () => {},
    refused: (lane, error) => {
      lane.failures += 1
      if (error instanceof RapidfireError && error.code === 'REPARTITIONED') refusal = { root: lane.root, error }
      else failures.push(error)
    },
    failed: (error) => failures.push(error),
  })
  const handle = (turns: ReturnType<typeof inTurn>) =>
    processor.handleOnce(
      turns.map(({ root, drain }) => new Lane(root, drain)),
      limit - summary.batches,
    )
  try {
    const known = client.known()
    const asked = client.roots()
    // Nobody waits for what is known already: a root that goes by another layout refuses.
    asked.catch(() => {})
    const first = inTurn(known ?? (await asked))
    await handle(first)
    const now = await asked.catch((error) => {
      if (failures.length === 0) throw error
      return { serving: [], draining: [] }
    })
    const further = inTurn(now).filter(({ root }) => first.every((each) => each.root !== root))
    if (further.length > 0 && summary.batches < limit) await handle(further)
    // Once more when the number of partitions was changed just now, or a root has lost what it knew.
    for (let round = 2; refusal && round <= ROUNDS && summary.batches < limit; round += 1) {
      const { root }: { root: string } = refusal
      refusal = undefined
      await handle(inTurn(await client.roots(root)))
    }
    if (refusal) failures.push(refusal.error)
  } catch (error) {
    failures.push(error)
  }
  if (failures.length > 0) throw new ProcessingError(failures[0], failures.length, summary)
  return summary
}
