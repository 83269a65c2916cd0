import { type Command, Option } from 'commander'
import { type Logger, pino } from 'pino'
import type { Worker } from '../../src/worker/worker.ts'
import { serveHealth } from '../commands/health.ts'
import { redisOption } from './connection.ts'
import { integerOption } from './options.ts'

/** Options of every command that runs until it is stopped. */
export interface RunOptions {
  queue: string
  redis: string
  cluster?: true
  closeTimeout: number
  logLevel: string
}

export interface HealthOptions {
  healthPort?: number
  healthHost: string
}

export function addRunOptions(command: Command): Command {
  return command
    .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('default'))
    .addOption(redisOption())
    .addOption(new Option('--cluster', 'the server is a node of a cluster').env('RAPIDFIRE_CLUSTER'))
    .addOption(
      integerOption('--close-timeout <ms>', 'how long a stop waits for what runs', 'RAPIDFIRE_CLOSE_TIMEOUT', {
        least: 0,
        most: 86_400_000,
        default: 25_000,
      }),
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged')
        .env('RAPIDFIRE_LOG_LEVEL')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
}

/** Options of the commands that listen for nothing else. */
export function addHealthOptions(command: Command): Command {
  return command
    .addOption(
      integerOption('--health-port <port>', 'answer /healthz and /readyz on this port', 'RAPIDFIRE_HEALTH_PORT', {
        least: 0,
        most: 65_535,
      }),
    )
    .addOption(new Option('--health-host <host>', 'and on this address').env('RAPIDFIRE_HEALTH_HOST').default('127.0.0.1'))
}

export const loggerOf = ({ queue, logLevel }: RunOptions): Logger => pino({ level: logLevel, base: { queue } })

/** Resolves at SIGINT or SIGTERM; a second one ends the process at once. */
export function untilSignal(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    const stop = (signal: NodeJS.Signals) => {
      if (stopping) {
        logger.warn({ signal }, 'stopped at once')
        process.exit(1)
      }
      stopping = true
      logger.info({ signal }, 'stopping')
      resolve()
    }
    process.on('SIGINT', stop).on('SIGTERM', stop)
  })
}

/** Runs the worker until the process is told to stop. */
export async function runUntilStopped(worker: Worker<any>, logger: Logger, options: RunOptions & HealthOptions): Promise<void> {
  worker.on('ready', () => {
    logger.info({ pid: process.pid }, 'ready')
    process.send?.('ready')
  })
  worker.on('forwarded', (batches) => logger.info({ batches }, 'forwarded'))
  worker.on('dead', (batch) => logger.error({ batch: batch.id, attempt: batch.attempt }, 'dead: `rapidfire dead` shows it'))
  worker.on('lost', (batch) =>
    logger.warn({ batch: batch.id, attempt: batch.attempt }, 'lost: the lease ran out before the handler was done'),
  )
  worker.on('error', (error) => logger.error({ error: error.message }, 'cannot work'))
  const health =
    options.healthPort === undefined
      ? undefined
      : await serveHealth(options.healthPort, options.healthHost, () => worker.isHealthy(), logger)
  const ended = worker.run()
  await untilSignal(logger)
  await worker.close({ timeout: options.closeTimeout })
  await ended
  health?.close()
  // PM2 talks to its processes over a channel that would keep this one alive.
  if (process.connected) process.disconnect()
  logger.info('stopped')
}
