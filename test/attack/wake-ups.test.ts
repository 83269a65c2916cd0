import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { eventually } from '../cli/processes.ts'
import { useRedis } from '../support/redis.ts'

/** Whoever may add messages may publish to the channels of workers, as often as they like and whatever they like. */
const FLOODS: [string, string[]][] = [
  ['that something is due', ['0', '1']],
  ['nonsense', ['now', '1e308', '-1', 'NaN', '', ' ', '0 7', 'x'.repeat(1000)]],
  ['that something is due in the far future', ['9999999999999']],
]

it.each(FLOODS)('a flood of messages that say %s costs few looks, and no batch is missed for it', async (_, messages) => {
  const { redis, url } = await useRedis()
  const rapidfire = new RapidFire({ redis: url, queue: 'salon' })
  const handled: string[] = []
  const worker = rapidfire.worker(({ key }) => void handled.push(key))
  onTestFinished(async () => {
    await worker.close()
    await rapidfire.close()
  })
  const failed: unknown[] = []
  worker.on('error', (error) => failed.push(error)).run()
  await new Promise<void>((resolve) => worker.once('ready', resolve))
  await rapidfire.addMessage('ann', 1, { flush: true })
  await eventually(() => handled.length === 1)
  await redis.config('RESETSTAT')
  const begun = performance.now()
  // Due while they come.
  await rapidfire.addMessage('cyd', 1, { wait: 100 })
  for (let n = 0; n < 2000 || (handled.length === 1 && n < 100_000); n += 1) {
    await redis.publish('rapid-fire:{salon}:wake', messages[n % messages.length] as string)
    await setImmediate()
  }
  const took = performance.now() - begun
  const looks = Number(/cmdstat_fcall:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
  // Some at once, and then so many in the time that it took; of 2000 messages and more.
  expect(looks).toBeLessThanOrEqual(60 + took / 40)
  await rapidfire.addMessage('bob', 1, { flush: true })
  await eventually(() => handled.length === 3)
  expect(failed).toEqual([])
})
