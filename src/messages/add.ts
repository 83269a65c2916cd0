import { RapidfireError, RefusedMessagesError } from '../errors.ts'
import type { AddOptions, NewMessage, RapidFireOptions } from '../options.ts'
import type { Underway } from '../redis/underway.ts'
import { checkDurability, type Durability } from './durability.ts'
import { type EncodedMessage, encode } from './encode.ts'
import type { AddResult } from './results.ts'
import { allValidated, type Schema, Turns, validated } from './schema.ts'
import type { Sender } from './sender.ts'

/** Takes messages in: checks what the caller has given, lets the schema see it, and sends it in the order in which it came. */
export class Adder<Input> {
  readonly #sender: Sender
  readonly #underway: Underway
  readonly #schema: Schema<unknown, Input> | undefined
  readonly #durability: Durability | undefined
  readonly #turns = new Turns()

  /** @throws RapidfireError `BAD_OPTION` */
  constructor(sender: Sender, underway: Underway, { schema, durability }: Pick<RapidFireOptions<any, Input>, 'schema' | 'durability'>) {
    if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
      throw new RapidfireError('BAD_OPTION', 'schema must be a Standard Schema, such as one of zod, valibot or arktype')
    }
    this.#sender = sender
    this.#underway = underway
    this.#schema = schema
    this.#durability = durability && checkDurability(durability)
  }

  add(key: string, data: Input, options: AddOptions): Promise<AddResult> {
    const schema = this.#schema
    // Not an async function: those cost a promise and three turns of the microtask queue more.
    try {
      const durability = options.durability ? checkDurability(options.durability) : this.#durability
      if (!schema) return this.#send(encode(key, data, options), durability)
      return this.#turns.take([key], validated(schema, data), (value) => this.#send(encode(key, value, options), durability))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #send(message: EncodedMessage, durability: Durability | undefined): Promise<AddResult> {
    this.#underway.checkOpen()
    return this.#sender.send(message, durability)
  }

  /** @throws RefusedMessagesError */
  async addAll(messages: readonly NewMessage<Input>[], options: { durability?: Durability }): Promise<AddResult[]> {
    const schema = this.#schema
    const durability = options.durability ? checkDurability(options.durability) : this.#durability
    const send = (data: readonly unknown[]) => {
      const encoded = messages.map((message, n) => encode(message.key, data[n], message))
      this.#underway.checkOpen()
      return this.#sender.sendAll(encoded, durability)
    }
    const keys = messages.map(({ key }) => key)
    const data = messages.map((message) => message.data)
    const results = schema ? await this.#turns.take(keys, allValidated(schema, data), send) : await send(data)
    const refused = results.find((result) => result instanceof RapidfireError)
    if (refused) throw new RefusedMessagesError(refused, results)
    return results as AddResult[]
  }
}
