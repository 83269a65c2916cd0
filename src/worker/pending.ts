import { ProcessingError, RapidfireError } from '../errors.ts'
import { checkNames, type Names, whole } from '../given.ts'
import { inTurn } from '../partitions/roots.ts'
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

/** How often it asks which roots serve, when one refuses to. */
const ROUNDS = 3

/**
 * Handles every batch that is due now, once, and returns when the last one is done.
 *
 * @throws RapidfireError `BAD_OPTION`
 * @throws ProcessingError when a part of the queue could not be asked, or the end of a batch not be told
 */
export async function processPending<T>(client: WorkerClient<T>, handler: Handler<T>, options: ProcessOptions): Promise<Summary> {
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
  try {
    // Once more when the number of partitions was changed just now, or a root has lost what it knew.
    for (let round = 1; round === 1 || (refusal && round <= ROUNDS && summary.batches < limit); round += 1) {
      const roots = inTurn(await client.roots(refusal?.root))
      refusal = undefined
      const lanes = roots.map(({ root, drain }) => new Lane(root, drain))
      await processor.handleOnce(lanes, limit - summary.batches)
    }
    if (refusal) failures.push(refusal.error)
  } catch (error) {
    failures.push(error)
  }
  if (failures.length > 0) throw new ProcessingError(failures[0], failures.length, summary)
  return summary
}
