import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** For how long nothing more is sent or answered until answers arrive, ms: longer than a client takes to send all that it sends without waiting. */
const WAY = 10

/** Counts round trips over all its ways: how often something was sent after something was heard. What was asked together is heard together. */
export class Trips {
  #count = 0
  #waits = false
  /** Servers that owe an answer. */
  readonly #owing = new Set<Socket>()
  #answers: (() => void)[] = []
  #arrival?: NodeJS.Timeout

  /** A way to a server, for one test: a URL of the same server. */
  async to(url: string, listen: (accept: (client: Socket) => void) => Server = createServer): Promise<string> {
    const { hostname, port } = new URL(url)
    const sockets = new Set<Socket>()
    const listener = listen((client) => {
      const server = connect(Number(port), hostname)
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        sockets.add(one.setNoDelay(true))
        one.on('error', () => {}).on('close', () => other.destroy())
      }
      client.on('data', (bytes) => {
        if (!this.#waits) this.#count += 1
        this.#waits = true
        this.#owing.add(server)
        server.write(bytes)
      })
      server.on('data', (bytes) => {
        this.#owing.delete(server)
        this.#answers.push(() => client.destroyed || client.write(bytes))
        this.#arriveLater()
      })
      server.on('close', () => {
        if (this.#owing.delete(server)) this.#arriveLater()
      })
    }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    onTestFinished(() => {
      listener.close()
      for (const socket of sockets) socket.destroy()
    })
    return String(Object.assign(new URL(url), { port: (listener.address() as { port: number }).port }))
  }

  /** On a busy machine a timer may be late: what was sent meanwhile is read before. */
  #arriveLater() {
    clearTimeout(this.#arrival)
    this.#arrival = setTimeout(() => setImmediate(() => this.#arrive()), WAY)
  }

  #arrive() {
    if (this.#owing.size > 0) return
    this.#waits = false
    for (const arrive of this.#answers.splice(0)) arrive()
  }

  /** Round trips that something takes. */
  async of(work: () => Promise<unknown>): Promise<number> {
    this.#count = 0
    this.#waits = false
    await work()
    return this.#count
  }
}
