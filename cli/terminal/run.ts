import { EventEmitter } from 'node:events'
import { type Command, Option } from 'commander'
import type { Logger } from 'pino'
import type { ProcessEvents } from '../../src/events.ts'
import { WorkerMetrics } from '../../src/metrics/index.ts'
import type { Worker } from '../../src/worker/worker.ts'
import { serveHealth } from '../commands/health.ts'
import { redisOption } from './connection.ts'
import { logEvents } from './log.ts'
import { integerOption } from './options.ts'
import { queueOption } from './queue.ts'
import { readers } from './scrape.ts'

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

/** Where a process logs, and whether keys and messages too. */
export interface Log {
  logger: Logger
  content?: boolean
}

/** What help says above options. */
const SERVER = 'Queue and server:'
const PROCESS = 'Process:'

export function addRunOptions(command: Command): Command {
  return command
    .addOption(queueOption().helpGroup(SERVER))
    .addOption(redisOption().helpGroup(SERVER))
    .addOption(new Option('--cluster', 'the server is a node of a cluster').env('RAPIDFIRE_CLUSTER').helpGroup(SERVER))
    .addOption(
      integerOption('--close-timeout <ms>', 'how long a stop waits for what runs', 'RAPIDFIRE_CLOSE_TIMEOUT', {
        least: 0,
        most: 86_400_000,
        default: 25_000,
      }).helpGroup(PROCESS),
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged')
        .env('RAPIDFIRE_LOG_LEVEL')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info')
        .helpGroup(PROCESS),
    )
}

/** Options of the commands that listen for nothing else. */
export function addHealthOptions(command: Command): Command {
  return command
    .addOption(
      integerOption('--health-port <port>', 'answer /healthz, /readyz and /metrics on this port', 'RAPIDFIRE_HEALTH_PORT', {
        least: 0,
        most: 65_535,
      }).helpGroup(PROCESS),
    )
    .addOption(
      new Option('--health-host <host>', 'and on this address').env('RAPIDFIRE_HEALTH_HOST').default('127.0.0.1').helpGroup(PROCESS),
    )
}

/** Resolves at SIGINT or SIGTERM; a second one ends the process at once. */
export function untilSignal(events: EventEmitter<ProcessEvents>): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    const stop = (signal: NodeJS.Signals) => {
      if (stopping) {
        events.emit('killed', signal)
        process.exit(1)
      }
      stopping = true
      events.emit('stopping', signal)
      resolve()
    }
    process.on('SIGINT', stop).on('SIGTERM', stop)
  })
}

/** Runs the worker until the process is told to stop. */
export async function runUntilStopped(worker: Worker<any>, options: RunOptions & HealthOptions, log: Log): Promise<void> {
  const events = new EventEmitter<ProcessEvents>()
  logEvents(log.logger, [worker, events], log)
  worker.on('ready', () => process.send?.('ready'))
  const { healthPort, healthHost } = options
  const serve = (port: number) => {
    const metrics = new WorkerMetrics(worker)
    const scrape = { mayRead: readers(true), text: () => metrics.render() }
    return serveHealth(port, healthHost, () => worker.isHealthy(), scrape, events)
  }
  const health = healthPort === undefined ? undefined : await serve(healthPort)
  const ended = worker.run()
  await untilSignal(events)
  await worker.close({ timeout: options.closeTimeout })
  await ended
  health?.close()
  // PM2 talks to its processes over a channel that would keep this one alive.
  if (process.connected) process.disconnect()
  events.emit('stopped')
}
