import { type Command, InvalidArgumentError, Option } from 'commander'
import { LANGUAGES } from '../demo/conversation.ts'
import { type DemoOptions, run } from '../demo/demo.ts'
import { Interrupted } from '../terminal/errors.ts'

export function demo(program: Command): void {
  program
    .command('demo')
    .summary('see four messages come out as one')
    .description('Replays a real conversation against a throw-away Redis: its four messages come out as one.')
    .option('--speed <factor>', 'how many times faster than in life, 0.1 to 100', toSpeed, 10)
    .addOption(
      new Option('--lang <language>', 'of its words: en, with a gloss of what is said, or ru')
        .choices(Object.keys(LANGUAGES))
        .default('en'),
    )
    .action(async (options: DemoOptions) => {
      const stop = new AbortController()
      const interrupt = (signal: NodeJS.Signals) => stop.abort(new Interrupted(signal))
      process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
      try {
        await run(options, stop)
      } catch (error) {
        if (!stop.signal.aborted) throw error
        // What fails after a stop fails because of it: Ctrl-C reaches the server and the worker too.
        if (process.stdout.isTTY) process.stdout.write('\n')
        throw stop.signal.reason
      } finally {
        process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
      }
    })
}

function toSpeed(text: string): number {
  const speed = Number(text)
  if (text.trim() !== '' && speed >= 0.1 && speed <= 100) return speed
  throw new InvalidArgumentError('It must be a number from 0.1 to 100.')
}
