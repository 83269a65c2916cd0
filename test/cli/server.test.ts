import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PrivateRedis } from '../../cli/demo/private-redis.ts'
import { connected, openClient, serverOf } from '../../cli/terminal/connection.ts'
import { listQueues } from '../../cli/terminal/queue.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { lacksServer } from '../client/clients.ts'
import { startRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'

describe('the server is named as people write it', () => {
  it.each([
    ['redis://127.0.0.1:6379/2', 'redis://127.0.0.1:6379/2'],
    ['rediss://default:secret@redis.example.com:6380', 'rediss://default:secret@redis.example.com:6380'],
    ['redis:///2', 'redis:///2'],
    ['/run/redis.sock', '/run/redis.sock'],
    ['/run/redis.sock?db=2', '/run/redis.sock?db=2'],
    ['redis:///run/redis.sock', '/run/redis.sock'],
    ['unix:///run/redis.sock?db=2', '/run/redis.sock?db=2'],
    ['redis+unix:///run/redis.sock', '/run/redis.sock'],
    ['redis-socket:///run/redis.sock', '/run/redis.sock'],
    ['unix://bot:s%40cret@/run/redis.sock', '/run/redis.sock?username=bot&password=s%40cret'],
    ['redis+unix://:secret@/run/redis.sock?db=2', '/run/redis.sock?db=2&password=secret'],
  ])('%s', (given, server) => expect(serverOf(given)).toBe(server))

  it.each(['localhost:6379', 'http://127.0.0.1', 'unix://run/redis.sock', '//127.0.0.1', '/', ''])("'%s' is refused", (given) =>
    expect(() => serverOf(given)).toThrow('the server must be given as a URL such as redis://127.0.0.1:6379, or as the path of a socket'),
  )

  it('a cluster is not reached by a socket', () => {
    expect(() => openClient('/run/redis.sock', true)).toThrow('the nodes of a cluster are reached by host and port')
  })

  it('a certificate of an authority that Node does not know names the variable that tells it', async () => {
    const connect = () => Promise.reject(new Error('self-signed certificate in certificate chain'))
    const redis = Object.assign(new EventEmitter(), { options: { host: 'localhost', port: 6380 }, connect })
    await expect(connected(redis as unknown as Redis)).rejects.toThrow(
      'Redis at localhost:6380 cannot be reached: self-signed certificate in certificate chain (NODE_EXTRA_CA_CERTS names the file of your authority)',
    )
  })
})

describe.skipIf(lacksServer('a server with a socket'))('a server with a socket, whose keys have a prefix', () => {
  let folder: string
  let server: PrivateRedis
  let url: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rapidfire-socket-'))
    const path = join(folder, 'redis.sock')
    server = await startRedis(['--unixsocket', path])
    url = `redis+unix://:${server.password}@${path}?keyPrefix=${encodeURIComponent('app[1]*:')}`
    const { port, password } = server
    await using client = new RapidFire({ redis: { port, password, keyPrefix: 'app[1]*:' }, queue: 'salon' })
    await client.addMessage('ann', 'Hi', { flush: true })
    await using other = new RapidFire({ redis: server.url, queue: 'other' })
    await other.addMessage('bob', 'Hi')
  })
  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('its queues are found, and are those of the prefix', async () => {
    const { stdout, stderr } = await rapidfire(['stats', '--json', '--redis', url])
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ queue: 'salon', messages: 1 })
    const redis = new Redis(serverOf(url))
    expect(await listQueues(redis)).toEqual({ queues: ['salon'], gone: [] })
    redis.disconnect()
  })

  it('doctor prints commands for the socket', async () => {
    const { stdout, stderr } = await rapidfire(['doctor', '--queue', 'salon'], { REDIS_URL: url })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^ {20}redis-cli --askpass -s \S+redis\.sock CONFIG SET appendonly yes$/m)
  })
})
