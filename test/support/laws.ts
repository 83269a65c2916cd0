import type { Redis } from 'ioredis'
import { checkQueue } from '../../src/check/check.ts'
import { Caller } from '../../src/redis/caller.ts'
import { connect } from '../../src/redis/connection.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import { TEST_SOURCE } from './source.ts'

/**
 * The laws of lua/lib/laws.lua that a queue breaks, in words; nothing when all hold. The functions look as scripts, whatever library
 * the server has or has lost, unless it is said to have one.
 */
export async function brokenLaws(redis: Redis, root: string, mode: BindingMode = 'scripts'): Promise<string[]> {
  const caller = new Caller(connect(redis), { binding: mode }, undefined, TEST_SOURCE)
  const { violations, counted } = await checkQueue(caller, 'orders', [root], {})
  const broken = violations.map(({ law, part, text }) => `${law}: ${part ?? 'root'}: ${text}`)
  return counted || broken.length > 0 ? broken : ['the counters could not be compared']
}
