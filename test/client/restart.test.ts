import { describe, expect, it } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import { ended, startRedis } from '../support/redis.ts'
import { lacksServer } from './clients.ts'

describe.skipIf(lacksServer('restarts')).each<BindingMode>(['functions', 'scripts'])(
  'a restart of Redis between two calls, %s',
  (binding) => {
    it.each([
      ['without persistence', [], 1],
      ['with an append-only file', ['--appendonly', 'yes', '--appendfsync', 'always'], 3],
    ])('is survived %s', async (_, options, size) => {
      let server = await startRedis(options)
      try {
        await using rapidfire = new RapidFire({ redis: server.url, binding, policy: { wait: 123_456, maxWait: 200_000 } })
        await rapidfire.addMessages([
          { key: 'ann', data: 1, id: 'a' },
          { key: 'ann', data: 2 },
        ])
        await ended(server.process, 'SIGKILL')
        server = await startRedis(options, server)
        expect(await rapidfire.addMessage('ann', 3, { flush: true })).toEqual({ status: 'added', size })
        expect((await rapidfire.policy()).wait).toBe(123_456)
        expect(await rapidfire.addMessage('ann', 1, { id: 'a' })).toMatchObject({ status: size === 1 ? 'added' : 'duplicate' })
        const seen: unknown[] = []
        await rapidfire.processPendingBatches(async (batch) => {
          seen.push(...batch.messages.map(({ data }) => data))
          await ended(server.process, 'SIGKILL')
          server = await startRedis(options, server)
        })
        expect(seen).toEqual(size === 1 ? [3] : [1, 2, 3])
      } finally {
        await server.stop()
      }
    })
  },
)
