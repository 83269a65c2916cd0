import type { RapidFireOptions } from './options.ts'
import { RapidFire as Client } from './rapidfire.ts'

/**
 * What is added: `Input`, and without one what batches carry. As a default of `Input` that would be `T` itself, unknown to everybody, when there is a
 * mistake in the options: then each later `addMessage` would be an error as well.
 */
export type Added<T, Input> = [Input] extends [never] ? NoInfer<T> : Input

/** How a client is made, as editors show it: without what is for workers and tests alone. */
interface Constructor {
  /**
   * One queue: adds messages, and hands over the batches that have become ready. It connects on the first call. `T` is what batches carry, `Input`
   * what is added; they differ when a schema transforms.
   *
   * @throws RapidfireError `BAD_QUEUE`, `BAD_OPTION`
   * @example
   * const rapidfire = new RapidFire<{ text: string }>({ redis: 'redis://127.0.0.1:6379', queue: 'whatsapp', policy: { wait: 10_000 } })
   * await rapidfire.addMessage('79001234567', { text: 'Hi' }, { id: 'wamid.1' })
   * await rapidfire.processPendingBatches(async (batch) => answer(batch.key, joinText(batch)))
   * await rapidfire.close()
   */
  new <T = unknown, Input = never>(options?: RapidFireOptions<T, Added<T, Input>>): Client<T, Added<T, Input>>
}

export type RapidFire<T = unknown, Input = T> = Client<T, Input>
export const RapidFire: Constructor = Client
