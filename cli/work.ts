import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Command, Option } from 'commander'
import { type Logger, pino } from 'pino'
import type { Handler, WorkerOptions } from '../src/index.ts'
import { RapidFire } from '../src/rapidfire.ts'
import type { Worker } from '../src/worker.ts'
import { redisOption } from './connection.ts'
import { UsageError } from './errors.ts'
import { serveHealth } from './health.ts'
import { integerOption } from './options.ts'

interface WorkOptions {
  queue: string
  redis: string
  concurrency: number
  lease: number
  attempts: number
  timeout?: number
  closeTimeout: number
  wait?: number
  maxWait?: number
  maxSize?: number
  healthPort?: number
  healthHost: string
  logLevel: string
  logContent?: true
}

export function work(program: Command): void {
  program
    .command('work')
    .description('handle batches when they are due, with the default export of a JavaScript or TypeScript file')
    .argument('<module>', 'file whose default export is called with each batch')
    .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('default'))
    .addOption(redisOption())
    .addOption(integerOption('--concurrency <n>', 'handlers that run at once', 'RAPIDFIRE_CONCURRENCY', 1, 1000).default(10))
    .addOption(
      integerOption('--lease <ms>', 'how long a crashed worker keeps its batches', 'RAPIDFIRE_LEASE', 1, 86_400_000).default(30_000),
    )
    .addOption(integerOption('--attempts <n>', 'a batch that fails in this attempt is dead', 'RAPIDFIRE_ATTEMPTS', 1, 1000).default(5))
    .addOption(integerOption('--timeout <ms>', 'a handler that runs longer has failed', 'RAPIDFIRE_TIMEOUT', 1, 86_400_000))
    .addOption(
      integerOption('--close-timeout <ms>', 'how long a stop waits for handlers', 'RAPIDFIRE_CLOSE_TIMEOUT', 0, 86_400_000).default(25_000),
    )
    .addOption(integerOption('--wait <ms>', 'store this policy: quiet time', 'RAPIDFIRE_WAIT', 1, 31_536_000_000))
    .addOption(integerOption('--max-wait <ms>', 'store this policy: from the first message', 'RAPIDFIRE_MAX_WAIT', 1, 31_536_000_000))
    .addOption(integerOption('--max-size <n>', 'store this policy: messages a batch', 'RAPIDFIRE_MAX_SIZE', 1, 1000))
    .addOption(integerOption('--health-port <port>', 'answer /healthz and /readyz on this port', 'RAPIDFIRE_HEALTH_PORT', 0, 65_535))
    .addOption(new Option('--health-host <host>', 'and on this address').env('RAPIDFIRE_HEALTH_HOST').default('127.0.0.1'))
    .addOption(
      new Option('--log-level <level>', 'what is logged')
        .env('RAPIDFIRE_LOG_LEVEL')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .option('--log-content', 'log keys and messages too: they are personal data')
    .action(async (module: string, options: WorkOptions) => {
      const handler = await loadHandler(module)
      const { queue, redis, logLevel, wait, maxWait, maxSize } = options
      const logger = pino({ level: logLevel, base: { queue } })
      const policy = Object.fromEntries(Object.entries({ wait, maxWait, maxSize }).filter(([, value]) => value !== undefined))
      const rapidfire = new RapidFire<unknown>({ redis, queue, policy })
      const worker = rapidfire.worker(logged(handler, logger, options), workerOptions(options, logger))
      await runUntilStopped(worker, logger, options)
      await rapidfire.close()
    })
}

function workerOptions({ concurrency, lease, attempts, timeout }: WorkOptions, logger: Logger): WorkerOptions {
  return { concurrency, lease, attempts, logger, ...(timeout === undefined ? {} : { timeout }) }
}

/** The default export of a file. TypeScript is run by tsx, where Node cannot. */
async function loadHandler(module: string): Promise<Handler<unknown>> {
  const file = resolve(module)
  await access(file).catch(() => {
    throw new UsageError(`there is no file ${module}`)
  })
  const url = pathToFileURL(file).href
  let exported: { default?: unknown }
  if (/\.[cm]?tsx?$/.test(file)) {
    const tsx = await import('tsx/esm/api').catch(() => {
      throw new UsageError(`${module} is TypeScript: install tsx beside rapidfire (npm install tsx)`)
    })
    exported = await tsx.tsImport(url, import.meta.url)
  } else exported = await import(url)
  // A CommonJS file that was compiled from an ES module has its default export one deeper.
  const handler = (exported.default as { default?: unknown } | undefined)?.default ?? exported.default
  if (typeof handler !== 'function')
    throw new UsageError(`the default export of ${module} must be a function that takes a batch, got ${typeof handler}`)
  return handler as Handler<unknown>
}

/** One line for each attempt, without what people wrote unless `logContent` says so. */
function logged(handler: Handler<unknown>, logger: Logger, { logContent }: WorkOptions): Handler<unknown> {
  return async (batch, context) => {
    const started = Date.now()
    const { id, attempt, reason, messages, deadline } = batch
    const about = { batch: id, attempt, reason, messages: messages.length, late: started - deadline }
    const content = logContent ? { key: batch.key, content: messages.map(({ data }) => data) } : {}
    try {
      const result = await handler(batch, {
        signal: context.signal,
        extend: (ms) => context.extend(ms),
        log: logger.child({ batch: id, attempt }),
      })
      logger.info({ ...about, took: Date.now() - started, ...content }, 'handled')
      return result
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      logger.warn({ ...about, took: Date.now() - started, error: text, ...content }, 'failed')
      throw error
    }
  }
}

/** Runs the worker until SIGINT or SIGTERM; a second signal ends the process at once. */
async function runUntilStopped(worker: Worker, logger: Logger, options: WorkOptions): Promise<void> {
  worker.on('ready', () => {
    logger.info({ pid: process.pid, concurrency: options.concurrency }, 'ready')
    process.send?.('ready')
  })
  worker.on('dead', (batch) => logger.error({ batch: batch.id, attempt: batch.attempt }, 'dead: `rapidfire dead` shows it'))
  worker.on('lost', (batch) =>
    logger.warn({ batch: batch.id, attempt: batch.attempt }, 'lost: the lease ran out before the handler was done'),
  )
  worker.on('error', (error) => logger.error({ error: error.message }, 'cannot work'))
  const health =
    options.healthPort === undefined
      ? undefined
      : await serveHealth(options.healthPort, options.healthHost, () => worker.isHealthy(), logger)
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      logger.warn({ signal }, 'stopped at once')
      process.exit(1)
    }
    stopping = true
    logger.info({ signal, running: worker.running }, 'stopping')
    void worker.close({ timeout: options.closeTimeout })
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  await worker.run()
  health?.close()
  // PM2 talks to its processes over a channel that would keep this one alive.
  if (process.connected) process.disconnect()
  logger.info('stopped')
  process.off('SIGINT', stop).off('SIGTERM', stop)
}
