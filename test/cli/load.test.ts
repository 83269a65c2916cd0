import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import { SOURCE } from '../../src/redis/source.ts'
import { lacksServer } from '../client/clients.ts'
import { urlOf } from '../support/acl.ts'
import { type ClusterNode, TestCluster } from '../support/cluster.ts'
import { startRedis, type TestRedis, useRedis } from '../support/redis.ts'
import { findRedisCli, rapidfire, run, useCommands } from '../support/shell.ts'

let server: TestRedis
let host: string
beforeAll(async () => {
  server = await useRedis()
  host = new URL(server.url).host
})
beforeEach(async () => {
  await server.redis.function('FLUSH')
})

const version = (redis: Redis) => redis.fcall_ro('rapidfire_version', 0)

describe('load', () => {
  it('load loads the library, and then has nothing to do', async () => {
    expect(await rapidfire(['load', '--redis', server.url])).toEqual({ code: 0, stdout: `${host}  loaded ${SOURCE.version}\n`, stderr: '' })
    expect(await version(server.redis)).toBe(SOURCE.version)
    const again = await rapidfire(['load'], { REDIS_URL: server.url })
    expect(again).toEqual({ code: 0, stdout: `${host}  has ${SOURCE.version} already\n`, stderr: '' })
  })

  it('load updates an older library', async () => {
    await server.redis.function('LOAD', assemble({ version: '0.0.9' }).library)
    const { code, stdout } = await rapidfire(['load', '--redis', server.url])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${host}  updated 0.0.9 to ${SOURCE.version}\n` })
    expect(await version(server.redis)).toBe(SOURCE.version)
  })

  it('load leaves a newer one as it is', async () => {
    await server.redis.function('LOAD', assemble({ version: '99.0.0' }).library)
    const { code, stdout } = await rapidfire(['load', '--redis', server.url])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${host}  has 99.0.0, newer than ${SOURCE.version}: left as it is\n` })
    expect(await version(server.redis)).toBe('99.0.0')
  })

  it('load says what it may not do', async () => {
    await server.redis.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-function')
    const { code, stdout, stderr } = await rapidfire(['load', '--redis', urlOf(server.url, 'reader')])
    await server.redis.call('ACL', 'DELUSER', 'reader')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^rapidfire: ${host}: NOPERM [^\n]+\n$`))
  })

  it('load says that a server has no Functions', async ({ skip }) => {
    if (lacksServer('load on a server without Functions')) return skip()
    const old = await startRedis(['FCALL', 'FCALL_RO', 'FUNCTION'].flatMap((name) => ['--rename-command', name, '']))
    const { code, stdout } = await rapidfire(['load', '--redis', old.url])
    await old.stop()
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `127.0.0.1:${old.port}  has no Functions: clients send scripts, there is nothing to load\n`,
    })
  })

  it('load loads on every primary of a cluster, and stats finds the queues of all', async ({ skip }) => {
    if (lacksServer('load on a cluster')) return skip()
    const cluster = await TestCluster.start({ primaries: 2, replicas: 0 })
    const [left, right] = cluster.nodes as [ClusterNode, ClusterNode]
    try {
      const { code, stdout } = await rapidfire(['load', '--redis', left.server.url])
      expect(code).toBe(0)
      expect(stdout.trim().split('\n').sort()).toEqual(
        cluster.nodes.map(({ port }) => `127.0.0.1:${port}  loaded ${SOURCE.version}`).sort(),
      )
      expect(await Promise.all(cluster.nodes.map(({ redis }) => version(redis)))).toEqual([SOURCE.version, SOURCE.version])

      // Slots 15495 and 3300.
      await right.redis.fcall('rapidfire_add', 1, 'rapid-fire:{a}', 'ann', '1')
      await left.redis.fcall('rapidfire_add', 1, 'rapid-fire:{b}', 'ann', '1')
      const found = await rapidfire(['stats', '--json', '--redis', right.server.url])
      const lines = found.stdout.trim().split('\n')
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { queue: 'a', collecting: 1 },
        { queue: 'b', collecting: 1 },
      ])
    } finally {
      await cluster.stop()
    }
  })
})

describe('load --print', () => {
  it('load --print prints the library and needs no server', async () => {
    expect(await rapidfire(['load', '--print'], { REDIS_URL: 'redis://127.0.0.1:1' })).toEqual({
      code: 0,
      stdout: SOURCE.library,
      stderr: '',
    })
  })

  it('what load --print prints is what redis-cli loads', async ({ skip }) => {
    if (!findRedisCli()) {
      console.warn('skipped: load --print into redis-cli: no redis-cli or valkey-cli on PATH')
      return skip()
    }
    const commands = await useCommands(server.url)
    const { code, stdout, stderr } = await run(
      'bash',
      ['-o', 'pipefail', '-c', 'npx rapidfire load --print | redis-cli -x FUNCTION LOAD REPLACE'],
      {
        PATH: commands.PATH,
      },
    )
    await commands.remove()
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'rapidfire\n', stderr: '' })
    expect(await version(server.redis)).toBe(SOURCE.version)
  })
})
