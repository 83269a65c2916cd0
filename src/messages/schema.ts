import { RapidfireError } from '../errors.ts'
import { forgetJson } from './kept-json.ts'
import type { ListKeys } from './keys.ts'

/** The part of Standard Schema (https://standardschema.dev) that rapidfire uses; zod, valibot and arktype schemas have it. */
export interface Schema<T, Input = T> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>
    readonly types?: { readonly input: Input; readonly output: T } | undefined
  }
}

type SchemaResult<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] }

/** What the schema makes of `data`, or a promise of it when the schema is asynchronous. Throws `BAD_DATA` when it refuses it. */
export function validated<T>(schema: Schema<T, unknown>, data: unknown): T | Promise<T> {
  const result = schema['~standard'].validate(data)
  return result instanceof Promise ? result.then(accepted) : accepted(result)
}

function accepted<T>(result: SchemaResult<T>): T {
  if (!result.issues) {
    forgetJson(result.value)
    return result.value
  }
  throw new RapidfireError('BAD_DATA', `the schema refuses the data: ${result.issues.map((issue) => issue.message).join('; ')}`)
}

/** The same of many. */
export function allValidated(schema: Schema<unknown, unknown>, data: readonly unknown[]): unknown[] | Promise<unknown[]> {
  const made: unknown[] = []
  try {
    for (const each of data) made.push(validated(schema, each))
  } catch (error) {
    for (const each of made) if (each instanceof Promise) each.catch(() => {})
    throw error
  }
  return made.some((each) => each instanceof Promise) ? Promise.all(made) : made
}

/** Keeps the order of each key when some data takes longer to be validated, or to be sent, than other. */
export class Turns {
  /** By key: settled when the last one that was given has been sent, or refused. */
  readonly #last = new Map<string, Promise<unknown>>()
  /** The same of long lists, which come and go as a whole. */
  readonly #lists = new Set<{ keys: ListKeys; turn: Promise<void> }>()

  /** Whether nothing that was given before for this key is still to be sent. */
  isFree(key: string): boolean {
    if (this.#last.has(key)) return false
    for (const { keys } of this.#lists) if (keys.has(key)) return false
    return true
  }

  /** Calls `send` when the value is there and all that was given before for these keys has been sent; at once when it needs not wait. */
  take<Value, Output>(keys: readonly string[], value: Value | Promise<Value>, send: (value: Value) => Promise<Output>): Promise<Output> {
    if (!(value instanceof Promise) && keys.every((key) => this.isFree(key))) return send(value)
    return this.#wait(keys, value, send)
  }

  /** Calls `work` when all that was given before for these keys has been sent. What comes then waits until it says `given`, or has ended. */
  async takeList<Output>(keys: ListKeys, work: (given: () => void) => Promise<Output>): Promise<Output> {
    let done = () => {}
    const list = { keys, turn: new Promise<void>((resolve) => (done = resolve)) }
    const before: Promise<unknown>[] = []
    for (const [key, last] of this.#last) if (keys.has(key)) before.push(last)
    const others = [...this.#lists]
    this.#lists.add(list)
    const given = () => {
      this.#lists.delete(list)
      done()
    }
    try {
      for (const other of others) if (await other.keys.meets(keys)) before.push(other.turn)
      await Promise.all(before)
      return await work(given)
    } finally {
      given()
    }
  }

  async #wait<Value, Output>(keys: readonly string[], value: Value | Promise<Value>, send: (value: Value) => Promise<Output>) {
    let done = () => {}
    const turn = new Promise<void>((resolve) => (done = resolve))
    const before = new Set<unknown>(keys.map((key) => this.#last.get(key)))
    for (const list of this.#lists) if (keys.some((key) => list.keys.has(key))) before.add(list.turn)
    for (const key of keys) this.#last.set(key, turn)
    // It may be refused while others are waited for.
    if (value instanceof Promise) value.catch(() => {})
    try {
      await Promise.all(before)
      return send(await value)
    } finally {
      done()
      for (const key of keys) if (this.#last.get(key) === turn) this.#last.delete(key)
    }
  }
}
