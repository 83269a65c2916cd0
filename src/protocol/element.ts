/** Where the parts of a message begin in its bytes. */
interface Header {
  receivedAt: number
  /** Whether options stand in the header. */
  special: boolean
  id: number
  data: number
}

const SPACE = 0x20
/** Digits of a time in ms since 1970. */
const TIME = 13

/**
 * Reads what stands before id and data of a message, as `lua/lib/message.lua` writes it: `<receivedAt> <id length>[,options] `. Undefined when
 * something else stands there, which another program has written. Byte by byte, since each message of each batch comes by here: to have the
 * blanks looked for costs more than all of this.
 */
export function readHeader(bytes: Buffer): Header | undefined {
  let at = 0
  const number = (most: number) => {
    let value = 0
    for (; at < most; at += 1) {
      const digit = (bytes[at] as number) - 0x30
      if (!(digit >= 0 && digit <= 9)) break
      value = value * 10 + digit
    }
    return value
  }
  const receivedAt = number(TIME)
  if (at !== TIME || bytes[TIME] !== SPACE) return undefined
  at += 1
  const length = number(bytes.length)
  if (at === TIME + 1) return undefined
  const special = bytes[at] !== SPACE
  while (at < bytes.length && bytes[at] !== SPACE) at += 1
  const id = at + 1
  return id + length > bytes.length ? undefined : { receivedAt, special, id, data: id + length }
}

interface Options {
  wait?: number
  maxWait?: number
  maxSize?: number
  flush?: boolean
  context?: string
}

/** The options that stand in the header of a message: those that hold for it alone. */
export function readOptions(bytes: Buffer, { special, id }: Header): Options {
  const options: Options = {}
  if (!special) return options
  for (const option of bytes
    .toString('latin1', TIME + 1, id - 1)
    .split(',')
    .slice(1)) {
    const value = Number(option.slice(1))
    if (option[0] === 'W') options.wait = value
    if (option[0] === 'X') options.maxWait = value
    if (option[0] === 'S') options.maxSize = value
    if (option[0] === 'F') options.flush = true
    if (option[0] === 'T') options.context = option.slice(1)
  }
  return options
}
