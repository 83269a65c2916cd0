import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fetchPackage } from '../tools/matrix/packages.ts'

/** What is fetched is kept until `make clean`. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/packages', import.meta.url))

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
  try {
    const env = { PYTHONPATH: join(await fetchPackage('python3-redis', CACHE, ...NEEDED), 'usr/lib/python3/dist-packages') }
    await has(env)
    return env
  } catch (error) {
    const { message, stderr } = error as Error & { stderr?: string }
    console.warn(`skipped: callers in Python: ${(stderr || message).trim().split('\n').at(-1)}`)
    return undefined
  }
}
