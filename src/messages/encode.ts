import { inspect } from 'node:util'
import { RapidfireError } from '../errors.ts'
import { checkFlag } from '../given.ts'
import type { MessageOptions } from '../options.ts'
import { LIMITS } from '../redis/generated/limits.ts'
import type { Load } from './coalescer.ts'
import { keptJson } from './kept-json.ts'

/** A message on its way to Redis; `data` is its JSON. */
export interface EncodedMessage extends Omit<MessageOptions, 'id'> {
  key: string | Buffer
  data: string | Buffer
  id?: string | Buffer | undefined
  /** Of one that died in another partition: `<ms>:<name>`, when it was received, and by what it is remembered instead of its id. */
  requeued?: string
}

/** @throws RapidfireError `BAD_KEY` */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string') throw new RapidfireError('BAD_KEY', `a key must be a string, got ${typeof key}`)
  // Half of a surrogate pair would be sent as U+FFFD, and different keys or ids would become the same.
  if (!key.isWellFormed()) throw new RapidfireError('BAD_KEY', 'a key must be well-formed Unicode, got half of a surrogate pair')
}

/** Checks what Redis could not: that it gets what the caller has. */
export function encode(key: string, data: unknown, options: MessageOptions): EncodedMessage {
  checkKey(key)
  const { id, wait, maxWait, maxSize, flush, edits, withdraws } = options
  checkFlag('flush', flush)
  if (id !== undefined) checkId(id)
  if (edits === undefined && withdraws === undefined) return { key, data: toJson(data), id, wait, maxWait, maxSize, flush }
  for (const other of [edits, withdraws]) if (other !== undefined) checkId(other)
  return { key, data: toJson(data), id, wait, maxWait, maxSize, flush, edits, withdraws }
}

function checkId(id: unknown): void {
  if (typeof id !== 'string') throw new RapidfireError('BAD_ID', `an id must be a string, got ${typeof id}`)
  if (!id.isWellFormed()) throw new RapidfireError('BAD_ID', 'an id must be well-formed Unicode, got half of a surrogate pair')
}

export const bytesOf = ({ key, data, id }: EncodedMessage) =>
  Buffer.byteLength(key) + Buffer.byteLength(data) + (id === undefined ? 0 : Buffer.byteLength(id))

const isSpecial = ({ wait, maxWait, maxSize, flush, requeued }: EncodedMessage) =>
  flush || (wait ?? maxWait ?? maxSize ?? requeued) !== undefined

const workOf = (message: EncodedMessage) =>
  (message.edits ?? message.withdraws) !== undefined ? LIMITS.changeWork : isSpecial(message) ? LIMITS.specialWork : LIMITS.messageWork

/** What `add` takes in one call. */
export const ADDED: Load<EncodedMessage> = {
  most: LIMITS.added,
  bytesOf,
  weightOf: (message, bytes) => bytes + workOf(message),
}

function toJson(data: unknown): string {
  const exact = keptJson(data)
  if (exact !== undefined) return exact
  let text: string | undefined
  try {
    text = JSON.stringify(data)
  } catch (error) {
    throw new RapidfireError(
      'BAD_DATA',
      `data must be something that JSON can carry: ${error instanceof Error ? error.message : inspect(error)}`,
      { cause: error },
    )
  }
  if (text === undefined) throw new RapidfireError('BAD_DATA', `data must be something that JSON can carry, got ${typeof data}`)
  // What JSON has no word for it writes as null, and says nothing.
  if (text.includes('null')) refuseLosses(data)
  return text
}

/** Refuses what JSON would turn into null: NaN, an infinite number, a date that is none, and in a list a function or a symbol. */
function refuseLosses(data: unknown): void {
  JSON.stringify(data, function (this: any, name: string, value: unknown) {
    const original = this[name]
    const isLost = typeof value === 'number' && !Number.isFinite(value)
    const isNoDate = original instanceof Date && Number.isNaN(original.getTime())
    const isUnspoken = Array.isArray(this) && (typeof value === 'function' || typeof value === 'symbol')
    if (!isLost && !isNoDate && !isUnspoken) return value
    const what = isLost ? String(value) : isNoDate ? 'a date that is none' : `a ${typeof value}`
    throw new RapidfireError('BAD_DATA', `data must be something that JSON can carry, and ${what} in it would become null`)
  })
}
