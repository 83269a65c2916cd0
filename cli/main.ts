#!/usr/bin/env node
import { constants } from 'node:os'
import { Command, CommanderError } from 'commander'
import { bare, RapidfireError } from '../src/errors.ts'
import { SOURCE } from '../src/redis/source.ts'
import { check } from './commands/check.ts'
import { dead } from './commands/dead.ts'
import { demo } from './commands/demo.ts'
import { doctor } from './commands/doctor.ts'
import { erase } from './commands/erase.ts'
import { forward } from './commands/forward.ts'
import { init } from './commands/init.ts'
import { load } from './commands/load.ts'
import { policy } from './commands/policy.ts'
import { serve } from './commands/serve.ts'
import { stats } from './commands/stats.ts'
import { work } from './commands/work.ts'
import { CliError, Interrupted, UsageError } from './terminal/errors.ts'
import { printable } from './terminal/format.ts'

const program = new Command('rapidfire')
  .description('Collects the burst of messages of one conversation in Redis and hands it over as one batch.')
  .version(SOURCE.version)
  .exitOverride()
  .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage.')
for (const add of [serve, work, forward, stats, policy, dead, erase, check, doctor, load, init, demo]) add(program)

// `rapidfire load --print | head` closes the pipe early, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

// The exit code is set and never forced, so that what was written to a pipe arrives.
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** Says what went wrong; returns the exit code. */
function report(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof Interrupted) return 128 + constants.signals[error.signal]
  const wrongUsage = error instanceof UsageError || (error instanceof RapidfireError && /^BAD_(QUEUE|OPTION)$/.test(error.code))
  const expected = error instanceof CliError || error instanceof RapidfireError || (error as Error)?.name === 'ReplyError'
  // Anything else is a defect of ours: the stack says where.
  console.error(expected ? `rapidfire: ${(error as Error).message.split('\n').map(printable).join('\n')}` : bare(error))
  return wrongUsage ? 2 : 1
}
