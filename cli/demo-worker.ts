// The process that handles the batches of the demo: `node demo-worker.js <url> <queue> <key>`. It tells its parent of each batch.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { joinText } from '../src/batch.ts'
import { RapidFire } from '../src/rapidfire.ts'
import { NO_RETRY } from './connection.ts'
import type { HandedOver } from './demo.ts'

const [url, queue, key] = process.argv.slice(2) as [string, string, string]
const redis = new Redis(url, NO_RETRY)
redis.on('error', () => {})

// The parent was killed and could not clean up: end its server too.
process.once('disconnect', async () => {
  await redis.shutdown('NOSAVE').catch(() => {})
  process.exit()
})

const rapidfire = new RapidFire<{ text: string }>({ redis, queue })
for (let first = true; ; first = false) {
  const { now, deadline } = await rapidfire.peek(key)
  if (first) process.send?.('ready')
  await sleep(deadline === undefined ? 20 : Math.max(deadline - now, 0))
  const batches: HandedOver[] = []
  await rapidfire.processPendingBatches((batch) => {
    batches.push({ text: joinText(batch), messages: batch.messages.length, openedAt: batch.openedAt, deadline: batch.deadline })
  })
  for (const batch of batches) process.send?.(batch)
}
