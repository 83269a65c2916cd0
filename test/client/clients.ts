import { afterEach } from 'vitest'
import { findServer } from '../../cli/demo/private-redis.ts'
import type { RapidFireOptions } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type Lua, TEST_SOURCE } from '../support/lua.ts'

/** Makes clients of the queue of `lua`, with its binding and its clock; each is closed after its test. */
export function useClients(lua: () => Lua) {
  const open: { close(): Promise<void> }[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()))
  })
  return <T = unknown, Input = T>(options: RapidFireOptions<T, Input> = {}): RapidFire<T, Input> => {
    const client = new RapidFire<T, Input>({ redis: lua().server.url, queue: 'orders', binding: lua().mode, ...options }, TEST_SOURCE)
    open.push(client)
    return client
  }
}

/** Calls of a command that the server has counted since the last `CONFIG RESETSTAT`. */
export async function calls(lua: Lua): Promise<number> {
  const info = await lua.redis.info('commandstats')
  return Number(new RegExp(`cmdstat_${lua.mode === 'functions' ? 'fcall' : 'evalsha'}:calls=(\\d+)`).exec(info)?.[1] ?? 0)
}

/** Tests that need a server process of their own cannot run on a server that was given, or in a container: says so and skips them. */
export function lacksServer(what: string): boolean {
  if (findServer()) return false
  console.warn(`skipped: ${what}: no redis-server or valkey-server on PATH to start`)
  return true
}

/** A gate that handlers wait at until the test opens it. */
export function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}
