// How arguments are written that several calls have, or that take more than a line.

import type { EncodedMessage } from '../messages/encode.ts'
import type { RootPolicy } from '../options.ts'
import type { Layout } from '../partitions/roots.ts'
import type { Argument } from '../redis/connection.ts'

/** What names a claim. */
export interface ClaimName {
  key: string | Buffer
  token: string
}

/** Appends `NAME value` for each option that is given. */
export function appendTokens(args: Argument[], options: Record<string, Argument | undefined>): Argument[] {
  for (const name in options) {
    const value = options[name]
    if (value !== undefined) args.push(name, value)
  }
  return args
}

/** A batch that has failed. `keep`: the positions of the messages that did, from 1, with commas; without it all of them. */
export interface NamedFailure extends ClaimName {
  delay: number
  attempts: number
  error: string
  keep?: string | undefined
}

/** A batch that is given back. */
export interface NamedRelease extends ClaimName {
  reason?: string | undefined
}

/** A batch that is done, and what the archive is to keep of it. */
export interface NamedCompletion extends ClaimName {
  text?: string | undefined
  result?: string | undefined
  worker?: string | undefined
}

/** Batches with options of their own. */
export function endArguments<End extends ClaimName>(
  ends: readonly End[],
  optionsOf: (end: End) => Parameters<typeof appendTokens>[1],
): Argument[] {
  const args: Argument[] = []
  for (const end of ends) {
    if (args.length > 0) args.push('NEXT')
    args.push(end.key, end.token)
    appendTokens(args, optionsOf(end))
  }
  return args
}

/** By its place such a word would tell that tokens are used: see lua/functions/batch/complete.lua. */
const isWord = (key: unknown) => typeof key === 'string' && /^(text|result|worker|next)$/i.test(key)

/** Batches that are done: names alone where nothing else is told. */
export function completionArguments(batches: readonly NamedCompletion[]): Argument[] {
  const told = batches.some(({ text, result, worker }) => text !== undefined || result !== undefined || worker !== undefined)
  if (!told && !isWord(batches[1]?.key)) return claimNames(batches)
  return endArguments(batches, ({ text, result, worker }) => ({ TEXT: text, RESULT: result, WORKER: worker }))
}

export const claimNames = (claims: readonly ClaimName[]): Argument[] => claims.flatMap(({ key, token }) => [key, token])

export function messageArguments(messages: readonly EncodedMessage[]): Argument[] {
  const args: Argument[] = []
  for (const message of messages) {
    if (args.length > 0) args.push('NEXT')
    args.push(message.key, message.data)
    if (message.id !== undefined) args.push('ID', message.id)
    if (message.wait !== undefined) args.push('WAIT', message.wait)
    if (message.maxWait !== undefined) args.push('MAXWAIT', message.maxWait)
    if (message.maxSize !== undefined) args.push('MAXSIZE', message.maxSize)
    if (message.flush) args.push('FLUSH')
    if (message.edits !== undefined) args.push('EDITS', message.edits)
    if (message.withdraws !== undefined) args.push('WITHDRAWS', message.withdraws)
    if (message.context !== undefined) args.push('CONTEXT', message.context)
    if (message.requeued !== undefined) args.push('REQUEUED', message.requeued)
  }
  return args
}

export const policyTokens = (policy: Partial<RootPolicy>): Argument[] =>
  appendTokens([], Object.fromEntries(Object.entries(policy).map(([name, value]) => [name.toUpperCase(), value])))

/** How a worker that rests hears of what is due before. */
export interface Watching {
  /** Its name, 1 to 64 bytes. */
  worker: string
  /** Whether to send it an echo. */
  echo: boolean
  /** How long it rests at most, ms. */
  rest: number
}

/** What those tell who take what is due: who they are, and what they know of the root. */
export interface Taker {
  watching?: Watching | undefined
  /** Whether the root is known to serve no more. */
  drain?: boolean | undefined
  generation: number
}

export function takerTokens({ watching, drain, generation }: Taker): Argument[] {
  const args: Argument[] = watching ? ['WORKER', watching.worker, 'REST', watching.rest] : []
  if (watching?.echo) args.push('ECHO')
  if (drain) args.push('DRAIN')
  args.push(...generationTokens(generation))
  return args
}

/** By what change of partitions the caller has found the root; nothing in a queue that never had any. */
export const generationTokens = (generation: number): Argument[] => (generation > 0 ? ['GENERATION', generation] : [])

/** `LAYOUT` of a root that is to know it. */
export const layoutText = ({ serving, other }: Layout): string => [serving.count, serving.first, other.count, other.first].join(':')
