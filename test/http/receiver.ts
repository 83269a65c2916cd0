import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PostedBatch } from '../../src/http/index.ts'

export const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

/** One request that a receiver has got. */
export interface Delivery {
  headers: Record<string, string>
  body: string
  batch: PostedBatch<any>
}

export interface TestReceiver {
  url: string
  server: Server
  got: Delivery[]
}

const servers: Server[] = []

/** Ends those of a test: for its file to call after each. */
export function endReceivers(): void {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
}

/** A server that writes down what it gets and answers as it is told; without, with 204. */
export async function startReceiver(answer: RequestListener = (_, response) => response.writeHead(204).end()): Promise<TestReceiver> {
  const got: Delivery[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    got.push({ headers: request.headers as Record<string, string>, body, batch: body === '' ? undefined : JSON.parse(body) })
    answer(request, response)
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, got }
}
