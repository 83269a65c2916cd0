import { checkFunction, ms, type Names, whole } from '../given.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import { exponentialBackoff, type Handler, type Logger, type ProcessorOptions } from './handler.ts'
import { TIMING, type Timing } from './timing.ts'

/** Options that were checked, with their defaults. */
export interface Settings {
  concurrency: number
  lease: number
  attempts: number
  timeout: number | undefined
  backoff: (attempt: number) => number
  logger: Logger
  timing: Timing
}

/** The options of a worker. */
export const WORKER_OPTIONS: Names<ProcessorOptions> = {
  concurrency: true,
  lease: true,
  attempts: true,
  backoff: true,
  timeout: true,
  logger: true,
  timing: true,
}

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** @throws RapidfireError `BAD_OPTION` */
export function settingsOf(handler: Handler<any>, options: ProcessorOptions): Settings {
  const { concurrency = 10, lease = OPTIONS.lease.default, attempts = OPTIONS.attempts.default, timeout } = options
  const { backoff = exponentialBackoff(), logger = QUIET, timing } = options
  checkFunction('the handler', handler)
  checkFunction('backoff', backoff)
  for (const level of ['debug', 'info', 'warn', 'error'] as const) checkFunction(`logger.${level}`, logger?.[level])
  return {
    concurrency: whole('concurrency', concurrency, OPTIONS.claimed),
    lease: ms('lease', lease, OPTIONS.lease),
    attempts: whole('attempts', attempts, OPTIONS.attempts),
    timeout: timeout === undefined ? undefined : ms('timeout', timeout, { most: 86_400_000 }),
    backoff,
    logger,
    timing: { ...TIMING, ...timing },
  }
}
