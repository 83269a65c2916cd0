import { EventEmitter } from 'node:events'
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { RapidFire } from '../../src/index.ts'

const refusal = (options: object) => {
  try {
    new RapidFire(options)
  } catch (error) {
    return error
  }
  return undefined
}

it.each<unknown>(['', ' ', 'a b', 'a\n', '{a}', 'a}', 'x'.repeat(129), 7, Symbol('queue'), ['a']])('refuses the queue %o', (queue) => {
  expect(refusal({ queue })).toMatchObject({ name: 'RapidfireError', code: 'BAD_QUEUE', message: /1 to 128 characters/ })
})

it.each(['a', 'x'.repeat(128), 'очередь', '👩‍🚀', 'a:b/c'])('takes the queue %j', (queue) => {
  expect(new RapidFire({ queue }).queue).toBe(queue)
})

const foreign = Object.assign(new EventEmitter(), { sendCommand: () => {} })

it.each<[string, object]>([
  ['a URL of another kind', { redis: 'http://127.0.0.1:6379' }],
  ['no URL', { redis: 'localhost:6379' }],
  ['an empty URL', { redis: '' }],
  ['a port alone', { redis: 6379 }],
  ['a client of another library', { redis: foreign }],
  ['an unknown binding', { binding: 'lua' }],
  ['an unknown way of loading', { load: 'always' }],
  ['a schema that is none', { schema: { parse: () => {} } }],
  ['no time at all', { timeout: 0 }],
  ['a part of a millisecond', { timeout: 1.5 }],
  ['more than ten minutes', { timeout: 600_001 }],
  ['a time that is no number', { timeout: '5s' }],
  ["a time for a client of the caller's", { redis: new Redis({ lazyConnect: true }), timeout: 5000 }],
])('refuses %s', (_, options) => {
  expect(refusal(options)).toMatchObject({ name: 'RapidfireError', code: 'BAD_OPTION' })
})

it('connects on the first call only, and takes no options at all', () => {
  expect(new RapidFire().queue).toBe('default')
  expect(
    refusal({
      queue: undefined,
      policy: undefined,
      schema: undefined,
      binding: undefined,
      load: undefined,
      timeout: undefined,
    }),
  ).toBeUndefined()
})
