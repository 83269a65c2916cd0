import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** For how long an answer is on its way, ms: longer than a client takes to send all that it sends without waiting for one. */
const WAY = 10

/** Counts round trips over all its ways: how often something was sent after something was heard. */
export class Trips {
  #count = 0
  #waits = false

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
        server.write(bytes)
      })
      server.on('data', (bytes) => {
        const arrive = () => {
          this.#waits = false
          if (!client.destroyed) client.write(bytes)
        }
        // On a busy machine the timer may be late, and what was sent meanwhile is read before.
        setTimeout(() => setImmediate(arrive), WAY)
      })
    }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    onTestFinished(() => {
      listener.close()
      for (const socket of sockets) socket.destroy()
    })
    return String(Object.assign(new URL(url), { port: (listener.address() as { port: number }).port }))
  }

  /** Round trips that something takes. */
  async of(work: () => Promise<unknown>): Promise<number> {
    this.#count = 0
    this.#waits = false
    await work()
    return this.#count
  }
}
