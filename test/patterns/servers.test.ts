// The ways in which queues of this kind are known to fail that take servers, replicas and clusters to show.
import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { SCRIPTS } from '../../src/redis/generated/scripts.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import { lacksServer } from '../client/clients.ts'
import { ended, startRedis } from '../support/redis.ts'
import { makeEveryCall } from './calls.ts'

describe.skipIf(lacksServer('patterns of servers'))('patterns of servers', () => {
  // Under traffic: test/fault/redis-faults.test.ts. Behind a webhook that has answered 200: test/webhook/outage.test.ts.
  describe('a window that lives in a process', () => {
    it('lives in Redis: the sender and the server may be gone, the batch is ready at the same time', async () => {
      const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
      let server = await startRedis(durable)
      try {
        const sender = new RapidFire({ redis: server.url })
        await sender.addMessage('ann', 1, { wait: 60_000 })
        const { deadline } = await sender.peek('ann')
        await sender.close()
        await ended(server.process, 'SIGKILL')
        server = await startRedis(durable, server)
        await using worker = new RapidFire({ redis: server.url })
        expect(await worker.peek('ann')).toMatchObject({ state: 'collecting', deadline, messages: [{ data: 1 }] })
        await worker.addMessage('ann', 2, { flush: true })
        expect((await worker.claimReady()).batches).toMatchObject([{ key: 'ann', messages: [{ data: 1 }, { data: 2 }] }])
      } finally {
        await server.stop()
      }
    })
  })

  // Several nodes, and one that has lost its functions: test/client/cluster.test.ts.
  describe.each<BindingMode>(['functions', 'scripts'])('keys of a queue on several nodes of a cluster, %s', (binding) => {
    it('cannot be: every call keeps to the slot of its root, and a root without one is refused', async () => {
      const server = await startRedis(['--cluster-enabled', 'yes', '--cluster-port', '0'])
      const redis = new Redis(server.url)
      try {
        await redis.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
        await vi.waitFor(async () => expect(await redis.cluster('INFO')).toMatch(/cluster_state:ok/), { interval: 20, timeout: 30_000 })
        await using rapidfire = new RapidFire({ redis: server.url, binding })
        await makeEveryCall(rapidfire)
        const slots = await Promise.all((await redis.keys('rapid-fire:{*')).map((name) => redis.cluster('KEYSLOT', name)))
        expect([slots.length > 10, new Set(slots).size]).toEqual([true, 1])
        const added = binding === 'functions' ? ['FCALL', 'rapidfire_add'] : ['EVALSHA', SCRIPTS.add.sha1]
        const [command, ...name] = added as [string, string]
        await expect(redis.call(command, ...name, 1, 'rapid-fire:orders', 'ann', '1')).rejects.toThrow(/^RAPIDFIRE_BAD_ROOT/)
      } finally {
        redis.disconnect()
        await server.stop()
      }
    })
  })

  // Connections that are dead without a word, and commands that are never answered: test/worker/connection.test.ts.
  describe('a failover that leaves a worker dead while it says that it runs', () => {
    it('does not: it says so while the server takes no writes, and works again when one does', async () => {
      const server = await startRedis()
      const redis = new Redis(server.url)
      const client = new RapidFire<number>({ redis: server.url })
      try {
        const errors: string[] = []
        const handled: number[] = []
        await using worker = client.worker((batch) => void handled.push(...batch.messages.map(({ data }) => data)))
        worker.on('error', (error) => errors.push(error.message))
        worker.run()
        await vi.waitFor(() => expect(worker.isHealthy()).toBe(true), { interval: 10, timeout: 20_000 })
        await redis.call('REPLICAOF', '127.0.0.1', '1')
        await vi.waitFor(() => expect(worker.isHealthy()).toBe(false), { interval: 10, timeout: 20_000 })
        expect(errors[0]).toMatch(/READONLY/)
        await redis.call('REPLICAOF', 'NO', 'ONE')
        await client.addMessage('ann', 1, { flush: true })
        await vi.waitFor(() => expect([worker.isHealthy(), handled]).toEqual([true, [1]]), { interval: 10, timeout: 20_000 })
      } finally {
        redis.disconnect()
        await client.close()
        await server.stop()
      }
    })
  })
})
