import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

interface Line {
  client: Socket
  server: Socket
  /** Everything that the client has sent, in lower case. */
  sent: string
}

interface Hooks {
  /** Sees what a client sends before the server does. */
  send?: (line: Line) => unknown
  /** Sees that the server has answered before the client does. */
  reply?: (line: Line, bytes: Buffer) => unknown
  /** So many bytes of what the server says are let through in 100 ms. */
  slow?: number
}

/** A way to a server that can be broken, for one test. */
export async function proxyTo(url: string, hooks: Hooks | Hooks['send'] = {}) {
  const { send, reply, slow }: Hooks = typeof hooks === 'function' ? { send: hooks } : hooks
  let target = url
  let silent = false
  let held: (() => void)[] | undefined
  const lines: Line[] = []
  const listener = createServer((client) => {
    const { hostname, port } = new URL(target)
    const server = connect(Number(port), hostname)
    // Else a message behind a reply waits for 40 ms, which is long where the test holds time.
    for (const socket of [client, server]) socket.setNoDelay(true)
    const line: Line = { client, server, sent: '' }
    lines.push(line)
    if (silent) client.resume()
    else {
      client.on('data', (bytes) => {
        line.sent += bytes.toString('latin1').toLowerCase()
        send?.(line)
        server.write(bytes)
      })
    }
    let late = Buffer.alloc(0)
    const pass = (bytes: Buffer) => {
      if (client.destroyed || silent) return
      if (slow) late = Buffer.concat([late, bytes])
      else client.write(bytes)
    }
    server.on('data', (bytes) => {
      reply?.(line, bytes)
      if (held) held.push(() => pass(bytes))
      else pass(bytes)
    })
    const timer =
      slow &&
      setInterval(() => {
        if (late.length === 0 || client.destroyed) return
        client.write(late.subarray(0, slow))
        late = late.subarray(slow)
      }, 100)
    client.on('close', () => clearInterval(timer))
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const open = (what: string) => lines.filter(({ client, sent }) => !client.destroyed && sent.includes(what))
  onTestFinished(() => {
    listener.close()
    for (const { client } of lines) client.destroy()
  })
  return {
    url: String(Object.assign(new URL(target), { port: (listener.address() as { port: number }).port })),
    /** Carries nothing more of the connections that have sent `what`, and says nothing of it. */
    stall(what: string): void {
      for (const { client, server } of open(what)) {
        client.removeAllListeners('data').resume()
        server.removeAllListeners('data').resume()
      }
    },
    /** Carries nothing any more, also of connections that are made now, and says nothing of it; or does so again for those made from now on. */
    silence(on = true): void {
      silent = on
      if (on) this.stall('')
    },
    /** Keeps back what the server says. */
    hold(): void {
      held ??= []
    },
    /** Whether it has kept something back. */
    get holds(): boolean {
      return held !== undefined && held.length > 0
    },
    /** Hands over what was kept back, and the rest at once. */
    letGo(): void {
      const said = held ?? []
      held = undefined
      for (const say of said) say()
    },
    /** Takes new connections to another server. */
    leadTo(other: string): void {
      target = other
    },
    /** Closes the connections that have sent `what`. */
    cut(what: string): void {
      for (const { client } of open(what)) client.destroy()
    },
  }
}
