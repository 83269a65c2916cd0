import { checkNames, type Names } from '../given.ts'
import type { NamedCompletion } from '../protocol/arguments.ts'
import { LIMITS, OPTIONS } from '../redis/generated/limits.ts'
import { type Batch, joinText } from './batch.ts'

/** What the archive keeps of a batch that is done, beside what Redis knows. Nothing is sent while the policy keeps no archive. */
export interface CompleteOptions {
  /** What its messages say; 64 KiB of it. @default `text` of the batch, or the words of its messages, a line each */
  text?: string
  /** What has come of it, as JSON unless it is a text; 64 KiB of that. @default nothing */
  result?: unknown
  /** Who has handled it, 1 to 64 bytes. @default nobody is named */
  worker?: string
}

const COMPLETE_OPTIONS: Names<CompleteOptions> = { text: true, result: true, worker: true }

/**
 * What is told of a batch that the archive keeps.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function completionOf(batch: Batch, options: CompleteOptions) {
  checkNames('complete', options, COMPLETE_OPTIONS)
  const { text = textOf(batch), result, worker } = options
  return {
    text: cut(text, OPTIONS.text.bytes),
    result: cut(textOfResult(result), OPTIONS.result.bytes),
    worker: cut(worker, OPTIONS.worker.bytes),
  }
}

function textOf(batch: Batch & { text?: unknown }): string {
  return typeof batch.text === 'string' ? batch.text : joinText(batch, '\n')
}

/** Handlers may return anything, also what cannot be JSON. */
function textOfResult(result: unknown): string | undefined {
  if (typeof result === 'string') return result
  try {
    return JSON.stringify(result)
  } catch {
    return undefined
  }
}

/** The beginning of a text that has at most so many bytes, without half a character. Undefined when nothing is left. */
function cut(text: string | undefined, most: number): string | undefined {
  if (text === undefined || text === '') return undefined
  // No character has fewer bytes than UTF-16 units.
  const bytes = Buffer.from(text.slice(0, most + 1))
  if (bytes.length <= most) return text
  let end = most
  while (((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

export const bytesOfCompletion = ({ text, result }: NamedCompletion): number => (text?.length ?? 0) + (result?.length ?? 0)

/** Batches that are completed in one call have so many bytes of texts together, and one alone may have more. */
export const weightOfCompletion = ({ text, result }: NamedCompletion): number =>
  text === undefined && result === undefined
    ? 1
    : Math.max(1, ((Buffer.byteLength(text ?? '') + Buffer.byteLength(result ?? '')) * LIMITS.pairs) / LIMITS.archivedTexts)
