import { type Attributes, type Context, context, type MeterProvider, ROOT_CONTEXT, type TracerProvider } from '@opentelemetry/api'
import type { Batch } from '../batches/batch.ts'
import { RapidfireError, RefusedMessagesError } from '../errors.ts'
import { checkFlag, checkNames, kindOf, type Names } from '../given.ts'
import type { AddResult } from '../messages/results.ts'
import type { AddAllOptions, AddOptions, NewMessage } from '../options.ts'
import type { RapidFire } from '../rapidfire.ts'
import type { Handler, HandlerContext } from '../worker/handler.ts'
import type { ProcessOptions } from '../worker/pending.ts'
import { Discard } from '../worker/verdicts.ts'
import type { WorkerOptions } from '../worker/worker.ts'
import { contextOf, linksOf } from './links.ts'
import { failureOf, Telemetry } from './telemetry.ts'

export { linksOf } from './links.ts'

export interface InstrumentOptions {
  /** Makes the spans. @default the one that was registered with `@opentelemetry/api` */
  tracerProvider?: TracerProvider
  /** Takes the metrics. @default the one that was registered with `@opentelemetry/api` */
  meterProvider?: MeterProvider
  /** Whether spans and links have the ids of messages, as `messaging.message.id`; those of WhatsApp hold a phone number. @default false */
  messageIds?: boolean
}

const INSTRUMENT_OPTIONS: Names<InstrumentOptions> = { tracerProvider: true, meterProvider: true, messageIds: true }

/** Clients that were instrumented: twice, each message would be told of twice. */
const instrumented = new WeakSet<object>()

/**
 * Has a client tell OpenTelemetry of what it adds and handles: `addMessage`, `addMessages`, and the handlers of `worker` and `processPendingBatches`
 * that are given from now on. Do so right where the client is made, behind the start of the SDK.
 *
 * @returns the same client
 * @throws RapidfireError `BAD_OPTION`, `BAD_ARGUMENT` when it is instrumented already
 * @example const rapidfire = instrument(new RapidFire({ redis: 'redis://127.0.0.1:6379', queue: 'salon' }))
 */
export function instrument<Client extends RapidFire<any, any>>(rapidfire: Client, options: InstrumentOptions = {}): Client {
  if (typeof rapidfire?.addMessages !== 'function') {
    throw new RapidfireError('BAD_ARGUMENT', `instrument takes a RapidFire, got ${kindOf(rapidfire)}`)
  }
  checkNames('instrument', options, INSTRUMENT_OPTIONS)
  checkFlag('messageIds', options.messageIds)
  if (instrumented.has(rapidfire)) throw new RapidfireError('BAD_ARGUMENT', `the client of '${rapidfire.queue}' is instrumented already`)
  instrumented.add(rapidfire)
  return Object.assign(rapidfire, methodsOf(rapidfire, options))
}

function methodsOf(rapidfire: RapidFire<any, any>, options: InstrumentOptions) {
  const { queue } = rapidfire
  const { messageIds = false } = options
  const telemetry = new Telemetry(queue, options.tracerProvider, options.meterProvider)
  const plain = {
    addMessage: rapidfire.addMessage.bind(rapidfire),
    addMessages: rapidfire.addMessages.bind(rapidfire),
    worker: rapidfire.worker.bind(rapidfire),
    processPendingBatches: rapidfire.processPendingBatches.bind(rapidfire),
  }

  /**
   * Sends messages in a span.
   *
   * @param own messages that bring a context of their own: the span is linked to it
   * @param send is given options with the context of the span
   */
  async function sending<Given extends AddOptions | AddAllOptions, Output>(
    own: Parameters<typeof linksOf>[0],
    attributes: Attributes,
    given: Given,
    count: number,
    send: (options: Given) => Promise<Output>,
    resultsOf: (output: Output) => AddResult[],
  ): Promise<Output> {
    const links = linksOf(own, { messageIds })
    const operation = telemetry.begin({ name: 'add', type: 'send', attributes, links, parent: context.active() })
    const traceContext = given?.traceContext ?? contextOf(operation.span.spanContext())
    // What are no options is refused there.
    const options = traceContext && kindOf(given) === 'an object' ? { ...given, traceContext } : given
    try {
      const output = await context.with(operation.context, send, undefined, options)
      telemetry.sent(resultsOf(output))
      operation.end()
      return output
    } catch (error) {
      if (error instanceof RefusedMessagesError) telemetry.sent(error.results)
      else if (error instanceof RapidfireError) telemetry.sent(Array(count).fill(error))
      operation.end(failureOf(error))
      throw error
    }
  }

  /**
   * A handler that runs in a span for each batch.
   *
   * @param about what else is told of each batch
   * @param parent of the spans
   */
  function processing<T>(handler: Handler<T>, about: Attributes, parent: Context): Handler<T> {
    // What is no handler is refused where it is given.
    if (typeof handler !== 'function') return handler
    return async (batch: Batch<T>, handled: HandlerContext) => {
      const { messages } = batch
      const links = linksOf(messages, { messageIds })
      const operation = telemetry.begin({
        name: 'process',
        type: 'process',
        attributes: { ...attributesOf(batch), ...about },
        links,
        parent,
      })
      telemetry.consumed(messages.length)
      const { signal } = handled
      const aborted = () => operation.end({ type: 'aborted', error: signal.reason })
      signal.addEventListener('abort', aborted, { once: true })
      try {
        const returned = await context.with(operation.context, handler, undefined, batch, handled)
        operation.end()
        return returned
      } catch (error) {
        operation.end(error instanceof Discard ? undefined : failureOf(error))
        throw error
      } finally {
        signal.removeEventListener('abort', aborted)
      }
    }
  }

  return {
    addMessage: (key: string, data: unknown, given: AddOptions = {}) => {
      const named = messageIds && given?.id !== undefined ? { 'messaging.message.id': given.id } : {}
      const send = (sent: AddOptions) => plain.addMessage(key, data, sent)
      return sending(given ? [given] : [], named, given, 1, send, (result) => [result])
    },
    addMessages: (messages: readonly NewMessage<unknown>[], given: AddAllOptions = {}) => {
      const count = Array.isArray(messages) ? messages.length : 0
      const own = count > 0 ? messages.filter((message) => message?.traceContext) : []
      const send = (sent: AddAllOptions) => plain.addMessages(messages, sent)
      return sending(given?.traceContext ? [given, ...own] : own, { [COUNT]: count }, given, count, send, (results) => results)
    },
    worker: (handler: Handler<any>, given?: WorkerOptions) => {
      const about: Attributes = {}
      // A worker runs for long, and begins in a span that somebody else has ended long ago: each batch is a trace of its own.
      const worker = plain.worker(processing(handler, about, ROOT_CONTEXT), given)
      about['messaging.client.id'] = worker.id
      return worker
    },
    processPendingBatches: (handler: Handler<any>, given?: ProcessOptions) =>
      plain.processPendingBatches(processing(handler, {}, context.active()), given),
  }
}

const COUNT = 'messaging.batch.message_count'

function attributesOf({ id, root, attempt, reason, messages }: Batch): Attributes {
  const [, partition] = /:(\d+)\}$/.exec(root) ?? []
  return {
    [COUNT]: messages.length,
    'messaging.rapidfire.batch.id': id,
    'messaging.rapidfire.batch.attempt': attempt,
    'messaging.rapidfire.batch.reason': reason,
    ...(partition !== undefined && { 'messaging.destination.partition.id': partition }),
  }
}
