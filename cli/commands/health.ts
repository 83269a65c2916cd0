import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ProcessEvents } from '../../src/events.ts'
import { CliError } from '../terminal/errors.ts'
import { answerScrape, type Scrape } from '../terminal/scrape.ts'
import { createBoundedServer } from '../terminal/server.ts'

/**
 * Answers `GET /healthz` and `GET /readyz`: 200 while healthy, else 503. For a process that does nothing without Redis they are the
 * same question. Returns false, and does nothing, for any other request.
 */
export function answerHealth(request: IncomingMessage, response: ServerResponse, isHealthy: () => boolean | Promise<boolean>): boolean {
  if (request.method !== 'GET' || !/^\/(healthz|readyz)$/.test(request.url ?? '')) return false
  void Promise.resolve(isHealthy()).then((healthy) => {
    response.writeHead(healthy ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(healthy ? 'ok\n' : 'Redis does not answer\n')
  })
  return true
}

/** A server for health and metrics alone. */
export async function serveHealth(
  port: number,
  host: string,
  isHealthy: () => boolean,
  scrape: Scrape,
  events: EventEmitter<ProcessEvents>,
): Promise<Server> {
  const server = createBoundedServer((request, response) => {
    if (!answerHealth(request, response, isHealthy) && !answerScrape(request, response, scrape)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new CliError(`port ${port} cannot be used for health: ${error.message}`)))
    server.listen(port, host, resolve)
  })
  events.emit('listening', { host, port: (server.address() as { port: number }).port, path: '/healthz' })
  // It must not keep a process alive that has nothing else to do.
  server.unref()
  return server
}
