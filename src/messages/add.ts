import { setImmediate as nextTurn } from 'node:timers/promises'
import { RapidfireError, RefusedMessagesError } from '../errors.ts'
import { checkNames, kindOf } from '../given.ts'
import {
  ADD_ALL_OPTIONS,
  ADD_OPTIONS,
  type AddAllOptions,
  type AddOptions,
  MESSAGE_MEMBERS,
  type NewMessage,
  type RapidFireOptions,
} from '../options.ts'
import type { Underway } from '../redis/underway.ts'
import { checkDurability, type Durability } from './durability.ts'
import { bytesOf, type EncodedMessage, encode } from './encode.ts'
import { ListKeys, SLICE } from './keys.ts'
import type { AddResult } from './results.ts'
import { allValidated, type Schema, Turns, validated } from './schema.ts'
import type { Sender } from './sender.ts'
import type { TraceContext } from './trace-context.ts'

/** UTF-16 units of JSON that are made in one turn of the event loop. */
const SLICE_SIZE = 1_048_576

const checkMessage = (message: NewMessage<unknown>) => checkNames('a message', message, MESSAGE_MEMBERS)

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
    this.#durability = durability === undefined ? undefined : checkDurability(durability)
  }

  add(key: string, data: Input, options: AddOptions): Promise<AddResult> {
    const schema = this.#schema
    // Not an async function: those cost a promise and three turns of the microtask queue more.
    try {
      checkNames('addMessage', options, ADD_OPTIONS)
      const durability = options.durability !== undefined ? checkDurability(options.durability) : this.#durability
      if (!schema && this.#turns.isFree(key)) return this.#send(encode(key, data, options), durability)
      if (!schema) return this.#sendBehind(encode(key, data, options), key, durability)
      return this.#turns.take([key], validated(schema, data), (value) => this.#send(encode(key, value, options), durability))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A message of a key that a long list has. */
  #sendBehind(message: EncodedMessage, key: string, durability: Durability | undefined): Promise<AddResult> {
    return this.#underway.run(() =>
      this.#sender.room.run(() => this.#turns.take([key], message, () => this.#sender.send(message, durability)), bytesOf(message)),
    )
  }

  #send(message: EncodedMessage, durability: Durability | undefined): Promise<AddResult> {
    this.#underway.checkOpen()
    return this.#sender.send(message, durability)
  }

  /** @throws RefusedMessagesError */
  async addAll(messages: readonly NewMessage<Input>[], options: AddAllOptions): Promise<AddResult[]> {
    if (!Array.isArray(messages)) throw new RapidfireError('BAD_ARGUMENT', `addMessages takes a list of messages, got ${kindOf(messages)}`)
    checkNames('addMessages', options, ADD_ALL_OPTIONS)
    const durability = options.durability !== undefined ? checkDurability(options.durability) : this.#durability
    const { traceContext } = options
    const send = messages.length > SLICE ? this.#sendLong : this.#sendShort
    const results = await send.call(this, messages, durability, traceContext)
    const refused = results.find((result) => result instanceof RapidfireError)
    if (refused) throw new RefusedMessagesError(refused, results)
    return results as AddResult[]
  }

  #sendShort(
    messages: readonly NewMessage<Input>[],
    durability: Durability | undefined,
    context: TraceContext | undefined,
  ): Promise<(AddResult | RapidfireError)[]> {
    const schema = this.#schema
    const send = (data: readonly unknown[]) =>
      this.#sender.sendAll(
        messages.map((message, n) => encode(message.key, data[n], message, context)),
        durability,
      )
    for (const message of messages) checkMessage(message)
    const keys = messages.map(({ key }) => key)
    const data = messages.map((message) => message.data)
    // It may have to wait for its turn: `close` waits for it all the same.
    return this.#underway.run(() => this.#turns.take(keys, schema ? allValidated(schema, data) : data, send))
  }

  /** A long list keeps neither the process nor Redis busy for long at a time. Nothing is sent before all of it has been found good. */
  #sendLong(
    messages: readonly NewMessage<Input>[],
    durability: Durability | undefined,
    context: TraceContext | undefined,
  ): Promise<(AddResult | RapidfireError)[]> {
    const keys = new ListKeys(messages)
    return this.#underway.run(() =>
      this.#turns.takeList(keys, async (given) => {
        await this.#sender.ready()
        return this.#sender.sendList(await this.#encodeAll(messages, keys, context), durability, given)
      }),
    )
  }

  async #encodeAll(messages: readonly NewMessage<Input>[], keys: ListKeys, context: TraceContext | undefined): Promise<EncodedMessage[]> {
    const schema = this.#schema
    const encoded: EncodedMessage[] = []
    let size = 0
    for (let n = 0; n < messages.length; n += SLICE) {
      const slice = messages.slice(n, n + SLICE)
      for (const message of slice) checkMessage(message)
      const given = slice.map(({ data }) => data)
      const data = schema ? await allValidated(schema, given) : given
      for (const [m, message] of slice.entries()) {
        const each = encode(message.key, data[m], message, context)
        encoded.push(each)
        size += each.data.length
        if (size > SLICE_SIZE) {
          size = 0
          await nextTurn()
        }
      }
      keys.learn(encoded.length)
      await nextTurn()
    }
    return encoded
  }
}
