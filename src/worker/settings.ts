import { RapidfireError } from '../errors.ts'
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
  const { concurrency = 10, lease = 30_000, attempts = 5, timeout, backoff = exponentialBackoff(), logger = QUIET, timing } = options
  checkFunction('the handler', handler)
  checkFunction('backoff', backoff)
  return {
    concurrency: whole('concurrency', concurrency, 1, 1000),
    lease: whole('lease', lease, 1, 86_400_000),
    attempts: whole('attempts', attempts, 1, 1000),
    timeout: timeout === undefined ? undefined : whole('timeout', timeout, 1, 86_400_000),
    backoff,
    logger,
    timing: { ...TIMING, ...timing },
  }
}

/** @throws RapidfireError `BAD_OPTION` */
export function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RapidfireError('BAD_OPTION', `${name} must be an integer from ${least} to ${most}, got ${String(value)}`)
}

function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new RapidfireError('BAD_OPTION', `${name} must be a function, got ${typeof value}`)
}
