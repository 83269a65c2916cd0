/** A message as a list holds it: `<receivedAt> <id length>[,W<wait>][,X<maxWait>][,S<maxSize>][,F] <id><data>`. */
export interface StoredMessage extends Overrides {
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

const OPTIONS = { W: 'wait', X: 'maxWait', S: 'maxSize' } as const

export function readMessage(bytes: Buffer): StoredMessage {
  const header = /^(\d{13}) (\d+)((?:,(?:[WXS]\d+|F))*) /.exec(bytes.toString('latin1'))
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
  let open: Head | undefined
  for (const [n, message] of messages.entries()) {
    const own = { ...policy, ...message }
    // It found more in the batch than it allows, so it opens the next one; the batch before it does not wait any longer.
    if (open && n + 1 > own.maxSize) {
      return message.receivedAt < open.deadline ? { ...open, deadline: message.receivedAt, reason: 'size' } : open
    }
    const latest = first.receivedAt + own.maxWait
    const closed = message.flush ? 'flush' : n + 1 === own.maxSize ? 'size' : undefined
    const deadline = closed ? message.receivedAt : message.receivedAt + own.wait
    open = { count: n + 1, deadline: Math.min(deadline, latest), reason: deadline > latest ? 'maxWait' : (closed ?? 'wait') }
    if (closed) break
  }
  return open
}
