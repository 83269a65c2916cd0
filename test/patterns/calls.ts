import { expect } from 'vitest'
import type { RapidFire } from '../../src/rapidfire.ts'

/** Makes every call that changes a queue, and leaves keys in every state. */
export async function makeEveryCall(rapidfire: RapidFire<any>): Promise<void> {
  await rapidfire.policy({ wait: 5000 })
  const keys = ['active', 'completed', 'dead', 'requeued', 'dropped', 'retry', 'released']
  await rapidfire.addMessages(keys.map((key) => ({ key, data: 1, id: key, flush: true })))
  const { batches } = await rapidfire.claimReady()
  const of = (key: string) => batches.find((batch) => batch.key === key) as (typeof batches)[number]
  expect(batches.map(({ key }) => key).sort()).toEqual(keys.sort())
  await rapidfire.addMessages(keys.map((key) => ({ key, data: 2, id: key + 2 })))
  expect(await rapidfire.extend([of('active')], 60_000)).toEqual([{ status: 'extended', queued: 1 }])
  expect(await rapidfire.complete(of('completed'))).toBe('completed')
  for (const key of ['dead', 'requeued', 'dropped']) expect(await rapidfire.fail(of(key), { attempts: 1 })).toBe('dead')
  expect(await rapidfire.fail(of('retry'), { delay: 60_000 })).toBe('retry')
  await rapidfire.addMessage('forwarded', 1, { flush: true })
  expect(await rapidfire.forward('batches')).toMatchObject({ forwarded: 1 })
  expect(await rapidfire.release(of('released'))).toBe('released')
  expect(await rapidfire.requeue([of('requeued').id])).toEqual(['requeued'])
  expect(await rapidfire.drop([of('dropped').id])).toEqual(['dropped'])
  expect((await rapidfire.check({ repair: true })).violations).toEqual([])
  expect(await rapidfire.getStats()).toMatchObject({ active: 3, dead: 1 })
}
