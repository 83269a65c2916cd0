import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** The answer of a claim that has taken at least one batch: an array of the time, when to look next, and the batches. */
export const CLAIMED = /\*(?:[3-9]|\d\d+)\r\n:\d{13}\r\n:\d+\r\n\*/
/** The answer of a completion, of one batch at least. */
export const COMPLETED = /\*\d+\r\n(?:\$4\r\nlost\r\n)*\$9\r\ncompleted\r\n/

/** An answer that is on its way, and goes on or gets lost. */
export interface Caught {
  pass(): void
  /** Closes the connection, and the answer is lost. */
  cut(): void
}

/** The way of one process to a server, on which its answers can be caught. */
export class Way {
  readonly port: number
  readonly #listener: Server
  readonly #clients = new Set<Socket>()
  #awaited: { answer: RegExp; caught: (caught: Caught) => void } | undefined

  private constructor(listener: Server, to: number) {
    this.port = (listener.address() as { port: number }).port
    this.#listener = listener
    listener.on('connection', (client) => this.#lead(client, to))
  }

  static async to(port: number): Promise<Way> {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return new Way(listener, port)
  }

  #lead(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1')
    this.#clients.add(client)
    client.on('data', (bytes) => server.write(bytes))
    server.on('data', (bytes) => {
      const awaited = this.#awaited
      if (!awaited?.answer.test(bytes.toString('latin1'))) {
        client.write(bytes)
        return
      }
      this.#awaited = undefined
      server.pause()
      awaited.caught({
        pass: () => {
          client.write(bytes)
          server.resume()
        },
        cut: () => client.destroy(),
      })
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
    client.on('close', () => this.#clients.delete(client))
  }

  /** Catches the next answer like this one, which then waits for what is done with it; undefined when none comes. */
  catch(answer: RegExp, most = 5000): Promise<Caught | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#awaited = undefined
        resolve(undefined)
      }, most)
      this.#awaited = {
        answer,
        caught: (caught) => {
          clearTimeout(timer)
          resolve(caught)
        },
      }
    })
  }

  close(): void {
    this.#listener.close()
    for (const client of this.#clients) client.destroy()
  }
}
