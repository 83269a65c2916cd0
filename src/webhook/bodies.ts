import { Refusal } from './problem.ts'

/** A body that announces no more than this is read at one go, which is the fast way through every adapter, bytes. */
const SMALL = 65_536

/** A body that is being read. */
interface Arriving {
  readonly peer: string | undefined
  readonly since: number
  /** What has come, or may come without being seen. */
  bytes: number
  isDropped: boolean
  /** Tells the server, where it passes on bit by bit, that no more is wanted. */
  cancel: (() => void) | undefined
  drop(code: 'BODY_TOO_LARGE' | 'BODY_TOO_SLOW'): void
}

/**
 * Reads bodies, those of strangers too: a signature can only be checked when all has come. So a body has a largest size and a time, all bodies
 * together have a budget, and one peer has half of it. When that is used up, the body that comes slowest is dropped.
 */
export class Bodies {
  readonly #limit: number
  readonly #budget: number
  readonly #deadline: number
  readonly #arriving = new Set<Arriving>()
  #bytes = 0

  /**
   * @param limit largest body, bytes
   * @param budget of all bodies that are being read, bytes; at least twice the limit
   * @param deadline how long a body may take, ms
   */
  constructor(limit: number, budget: number, deadline: number) {
    this.#limit = limit
    this.#budget = budget
    this.#deadline = deadline
  }

  /**
   * @param peer who sends it, where that is known
   * @throws Refusal `BODY_TOO_LARGE`, `BODY_TOO_SLOW`, `BODY_UNREADABLE`
   */
  read(request: Request, peer: string | undefined): Promise<Uint8Array> {
    const announced = request.headers.get('content-length')
    const length = announced === null ? Number.POSITIVE_INFINITY : Number(announced)
    if (announced !== null && length > this.#limit) throw new Refusal('BODY_TOO_LARGE')
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer)
        this.#arriving.delete(body)
        this.#bytes -= body.bytes
        body.bytes = 0
        settle()
      }
      const body: Arriving = {
        ...{ peer, since: Date.now(), bytes: 0, isDropped: false, cancel: undefined },
        drop: (code) => {
          if (body.isDropped) return
          body.isDropped = true
          body.cancel?.()
          end(() => reject(new Refusal(code)))
        },
      }
      const timer = setTimeout(() => body.drop('BODY_TOO_SLOW'), this.#deadline)
      this.#arriving.add(body)
      // No more than the announced bytes are passed on by a server, so they are taken for there already.
      const read = length <= SMALL ? this.#readAtOnce(request, body, length) : this.#readStream(request, body)
      read.then(
        (bytes) => body.isDropped || end(() => resolve(bytes)),
        (cause) => body.isDropped || end(() => reject(cause instanceof Refusal ? cause : new Refusal('BODY_UNREADABLE', {}, { cause }))),
      )
    })
  }

  async #readAtOnce(request: Request, body: Arriving, length: number): Promise<Uint8Array> {
    this.#count(body, length)
    const bytes = new Uint8Array(await request.arrayBuffer())
    if (bytes.byteLength > this.#limit) throw new Refusal('BODY_TOO_LARGE')
    // Some adapters make an empty body of one that was read before.
    if (bytes.byteLength === 0 && length > 0) throw new Refusal('BODY_UNREADABLE')
    return bytes
  }

  async #readStream(request: Request, body: Arriving): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    if (!request.body) return Buffer.concat([])
    const reader = request.body.getReader()
    body.cancel = () => void reader.cancel().catch(() => {})
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      chunks.push(part.value)
      this.#count(body, part.value.byteLength)
      if (body.bytes > this.#limit) body.drop('BODY_TOO_LARGE')
      if (body.isDropped) break
    }
    return Buffer.concat(body.isDropped ? [] : chunks)
  }

  #count(body: Arriving, bytes: number): void {
    body.bytes += bytes
    this.#bytes += bytes
    if (body.peer !== undefined && this.#bytes > this.#budget / 2) {
      const { peer } = body
      const ofPeer = () => [...this.#arriving].filter((each) => each.peer === peer)
      this.#free(ofPeer, this.#budget / 2)
    }
    if (this.#bytes > this.#budget) this.#free(() => [...this.#arriving], this.#budget)
  }

  /** Drops the slowest of these until they have no more than `most` bytes. */
  #free(some: () => Arriving[], most: number): void {
    const now = Date.now()
    const speed = ({ bytes, since }: Arriving) => bytes / Math.max(1, now - since)
    for (let those = some(); those.reduce((sum, { bytes }) => sum + bytes, 0) > most; those = some()) {
      those.reduce((slowest, each) => (speed(each) < speed(slowest) ? each : slowest)).drop('BODY_TOO_SLOW')
    }
  }
}
