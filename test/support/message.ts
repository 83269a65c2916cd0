/** A message as a list holds it: `<receivedAt> <id length>[,R<number>.<position>][,W<wait>][,X<maxWait>][,S<maxSize>][,F] <id><data>`. */
export interface StoredMessage extends Overrides {
  /** Number of the batch with which it died first, and behind the point its position there. */
  died?: number
  receivedAt: number
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
}

const OPTIONS = { R: 'died', W: 'wait', X: 'maxWait', S: 'maxSize' } as const

export function readMessage(bytes: Buffer): StoredMessage {
  const header = /^(\d{13}) (\d+)((?:,(?:R\d+\.\d{4}|[WXS]\d+|F))*) /.exec(bytes.toString('latin1'))
  if (!header) throw new Error(`not a message: ${bytes.toString('latin1').slice(0, 80)}`)
  const [written, receivedAt, length, options] = header as unknown as [string, string, string, string]
  const start = written.length + Number(length)
  const message: StoredMessage = { receivedAt: Number(receivedAt), id: bytes.subarray(written.length, start), data: bytes.subarray(start) }
  for (const option of options.split(',').slice(1)) {
    if (option === 'F') message.flush = true
    else message[OPTIONS[option[0] as keyof typeof OPTIONS]] = Number(option.slice(1))
  }
  return message
}

export interface Head {
  count: number
  deadline: number
  reason: 'wait' | 'maxWait' | 'size' | 'flush'
}

/** The batch that the oldest of these messages make, as the documents promise it. */
export function headOf(messages: readonly (Overrides & { receivedAt: number })[], policy: BatchPolicy): Head | undefined {
  const [first] = messages
  if (!first) return undefined
  let batch = { count: 0, quiet: 0, latest: 0 }
  let closed: { at: number; reason: 'size' | 'flush' } | undefined
  for (const { receivedAt, flush, ...options } of messages) {
    if (closed) break
    const own = { ...policy, ...options }
    const count = batch.count + 1
    if (count > own.maxSize) {
      // It found more in the batch than it allows: it opens the next one.
      closed = { at: receivedAt, reason: 'size' }
      break
    }
    batch = { count, quiet: receivedAt + own.wait, latest: first.receivedAt + own.maxWait }
    if (flush || count === own.maxSize) closed = { at: receivedAt, reason: flush ? 'flush' : 'size' }
  }
  const ends = [{ at: batch.quiet, reason: 'wait' as const }, ...(closed ? [closed] : []), { at: batch.latest, reason: 'maxWait' as const }]
  const { at, reason } = ends.reduce((earliest, end) => (end.at < earliest.at ? end : earliest))
  // What was pushed by hand has no time.
  return { count: batch.count, deadline: Math.max(at, 1), reason }
}
