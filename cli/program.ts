import { Command } from 'commander'
import { SOURCE } from '../src/redis/source.ts'
import { check } from './commands/check.ts'
import { dead } from './commands/dead.ts'
import { demo } from './commands/demo.ts'
import { doctor } from './commands/doctor.ts'
import { erase } from './commands/erase.ts'
import { forward } from './commands/forward.ts'
import { init } from './commands/init.ts'
import { load } from './commands/load.ts'
import { metrics } from './commands/metrics.ts'
import { policy } from './commands/policy.ts'
import { search } from './commands/search.ts'
import { serve } from './commands/serve.ts'
import { stats } from './commands/stats.ts'
import { tail } from './commands/tail.ts'
import { trace } from './commands/trace.ts'
import { work } from './commands/work.ts'
import { printableLines } from './terminal/format.ts'

/** The commands as help groups them. */
const GROUPS = {
  'Run until stopped:': [serve, work, forward],
  'Look into a queue, and change it:': [stats, metrics, tail, trace, search, policy, dead, erase, check],
  'Set up:': [demo, doctor, load, init],
}

export function createProgram(): Command {
  const program = new Command('rapidfire')
    .description('Collects the burst of messages of one conversation in Redis and hands it over as one batch.')
    .version(SOURCE.version)
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(printableLines(text)) })
    .configureHelp({
      // In a narrow terminal too the text stands in a column of its own.
      minWidthToWrap: 20,
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(usageOf)].join(' '),
    })
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage.')
  for (const [heading, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(heading)
    for (const add of commands) add(program)
  }
  return program.helpCommand('help [command]', 'tell the options of a command')
}

const usageOf = (argument: { name(): string; required: boolean; variadic: boolean }) => {
  const name = argument.name() + (argument.variadic ? '...' : '')
  return argument.required ? `<${name}>` : `[${name}]`
}
