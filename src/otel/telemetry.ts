import {
  type Attributes,
  type Context,
  type Link,
  type Meter,
  type MeterProvider,
  metrics,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'
import { RapidfireError } from '../errors.ts'
import type { AddResult } from '../messages/results.ts'
import { VERSION } from '../redis/generated/facts.ts'
import { textOf } from '../worker/endings.ts'

// Names, units, kinds and bounds are those of the semantic conventions for messaging, 1.45. They may change: there they are "Development".
const SCHEMA = { schemaUrl: 'https://opentelemetry.io/schemas/1.45.0' }
const SECONDS = {
  unit: 's',
  advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
}

const KINDS = { send: SpanKind.PRODUCER, process: SpanKind.CONSUMER } as const

/** Why an operation has failed: `type` is one of few words, for `error.type`. */
export interface Failure {
  type: string
  error: unknown
}

/** The code of an error of rapidfire, or the name of another one. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RapidfireError) return { type: error.code, error }
  const name = error instanceof Error ? error.name : undefined
  return { type: typeof name === 'string' && name !== '' ? name : '_OTHER', error }
}

interface Telling {
  /** As users of rapidfire call it. */
  name: 'add' | 'process'
  type: keyof typeof KINDS
  attributes: Attributes
  links: Link[]
  parent: Context
}

/** One thing that is done, and told of as a span and a duration. */
interface Operation {
  readonly span: Span
  /** In which the span is the one that is active. */
  readonly context: Context
  /** It has ended; only the first word of that counts. */
  end(failure?: Failure): void
}

/** What is told of a queue. */
export class Telemetry {
  readonly #queue: string
  readonly #tracer: Tracer
  readonly #durations: Record<keyof typeof KINDS, ReturnType<Meter['createHistogram']>>
  readonly #sent: ReturnType<Meter['createCounter']>
  readonly #consumed: ReturnType<Meter['createCounter']>

  constructor(queue: string, tracers: TracerProvider = trace.getTracerProvider(), meters: MeterProvider = metrics.getMeterProvider()) {
    this.#queue = queue
    this.#tracer = tracers.getTracer('rapidfire', VERSION, SCHEMA)
    const meter = meters.getMeter('rapidfire', VERSION, SCHEMA)
    this.#durations = {
      send: meter.createHistogram('messaging.client.operation.duration', {
        description: 'Duration of messaging operation initiated by a producer or consumer client.',
        ...SECONDS,
      }),
      process: meter.createHistogram('messaging.process.duration', { description: 'Duration of processing operation.', ...SECONDS }),
    }
    this.#sent = meter.createCounter('messaging.client.sent.messages', {
      description: 'Number of messages producer attempted to send to the broker.',
      unit: '{message}',
    })
    this.#consumed = meter.createCounter('messaging.client.consumed.messages', {
      description: 'Number of messages that were delivered to the application.',
      unit: '{message}',
    })
  }

  begin({ name, type, attributes, links, parent }: Telling): Operation {
    const about = { ...this.#about(name), 'messaging.operation.type': type }
    const options = { kind: KINDS[type], attributes: { ...about, ...attributes }, links }
    const span = this.#tracer.startSpan(`${name} ${this.#queue}`, options, parent)
    const began = performance.now()
    let ended = false
    const end = (failure?: Failure) => {
      if (ended) return
      ended = true
      this.#durations[type].record((performance.now() - began) / 1000, failure ? { ...about, 'error.type': failure.type } : about)
      if (failure) tellFailure(span, failure)
      span.end()
    }
    return { span, context: trace.setSpan(parent, span), end }
  }

  /** Messages were sent, with these results; those that never left this process do not count. */
  sent(results: readonly (AddResult | RapidfireError)[]): void {
    const counts = new Map<string | undefined, number>()
    for (const result of results) {
      const isError = result instanceof RapidfireError
      if (isError && result.command === undefined) continue
      const type = isError ? result.code : undefined
      counts.set(type, (counts.get(type) ?? 0) + 1)
    }
    for (const [type, count] of counts) this.#sent.add(count, { ...this.#about('add'), ...(type && { 'error.type': type }) })
  }

  /** Messages were handed to a handler. */
  consumed(messages: number): void {
    this.#consumed.add(messages, this.#about('process'))
  }

  #about(name: Telling['name']): Attributes {
    return { 'messaging.system': 'rapidfire', 'messaging.destination.name': this.#queue, 'messaging.operation.name': name }
  }
}

function tellFailure(span: Span, { type, error }: Failure): void {
  const message = textOf(error)
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR, message })
  span.recordException(error instanceof Error ? error : message)
}
