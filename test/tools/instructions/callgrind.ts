import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { findServer, startRedis } from '../../../cli/demo/private-redis.ts'
import { buildOf } from '../bench/machine.ts'

const run = promisify(execFile)

/** A Redis whose machine instructions are counted. */
export interface CountedRedis {
  redis: Redis
  /** Which build of Redis it is: others need other numbers of instructions for the same call. */
  build: string
  /** Runs `work`, and returns how many instructions Redis has spent on it. */
  count(work: () => Promise<void>): Promise<number>
  stop(): Promise<void>
}

/** Whether valgrind is installed. */
export const hasValgrind = (): Promise<boolean> =>
  run('valgrind', ['--version']).then(
    () => true,
    () => false,
  )

/**
 * Starts a Redis under callgrind, which counts the instructions of a processor that a program runs: the same on every run and on every machine, however
 * busy it is.
 */
export async function startCounted(): Promise<CountedRedis> {
  const binary = findServer()
  const folder = mkdtempSync(join(tmpdir(), 'rapidfire-callgrind-'))
  const counts = join(folder, 'counts')
  const wrapper = join(folder, 'redis-server')
  writeFileSync(wrapper, `#!/bin/sh\nexec valgrind --tool=callgrind --callgrind-out-file=${counts} --instr-atstart=no ${binary} "$@"\n`)
  chmodSync(wrapper, 0o755)
  // Once a second, and not ten times: what Redis does by the clock would be counted as well, and more of it on a machine that is busy.
  const server = await startRedis(['--hz', '1', '--dynamic-hz', 'no', '--activerehashing', 'no'], { binary: wrapper })
  const redis = new Redis(server.url)
  const control = (...options: string[]) => run('callgrind_control', [...options, String(server.process.pid)])
  let dumps = 0
  return {
    redis,
    build: buildOf(await redis.info('server')),
    async count(work) {
      await control('-i', 'on')
      await work()
      await control('-i', 'off')
      await control('-d')
      dumps += 1
      const [, total] = /^totals: (\d+)$/m.exec(readFileSync(`${counts}.${dumps}`, 'utf8')) ?? []
      if (!total) throw new Error(`callgrind has counted nothing: ${counts}.${dumps}`)
      return Number(total)
    },
    async stop() {
      redis.disconnect()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
