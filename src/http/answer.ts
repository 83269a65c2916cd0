import { GiveUp, RetryLater } from '../worker/verdicts.ts'

/** Of an answer more is not read, bytes. */
const MOST_BYTES = 65_536

/** A receiver that asks for more patience is asked again after this time, ms: meanwhile its conversation waits. */
const LONGEST_PAUSE = 3_600_000

/** Answers from 400 to 499 that may become better: a time that was too short, too early, too often. */
const PASSING = [408, 425, 429]

/** What an answer that is no success means for the batch, as the error to throw. */
export function refusalOf(receiver: string, { status, headers }: Response): Error {
  const said = `${receiver} answered ${status}`
  if (status >= 300 && status < 400) return new Error(`${said}, and redirects are not followed`)
  if (status >= 400 && status < 500 && !PASSING.includes(status)) return new GiveUp(said)
  const pause = pauseOf(headers)
  return pause === undefined ? new Error(said) : new RetryLater(pause, said)
}

/**
 * What `Retry-After` asks for, ms: seconds, or a date (RFC 9110, section 10.2.3) by the clock of the receiver. Undefined when it asks for nothing
 * that could be done.
 */
function pauseOf(headers: Headers): number | undefined {
  const asked = headers.get('retry-after')?.trim() ?? ''
  const ms = /^\d+$/.test(asked) ? Number(asked) * 1000 : (dateOf(asked) ?? Number.NaN) - (dateOf(headers.get('date')) ?? Date.now())
  return ms > 0 ? Math.min(ms, LONGEST_PAUSE) : undefined
}

function dateOf(text: string | null): number | undefined {
  const at = /^[A-Z][a-z]+, .* GMT$/.test(text ?? '') ? Date.parse(text as string) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

/**
 * The JSON of an answer. Undefined when it has none or one of more than 64 KiB.
 *
 * @throws what reading fails with
 */
export async function resultOf(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop closes the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new Error(`it has more than ${MOST_BYTES} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}
