import type { Command } from 'commander'
import type { Redis } from 'ioredis'
import { toRapidfireError } from '../../src/errors.ts'
import { connect } from '../../src/redis/connection.ts'
import { Loader, loadedVersion } from '../../src/redis/loader.ts'
import { SOURCE } from '../../src/redis/source.ts'
import { addressOf, primaries, redisOption, withRedis } from '../terminal/connection.ts'
import { CliError } from '../terminal/errors.ts'
import { printable } from '../terminal/format.ts'

export function load(program: Command): void {
  program
    .command('load')
    .summary('load the Lua library into Redis')
    .description('Loads the Lua library into Redis, or updates it. A newer one is left as it is.')
    .addOption(redisOption())
    .option('--print', 'print the library for `redis-cli -x FUNCTION LOAD REPLACE` and do nothing else')
    .action(async (options: { redis: string; print?: true }) => {
      if (options.print) return void process.stdout.write(SOURCE.library)
      await withRedis(options.redis, async (redis) => {
        const failures: string[] = []
        for (const server of primaries(redis)) {
          try {
            console.log(printable(`${addressOf(server)}  ${await loadOn(server)}`))
          } catch (error) {
            failures.push(`${addressOf(server)}: ${toRapidfireError(error, 'rapidfire load').message}`)
          }
        }
        if (failures.length > 0) throw new CliError(failures.join('\n'))
      })
    })
}

/** Says in words what was done. */
async function loadOn(server: Redis): Promise<string> {
  const connection = connect(server)
  const loader = new Loader(connection, {})
  // What keeps the version from being asked keeps the library from being loaded, and is reported then.
  const before = await loadedVersion(connection.send).catch(() => undefined)
  await loader.start()
  if (loader.binding === 'scripts') return 'has no Functions: clients send scripts, there is nothing to load'
  const after = await loadedVersion(connection.send)
  if (before === undefined) return `loaded ${after}`
  if (before !== after) return `updated ${before} to ${after}`
  return after === SOURCE.version ? `has ${after} already` : `has ${after}, newer than ${SOURCE.version}: left as it is`
}
