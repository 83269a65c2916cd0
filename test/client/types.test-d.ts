import { expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { AddResult, Batch, ErrorCode, Message, Peek, RapidfireError, RedisInput } from '../../src/index.ts'
import { RapidFire } from '../../src/index.ts'

type Text = { text: string }

it('carries the type of a message from addMessage to the handler', () => {
  const rapidfire = new RapidFire<Text>()
  expectTypeOf(rapidfire.addMessage).parameter(1).toEqualTypeOf<Text>()
  expectTypeOf(rapidfire.addMessage('ann', { text: 'Hi' })).resolves.toEqualTypeOf<AddResult>()
  // @ts-expect-error: not a Text
  rapidfire.addMessage('ann', { words: 'Hi' })
  // @ts-expect-error: not a Text
  rapidfire.addMessages([{ key: 'ann', data: 7 }])
  // @ts-expect-error: no such option
  rapidfire.addMessage('ann', { text: 'Hi' }, { delay: 5 })
  rapidfire.processPendingBatches((batch, { signal }) => {
    expectTypeOf(batch).toEqualTypeOf<Batch<Text>>()
    expectTypeOf(batch.messages).toEqualTypeOf<Message<Text>[]>()
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
  })
  expectTypeOf(rapidfire.peek('ann')).resolves.toEqualTypeOf<Peek<Text>>()
  expectTypeOf(rapidfire.claimReady()).resolves.toHaveProperty('batches').toEqualTypeOf<Batch<Text>[]>()
})

it('takes anything, and hands over the unknown, without a type', () => {
  const rapidfire = new RapidFire({ queue: 'orders' })
  rapidfire.addMessage('ann', 7)
  rapidfire.processPendingBatches((batch) => {
    expectTypeOf(batch.messages[0]?.data).toEqualTypeOf<unknown>()
  })
})

it('infers the type from a schema: its input on the way in, its output on the way out', () => {
  const same = new RapidFire({ schema: z.object({ text: z.string() }) })
  expectTypeOf(same).toEqualTypeOf<RapidFire<Text, Text>>()
  const transforming = new RapidFire({ schema: z.object({ text: z.string().transform((text) => text.length), at: z.number().default(0) }) })
  expectTypeOf(transforming.addMessage).parameter(1).toEqualTypeOf<{ text: string; at?: number | undefined }>()
  transforming.processPendingBatches((batch) => {
    expectTypeOf(batch).toEqualTypeOf<Batch<{ text: number; at: number }>>()
  })
  // @ts-expect-error: the schema is for another type
  new RapidFire<Text>({ schema: z.number() })
  const named = new RapidFire<Text>({ schema: z.object({ text: z.string() }) })
  expectTypeOf(named.addMessage).parameter(1).toEqualTypeOf<Text>()
})

it('goes where a client of its type is asked for, with a schema or without', () => {
  const take = (rapidfire: RapidFire<Text>) => rapidfire
  take(new RapidFire({ schema: z.object({ text: z.string() }) }))
  take(new RapidFire<Text>())
  take(new RapidFire<any>())
  // @ts-expect-error: what it hands over is another thing
  take(new RapidFire<{ words: string }>())
  class Bot<T> {
    readonly #rapidfire = new RapidFire<T>({ queue: 'bot' })
    hear(data: T) {
      return this.#rapidfire.addMessage('ann', data)
    }
  }
  expectTypeOf(new Bot<Text>().hear).parameter(0).toEqualTypeOf<Text>()
})

it('makes one mistake in the options one error', () => {
  // @ts-expect-error: no such option
  const mistyped = new RapidFire<Text>({ polcy: { wait: 5 } })
  mistyped.addMessage('ann', { text: 'Hi' })
  mistyped.addMessages([{ key: 'ann', data: { text: 'Hi' } }])
  mistyped.processPendingBatches((batch) => {
    expectTypeOf(batch).toEqualTypeOf<Batch<Text>>()
  })
  // @ts-expect-error: not a Text
  mistyped.addMessage('ann', 7)
  // @ts-expect-error: no such option
  const untyped = new RapidFire({ polcy: { wait: 5 } })
  untyped.addMessage('ann', { text: 'Hi' })
})

it('makes a switch over the codes exhaustive', () => {
  expectTypeOf<RapidfireError['code']>().toEqualTypeOf<ErrorCode>()
  expectTypeOf<'BACKLOG_FULL' | 'UNAVAILABLE' | 'CLOSED'>().toExtend<ErrorCode>()
  expectTypeOf<'NO_SUCH_CODE'>().not.toExtend<ErrorCode>()
})

it('takes options that allow undefined', () => {
  const redis = undefined as { host: string; port: number } | undefined
  new RapidFire({ redis: { ...redis, family: 4 } })
  expectTypeOf<string>().toExtend<RedisInput>()
})
