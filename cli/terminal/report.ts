import { constants } from 'node:os'
import { inspect } from 'node:util'
import { CommanderError } from 'commander'
import { bare, RapidfireError } from '../../src/errors.ts'
import { CliError, Interrupted, UsageError } from './errors.ts'
import { printableLines } from './format.ts'

/** Says what went wrong; returns the exit code. */
export function report(error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof Interrupted) return 128 + constants.signals[error.signal]
  const wrongUsage = error instanceof UsageError || (error instanceof RapidfireError && /^BAD_(QUEUE|OPTION)$/.test(error.code))
  const expected = error instanceof CliError || error instanceof RapidfireError || (error as Error)?.name === 'ReplyError'
  // Anything else is a defect of ours: the stack says where.
  console.error(printableLines(expected ? `rapidfire: ${(error as Error).message}` : inspect(bare(error))))
  return wrongUsage ? 2 : 1
}
