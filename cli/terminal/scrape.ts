import type { IncomingMessage, ServerResponse } from 'node:http'
import { RapidfireError } from '../../src/errors.ts'
import { CONTENT_TYPE } from '../../src/metrics/index.ts'
import { tokenCheck } from '../../src/webhook/proofs.ts'
import { UsageError } from './errors.ts'

/** The variable with the token of the statistics. */
export const STATS_TOKEN = 'RAPIDFIRE_STATS_TOKEN'

/** What a scrape is answered with, and who gets it. */
export interface Scrape {
  mayRead(authorization: string | null): boolean
  text(): string | Promise<string>
}

/**
 * Who may read statistics: whoever brings the token.
 *
 * @param isOpen whether everybody may when there is no token
 * @throws UsageError when the variable is set, and empty
 */
export function readers(isOpen: boolean, env: NodeJS.ProcessEnv = process.env): Scrape['mayRead'] {
  const token = env[STATS_TOKEN]
  if (token === '') throw new UsageError(`${STATS_TOKEN} is set, and empty: give it a value, or take it away`)
  return token === undefined ? () => isOpen : tokenCheck(`Bearer ${token}`)
}

/** Answers `GET /metrics`. Returns false, and does nothing, for any other request. */
export function answerScrape(request: IncomingMessage, response: ServerResponse, { mayRead, text }: Scrape): boolean {
  if (request.method !== 'GET' || !/^\/metrics(\?|$)/.test(request.url ?? '')) return false
  if (!mayRead(request.headers.authorization ?? null)) {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
    return true
  }
  // A target that answers 503 is down to Prometheus, and nothing that is old or in part is taken for what is.
  const answer = (status: number, type: string, body: string) =>
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  void (async () => text())().then(
    (body) => answer(200, CONTENT_TYPE, body),
    (error) =>
      answer(503, 'text/plain; charset=utf-8', `${error instanceof RapidfireError ? error.message : 'Something is wrong here.'}\n`),
  )
  return true
}
