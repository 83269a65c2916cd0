import { createServer, type RequestListener, type Server } from 'node:http'

/** What strangers may take of a server. */
export const BOUNDS = {
  /** How long headers and a whole request may take, ms. */
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  /** How often Node looks whether one has taken longer, ms: by itself each half a minute, and so long they would be held. */
  connectionsCheckingInterval: 1000,
  /** Bytes. */
  maxHeaderSize: 16_384,
  /** Whoever comes when there are so many is turned away, and so is a peer that has half of them. */
  connections: 2000,
}

/** A server of HTTP that strangers may reach. */
export function createBoundedServer(listener: RequestListener, { connections, ...bounds } = BOUNDS): Server {
  const server = createServer(bounds, (request, response) => {
    // Node would read the rest of the body, however long, and here a GET has none that anybody looks at.
    response.once('finish', () => {
      if (request.method === 'GET' && !request.complete) request.socket.destroySoon()
    })
    listener(request, response)
  })
  server.maxConnections = connections
  const held = new Map<string, number>()
  server.on('connection', (socket) => {
    const peer = String(socket.remoteAddress)
    const count = (held.get(peer) ?? 0) + 1
    if (count > connections / 2) return void socket.destroy()
    held.set(peer, count)
    socket.once('close', () => {
      const left = (held.get(peer) ?? 0) - 1
      if (left > 0) held.set(peer, left)
      else held.delete(peer)
    })
  })
  return server
}
