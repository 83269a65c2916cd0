import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { debian, skip } from './packages.ts'

/** What python3-redis imports that Python has not. */
const NEEDED = ['async-timeout', 'deprecated', 'wrapt', 'packaging', 'typing-extensions'].map((name) => `python3-${name}`)

/**
 * The environment in which `python3` has the client of Redis: as it is installed, or as the package of Debian. Undefined, and a reason is printed, where
 * it cannot be had.
 */
export async function findRedisPy(): Promise<Record<string, string> | undefined> {
  const has = (env: Record<string, string>) => promisify(execFile)('python3', ['-c', 'import redis'], { env: { ...process.env, ...env } })
  try {
    await has({})
    return {}
  } catch {}
  const folder = await debian('callers in Python', 'python3-redis', ...NEEDED)
  const env = folder === undefined ? undefined : { PYTHONPATH: join(folder, 'usr/lib/python3/dist-packages') }
  try {
    if (env) await has(env)
    return env
  } catch (error) {
    skip('callers in Python', error as Error)
    return undefined
  }
}
