import { type Command, Option } from 'commander'
import type { Logger } from 'pino'
import { toBullmq } from '../../src/bullmq/index.ts'
import type { Handler, WorkerOptions } from '../../src/index.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { OPTIONS } from '../../src/redis/generated/limits.ts'
import { openClient, serverOf } from '../terminal/connection.ts'
import { UsageError } from '../terminal/errors.ts'
import { loggerOf } from '../terminal/log.ts'
import { needed } from '../terminal/needed.ts'
import { integerOption } from '../terminal/options.ts'
import { addHealthOptions, addRunOptions, type HealthOptions, type RunOptions, runUntilStopped } from '../terminal/run.ts'
import { forwardTo } from './forward.ts'
import { loadHandler } from './handler.ts'

interface WorkOptions extends RunOptions, HealthOptions {
  to?: string
  concurrency: number
  lease: number
  attempts: number
  timeout?: number
  wait?: number
  maxWait?: number
  maxSize?: number
  logContent?: true
}

/** What help says above these options. */
const POLICY = 'Policy, stored for the queue:'

export function work(program: Command): void {
  const command = program
    .command('work')
    .summary('handle batches with a file of yours')
    .description('Calls the function that a JavaScript or TypeScript file exports with each batch when it is due.')
    .argument('[module]', 'the file; it exports the function by `export default`')
    .option('--to <target>', 'instead of a module: stream:<name> moves batches into a Redis Stream, bullmq:<queue> adds them as jobs')
    .addOption(
      integerOption('--concurrency <n>', 'handlers that run at once', 'RAPIDFIRE_CONCURRENCY', { ...OPTIONS.claimed, default: 10 }),
    )
    .addOption(integerOption('--lease <ms>', 'how long a crashed worker keeps its batches', 'RAPIDFIRE_LEASE', OPTIONS.lease))
    .addOption(integerOption('--attempts <n>', 'a batch that fails in this attempt is dead', 'RAPIDFIRE_ATTEMPTS', OPTIONS.attempts))
    .addOption(
      integerOption('--timeout <ms>', 'a handler that runs longer has failed', 'RAPIDFIRE_TIMEOUT', { least: 1, most: 86_400_000 }),
    )
    .addOption(integerOption('--wait <ms>', 'quiet time after the last message', 'RAPIDFIRE_WAIT', OPTIONS.wait).helpGroup(POLICY))
    .addOption(
      integerOption('--max-wait <ms>', 'time from the first message at most', 'RAPIDFIRE_MAX_WAIT', OPTIONS.maxWait).helpGroup(POLICY),
    )
    .addOption(integerOption('--max-size <n>', 'messages a batch at most', 'RAPIDFIRE_MAX_SIZE', OPTIONS.maxSize).helpGroup(POLICY))
    .addOption(new Option('--log-content', 'log keys and messages too: they are personal data').helpGroup('Process:'))
  addHealthOptions(addRunOptions(command)).action(async (module: string | undefined, options: WorkOptions) => {
    const target = targetOf(module, options.to)
    if (target.kind === 'stream') return forwardTo(target.name, options)
    const { queue, wait, maxWait, maxSize, cluster } = options
    const logger = loggerOf(options)
    if (cluster && target.kind === 'bullmq') throw new UsageError('--to bullmq needs a server that is no cluster')
    const { handler, close } =
      target.kind === 'bullmq' ? await bullmqHandler(target.name, options.redis) : { handler: await loadHandler(target.name) }
    const policy = Object.fromEntries(Object.entries({ wait, maxWait, maxSize }).filter(([, value]) => value !== undefined))
    const redis = openClient(options.redis, cluster === true)
    redis.on('error', () => {}) // the worker, which has connections of its own, says it
    const rapidfire = new RapidFire<unknown>({ redis, queue, policy })
    const worker = rapidfire.worker(handler, workerOptions(options, logger))
    await runUntilStopped(worker, options, { logger, content: options.logContent === true })
    await rapidfire.close()
    redis.disconnect()
    await close?.()
  })
}

function targetOf(module: string | undefined, to: string | undefined): { kind: 'module' | 'stream' | 'bullmq'; name: string } {
  if ((module === undefined) === (to === undefined)) throw new UsageError('give either a module or --to')
  if (module !== undefined) return { kind: 'module', name: module }
  const [, kind, name] = /^(stream|bullmq):(.+)$/s.exec(to ?? '') ?? []
  if (!kind || !name) throw new UsageError(`--to must be stream:<name> or bullmq:<queue>, got '${to}'`)
  return { kind: kind as 'stream' | 'bullmq', name }
}

async function bullmqHandler(name: string, url: string): Promise<{ handler: Handler<unknown>; close: () => Promise<void> }> {
  const { Queue } = await needed('--to bullmq', 'bullmq', () => import('bullmq'))
  // A client, since only the newest BullMQ takes a URL: the others would fill the queue of another server.
  // It has a prefix of its own, and refuses that of a client.
  const connection = openClient(serverOf(url).replace(/\bkeyPrefix=[^&]*&?/, ''), false)
  const jobs = new Queue(name, { connection })
  // What fails is told by the batch that fails.
  connection.on('error', () => {})
  jobs.on('error', () => {})
  const close = async () => {
    await jobs.close()
    connection.disconnect()
  }
  return { handler: toBullmq(jobs), close }
}

function workerOptions({ concurrency, lease, attempts, timeout }: WorkOptions, logger: Logger): WorkerOptions {
  return { concurrency, lease, attempts, logger, ...(timeout === undefined ? {} : { timeout }) }
}
