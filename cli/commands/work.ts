import { type Command, Option } from 'commander'
import type { Logger } from 'pino'
import { toBullmq } from '../../src/bullmq/index.ts'
import { RapidfireError } from '../../src/errors.ts'
import { toHttp } from '../../src/http/index.ts'
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
  secretEnv: string
  insecure?: true
  concurrency: number
  lease: number
  attempts: number
  timeout?: number
  wait?: number
  maxWait?: number
  maxSize?: number
  logContent?: true
}

/** The variable that has the secret of a receiver. */
const SECRET = 'RAPIDFIRE_RECEIVER_SECRET'

/** What help says above these options. */
const POLICY = 'Policy, stored for the queue:'

export function work(program: Command): void {
  const command = program
    .command('work')
    .summary('handle batches with a file of yours')
    .description('Calls the function that a JavaScript or TypeScript file exports with each batch when it is due.')
    .argument('[module]', 'the file; it exports the function by `export default`')
    .option(
      '--to <target>',
      'instead of a module: https://… posts batches to a receiver, stream:<name> moves them into a Redis Stream, bullmq:<queue> adds them as jobs',
    )
    .option('--secret-env <name>', 'the variable with the secret that posts are signed with; several, with blanks between them', SECRET)
    .option('--insecure', 'post to another machine by http:// all the same')
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
    const { handler, close } = await handlerOf(target, options)
    const policy = Object.fromEntries(Object.entries({ wait, maxWait, maxSize }).filter(([, value]) => value !== undefined))
    const redis = openClient(options.redis, cluster === true)
    redis.on('error', () => {}) // the worker, which has connections of its own, says it
    const rapidfire = new RapidFire<unknown>({ redis, queue, policy })
    const worker = rapidfire.worker(handler, workerOptions(options, target.kind === 'http', logger))
    await runUntilStopped(worker, options, { logger, content: options.logContent === true })
    await rapidfire.close()
    redis.disconnect()
    await close?.()
  })
}

interface Target {
  kind: 'module' | 'http' | 'stream' | 'bullmq'
  name: string
}

function targetOf(module: string | undefined, to: string | undefined): Target {
  if ((module === undefined) === (to === undefined)) throw new UsageError('give either a module or --to')
  if (module !== undefined) return { kind: 'module', name: module }
  if (/^https?:/i.test(to ?? '')) return { kind: 'http', name: to as string }
  const [, kind, name] = /^(stream|bullmq):(.+)$/s.exec(to ?? '') ?? []
  if (kind && name) return { kind: kind as 'stream' | 'bullmq', name }
  // What was meant for a URL may have a password.
  const given = to?.includes('//') ? 'another URL' : `'${to}'`
  throw new UsageError(`--to must be https://…, stream:<name> or bullmq:<queue>, got ${given}`)
}

async function handlerOf(
  { kind, name }: Target,
  options: WorkOptions,
): Promise<{ handler: Handler<unknown>; close?: () => Promise<void> }> {
  if (kind === 'bullmq') return bullmqHandler(name, options.redis)
  return { handler: kind === 'http' ? httpHandler(name, options) : await loadHandler(name) }
}

/** What `toHttp` refuses is said by the names that these things have here. */
function httpHandler(url: string, { secretEnv, timeout, insecure }: WorkOptions): Handler<unknown> {
  const secrets = (process.env[secretEnv] ?? '').split(/\s+/).filter((secret) => secret !== '')
  try {
    return toHttp(url, { secret: secrets, ...(timeout !== undefined && { timeout }), insecure: insecure === true })
  } catch (error) {
    if (!(error instanceof RapidfireError)) throw error
    const here = { 'insecure: true': '--insecure', 'the receiver cannot': '--to cannot', '^secret': secretEnv, '^timeout': '--timeout' }
    const text = Object.entries(here).reduce((said, [name, word]) => said.replace(new RegExp(name), word), error.message)
    throw new UsageError(secrets.length > 0 ? text : `${text}; make one: echo "whsec_$(openssl rand -base64 32)"`)
  }
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

/** @param posts whether `--timeout` is that of a request */
function workerOptions({ concurrency, lease, attempts, timeout }: WorkOptions, posts: boolean, logger: Logger): WorkerOptions {
  return { concurrency, lease, attempts, logger, ...(timeout === undefined || posts ? {} : { timeout }) }
}
