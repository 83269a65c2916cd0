import { NoAnswer, reasonOf } from '../errors.ts'

/** A command that was certainly not sent: there was no connection to send it on. Whatever it is, it may be sent again. */
export class NotSent extends NoAnswer {
  /** Whether there will be no connection any more. */
  readonly final: boolean

  constructor(why: unknown, final = false) {
    super(reasonOf(why), why)
    this.final = final
  }
}

/** A command that was sent, and then its connection was lost or went silent: Redis may have carried it out. */
export class Unanswered extends NoAnswer {
  constructor(why: unknown) {
    super(reasonOf(why), why)
  }
}

/** What was not answered in time: whether it was sent, its `Term` knows. */
export class Late extends NoAnswer {
  constructor(ms: number, why: unknown) {
    super(`no answer within ${ms} ms${why === undefined ? '' : ` (${reasonOf(why)})`}`, why)
  }
}

/** How long a call goes on trying that gets no answer. */
export interface Patience {
  /** ms; undefined: it does not try again, since somebody else does */
  patience: number | undefined
  /** Tries after the first one. */
  retries: number
  /** Whether it must not be carried out twice. */
  once?: boolean | undefined
}

/** Pause between two tries: doubles from the first to the second, ms. */
const PAUSES = [10, 500] as const

/**
 * Goes on after a first try that has failed: repeats what got no answer, and throws what was refused. The last failure of a command that may
 * have been carried out is an `Unanswered`.
 */
export async function patiently<Reply>(failure: unknown, attempt: () => Promise<Reply>, settings: Patience): Promise<Reply> {
  const { patience, retries, once } = settings
  const until = performance.now() + (patience ?? 0)
  let [pause, longest] = PAUSES as unknown as [number, number]
  let doubtful = false
  for (let tries = 0, error = failure; ; tries += 1) {
    if (!gotNoAnswer(error)) throw error
    const unsent = isUnsent(error)
    doubtful ||= !unsent
    // The caller has told ioredis for how long a command may take.
    const isLate = (error as Error).message === 'Command timed out'
    const useless = (doubtful && once) || isLate || (error instanceof NotSent && error.final)
    if (useless || tries >= retries || performance.now() + pause > until) throw doubtful ? new Unanswered(error) : error
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)))
    pause = Math.min(2 * pause, longest)
    try {
      return await attempt()
    } catch (next) {
      error = next
    }
  }
}

/** Redis reads its data after a start, and looks at no command before that is over: as if it could not be connected to yet. */
const isLoading = (error: Error) => /^LOADING /.test(error.message)

/**
 * Whether Redis has said nothing to a command, or that it cannot look at it yet. Each error of Redis begins with a word in capitals, and none of a
 * client does; class names do not survive a minifying bundler. A cluster that sends a command from node to node was refused by each of them.
 */
export const gotNoAnswer = (error: unknown) =>
  error instanceof NotSent ||
  error instanceof Unanswered ||
  (error instanceof Error &&
    !(error instanceof TypeError) &&
    error.name !== 'RapidfireError' &&
    (isLoading(error) || !/^([A-Z]{2,}(?![a-z])|Too many Cluster redirections)/.test(error.message)))

// The text is what ioredis says of a stream that has ended, where it keeps no commands.
const isUnsent = (error: unknown) =>
  error instanceof NotSent || isLoading(error as Error) || /^Stream isn't writeable/.test((error as Error).message)
