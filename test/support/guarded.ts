import { Redis } from 'ioredis'
import { expect } from 'vitest'

/** Expects that the servers on these ports of 127.0.0.1 answer nothing to whoever has no password. */
export async function expectGuarded(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const stranger = new Redis(port, { retryStrategy: null, enableReadyCheck: false })
    stranger.on('error', () => {})
    await expect(stranger.ping(), `port ${port}`).rejects.toThrow('NOAUTH')
    stranger.disconnect()
  }
}
