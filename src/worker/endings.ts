import { inspect } from 'node:util'
import type { Batch } from '../batches/batch.ts'
import type { FailOptions } from '../batches/claims.ts'
import { RapidfireError } from '../errors.ts'
import type { BatchClient } from './client.ts'
import type { Outcome } from './handler.ts'
import type { Settings } from './settings.ts'
import { Discard, GiveUp, PartialFailure, RetryLater } from './verdicts.ts'

/** What a handler threw. */
export interface Failure {
  error: unknown
}

/** What has come of an attempt. */
export interface Ending {
  failure: Failure | undefined
  /** What the handler has returned, and the worker, if it has a name: the archive keeps both. */
  result: unknown
  worker: string | undefined
}

/** Tells Redis how attempts have ended: what the handler's verdict was, or that the batch is given back. */
export class Endings<T> {
  /** Batches of which it is being told. */
  underway = 0
  /** Whether what runs was given back: nothing is told twice any more. */
  givenUp = false
  readonly #client: BatchClient<T>
  readonly #settings: Settings
  readonly #failed: (error: unknown, root: string) => void

  /** @param failed told when Redis did not take it */
  constructor(client: BatchClient<T>, settings: Settings, failed: (error: unknown, root: string) => void) {
    this.#client = client
    this.#settings = settings
    this.#failed = failed
  }

  /** A handler has returned, or thrown. `told` what becomes of its batch before anybody can take the worker for idle. */
  async tell(batch: Batch<T>, root: string, ending: Ending, told: (outcome: Outcome) => void): Promise<void> {
    this.underway += 1
    const outcome = await this.#tellUntilTaken(batch, root, ending)
    this.underway -= 1
    told(outcome)
  }

  /** Gives back a batch that was not handled to its end; undefined when Redis could not be told: it comes back when its lease has ended. */
  async giveBack(batch: Batch<T>, root: string, reason: string): Promise<'released' | 'lost' | undefined> {
    this.underway += 1
    try {
      return await this.#client.release(batch, { reason })
    } catch (error) {
      this.#failed(error, root)
      return undefined
    } finally {
      this.underway -= 1
    }
  }

  /** Tries again until the lease may have run out: what is not told to Redis is lost to this attempt, and handled once more. */
  async #tellUntilTaken(batch: Batch<T>, root: string, { failure, result, worker }: Ending): Promise<Outcome> {
    const { lease, timing } = this.#settings
    const until = performance.now() + lease
    for (let plain = false; ; ) {
      try {
        if (!failure || failure.error instanceof Discard)
          return await this.#client.complete(batch, { result, ...(worker !== undefined && { worker }) })
        return await this.#client.fail(batch, this.#failOptions(batch, failure.error, plain))
      } catch (problem) {
        this.#failed(inHandlersWords(problem, failure), root)
        const code = problem instanceof RapidfireError ? problem.code : 'BAD_ARGUMENT'
        // What was chosen for this failure, a pause or the messages, is not possible: given back without it.
        if (code === 'BAD_ARGUMENT' && failure && !plain) plain = true
        else if (code === 'CLOSED' || this.givenUp || performance.now() + timing.tellAgain > until) return 'lost'
        else await new Promise((resolve) => setTimeout(resolve, timing.tellAgain))
      }
    }
  }

  #failOptions(batch: Batch<T>, error: unknown, plain: boolean): FailOptions<T> {
    // In its first attempt or a later one, so at once.
    const options = { error: textOf(error), attempts: error instanceof GiveUp ? 1 : this.#settings.attempts }
    if (plain) return options
    return {
      ...options,
      delay: error instanceof RetryLater ? error.pause : this.#settings.backoff(batch.attempt),
      ...(error instanceof PartialFailure ? { messages: [...new Set(error.messages)] } : {}),
    }
  }
}

/** A pause that is none was returned by `backoff`, or thrown. */
function inHandlersWords(problem: unknown, failure: Failure | undefined): unknown {
  if (!(problem instanceof RapidfireError) || !problem.message.startsWith('delay ')) return problem
  const name = failure?.error instanceof RetryLater ? 'the pause of RetryLater' : 'what backoff returns'
  const { code, command = 'rapidfire_fail', cause } = problem
  return new RapidfireError(code, problem.message.replace('delay', name), { command, cause })
}

/** Anything can be thrown, even what throws when it is looked at. */
export function textOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : `the handler threw ${inspect(error)}`
  } catch {
    return 'the handler threw something that cannot be shown'
  }
}
