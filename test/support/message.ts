/** A message as a list holds it: `<receivedAt> <id length>[,R<number>.<position>][,T<context>][,W<wait>][,X<maxWait>][,S<maxSize>][,F] <id><data>`. */
export interface StoredMessage extends Overrides {
  /** Number of the batch with which it died first, and behind the point its position there. */
  died?: number
  receivedAt: number
  context?: string
  id: Buffer
  data: Buffer
}

/** What a message may ask for itself. */
export interface Overrides {
  wait?: number
  maxWait?: number
  maxSize?: number
  flush?: boolean
}

export interface BatchPolicy {
  wait: number
  maxWait: number
  maxSize: number
  maxBatchBytes?: number
}

const OPTIONS = { R: 'died', W: 'wait', X: 'maxWait', S: 'maxSize' } as const

export function readMessage(bytes: Buffer): StoredMessage {
  const header = /^(\d{13}) (\d+)((?:,(?:R\d+\.\d{4}|T[^ ,]+|[WXS]\d+|F))*) /.exec(bytes.toString('latin1'))
  if (!header) throw new Error(`not a message: ${bytes.toString('latin1').slice(0, 80)}`)
  const [written, receivedAt, length, options] = header as unknown as [string, string, string, string]
  const start = written.length + Number(length)
  const message: StoredMessage = { receivedAt: Number(receivedAt), id: bytes.subarray(written.length, start), data: bytes.subarray(start) }
  for (const option of options.split(',').slice(1)) {
    if (option === 'F') message.flush = true
    else if (option.startsWith('T')) message.context = option.slice(1)
    else message[OPTIONS[option[0] as keyof typeof OPTIONS]] = Number(option.slice(1))
  }
  return message
}

export interface Head {
  count: number
  deadline: number
  reason: 'wait' | 'maxWait' | 'size' | 'flush' | 'bytes'
}

/** `window`: of so many messages the last one tells when it is due, more than it has when they do not fit into it. */
export type OpenHead = Head & { window: number }

/**
 * The batch that the oldest of these messages make, as the documents promise it.
 *
 * @param listed whether a message of the key has, or had, options: then they are looked at one by one, as far as they fit into the batch
 */
export function headOf(
  messages: readonly (Overrides & { receivedAt: number; bytes?: number })[],
  policy: BatchPolicy,
  listed = false,
): OpenHead | undefined {
  const [first] = messages
  if (!first) return undefined
  const most = policy.maxBatchBytes ?? Number.POSITIVE_INFINITY
  let batch = { count: 0, quiet: 0, latest: 0 }
  let [bytes, fits] = [0, 0]
  let closed: { at: number; reason: 'size' | 'flush' } | undefined
  let full = false
  for (const { receivedAt, flush, bytes: own = 0, ...options } of messages) {
    if (closed) break
    const { wait, maxWait, maxSize } = { ...policy, ...options }
    const count = batch.count + 1
    bytes += own
    if (count === 1 || bytes <= most) fits = count
    if (count > maxSize) {
      // It found more in the batch than it allows: it opens the next one.
      closed = { at: receivedAt, reason: 'size' }
      break
    }
    // So does one that does not fit into it. Then the last of all, as far as a batch goes, tells when it is due.
    full = listed && fits < count
    if (full) {
      const window = Math.min(messages.length, policy.maxSize)
      const { flush, receivedAt: at, ...last } = messages[window - 1] as Overrides & { receivedAt: number }
      const own = { ...policy, ...last }
      if (flush || window >= own.maxSize) closed = { at, reason: flush ? 'flush' : 'size' }
      batch = { count: window, quiet: at + own.wait, latest: first.receivedAt + own.maxWait }
      break
    }
    batch = { count, quiet: receivedAt + wait, latest: first.receivedAt + maxWait }
    if (flush || count === maxSize) closed = { at: receivedAt, reason: flush ? 'flush' : 'size' }
  }
  const ends = [{ at: batch.quiet, reason: 'wait' as const }, ...(closed ? [closed] : []), { at: batch.latest, reason: 'maxWait' as const }]
  const { at, reason } = ends.reduce((earliest, end) => (end.at < earliest.at ? end : earliest))
  const cut = full || fits < batch.count
  // What was pushed by hand has no time.
  return {
    count: full ? fits : Math.min(batch.count, fits),
    deadline: Math.max(at, 1),
    reason: cut ? 'bytes' : reason,
    window: batch.count,
  }
}
