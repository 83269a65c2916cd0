import { createServer, type Server } from 'node:http'
import type { Logger } from 'pino'
import { CliError } from './errors.ts'

/**
 * Answers `/healthz` and `/readyz` with 200 while `isHealthy` says so, and with 503 otherwise. For one that works they are the same
 * question: whether Redis answers.
 */
export async function serveHealth(port: number, host: string, isHealthy: () => boolean, logger: Logger): Promise<Server> {
  const server = createServer((request, response) => {
    const known = request.method === 'GET' && /^\/(healthz|readyz)$/.test(request.url ?? '')
    const healthy = isHealthy()
    response.writeHead(known ? (healthy ? 200 : 503) : 404, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(known ? (healthy ? 'ok\n' : 'Redis does not answer\n') : 'not found\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new CliError(`port ${port} cannot be used for health: ${error.message}`)))
    server.listen(port, host, resolve)
  })
  const address = server.address() as { port: number }
  logger.info({ host, port: address.port }, 'health is answered')
  // Must not keep a process alive that has nothing else to do.
  server.unref()
  return server
}
