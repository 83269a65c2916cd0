import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { urlOf } from '../support/acl.ts'
import { Lua } from '../support/lua.ts'

/** What servers say to a call whose user lacks a right: each of them says it otherwise. */
export const NO_RIGHT = /NOPERM|ACL failure|can't run/

/** A user of Redis, until the test is over, who may do all but these commands. */
export async function userWithout(lua: Lua, ...commands: string[]): Promise<Lua> {
  const username = `no-${commands.join('-')}`
  await lua.redis.call('ACL', 'SETUSER', username, 'on', 'nopass', '+@all', ...commands.map((each) => `-${each}`), '~*', '&*')
  const redis = new Redis(urlOf(lua.server.url, username, 'none'))
  onTestFinished(async () => {
    redis.disconnect()
    await lua.redis.call('ACL', 'DELUSER', username)
  })
  return new Lua({ ...lua.server, redis }, lua.mode)
}
