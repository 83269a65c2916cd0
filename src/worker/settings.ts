import { RapidfireError } from '../errors.ts'
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

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** @throws RapidfireError `BAD_OPTION` */
export function settingsOf(handler: Handler<any>, options: ProcessorOptions): Settings {
  const { concurrency = 10, lease = OPTIONS.lease.default, attempts = OPTIONS.attempts.default, timeout } = options
  const { backoff = exponentialBackoff(), logger = QUIET, timing } = options
  checkFunction('the handler', handler)
  checkFunction('backoff', backoff)
  return {
    concurrency: whole('concurrency', concurrency, OPTIONS.claimed),
    lease: whole('lease', lease, OPTIONS.lease),
    attempts: whole('attempts', attempts, OPTIONS.attempts),
    timeout: timeout === undefined ? undefined : whole('timeout', timeout, { least: 1, most: 86_400_000 }),
    backoff,
    logger,
    timing: { ...TIMING, ...timing },
  }
}

/** @throws RapidfireError `BAD_OPTION` */
export function whole(name: string, value: number, { least, most }: { least: number; most: number }): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RapidfireError('BAD_OPTION', `${name} must be an integer from ${least} to ${most}, got ${String(value)}`)
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new RapidfireError('BAD_OPTION', `${name} must be a function, got ${typeof value}`)
}
