import type { Command } from 'commander'
import type { ForwardOptions } from '../../src/batches/forward.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { OPTIONS } from '../../src/redis/generated/limits.ts'
import { openClient } from '../terminal/connection.ts'
import { loggerOf } from '../terminal/log.ts'
import { integerOption } from '../terminal/options.ts'
import { addHealthOptions, addRunOptions, type HealthOptions, type RunOptions, runUntilStopped } from '../terminal/run.ts'

interface ForwardCommandOptions extends RunOptions, HealthOptions {
  maxLength: number
  keep: number
}

export function forward(program: Command): void {
  const command = program
    .command('forward')
    .summary('move batches into a Redis Stream')
    .description('Moves batches into the Redis Stream rapid-fire:{queue}:stream:<stream> when they are due.')
    .argument('<stream>', 'name of the stream')
    .addOption(integerOption('--max-length <n>', 'most entries that are not acknowledged', 'RAPIDFIRE_MAX_LENGTH', OPTIONS.entries))
    .addOption(integerOption('--keep <ms>', 'how long entries stay that all groups have acknowledged', 'RAPIDFIRE_KEEP', OPTIONS.kept))
  addHealthOptions(addRunOptions(command)).action((stream: string, options: ForwardCommandOptions) => forwardTo(stream, options))
}

/** Forwards until the process is stopped. */
export async function forwardTo(stream: string, options: RunOptions & HealthOptions & ForwardOptions): Promise<void> {
  const { queue, maxLength, keep } = options
  const redis = openClient(options.redis, options.cluster === true)
  redis.on('error', () => {}) // the worker, which has connections of its own, says it
  const rapidfire = new RapidFire({ redis, queue })
  const forwarder = rapidfire.forwarder(stream, { ...(maxLength !== undefined && { maxLength }), ...(keep !== undefined && { keep }) })
  await runUntilStopped(forwarder, options, { logger: loggerOf(options) })
  await rapidfire.close()
  redis.disconnect()
}
