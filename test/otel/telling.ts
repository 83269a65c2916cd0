import { type Attributes, type Context, context, ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { type DataPoint, DataPointType, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type TracerConfig,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest'
import { type InstrumentOptions, instrument } from '../../src/otel/index.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

class Reader extends MetricReader {
  protected async onShutdown() {}
  protected async onForceFlush() {}
}

/** A metric as it is exported: its unit, and by its attributes what was counted, or how often. */
export interface Told {
  unit: string
  type: string
  points: [attributes: Attributes, count: number][]
}

/** The SDK of OpenTelemetry in memory, with the context that async functions keep. */
export class Sdk {
  readonly #exporter = new InMemorySpanExporter()
  readonly #reader = new Reader()
  readonly tracerProvider: BasicTracerProvider
  readonly meterProvider = new MeterProvider({ readers: [this.#reader] })

  constructor(config: TracerConfig = {}) {
    this.tracerProvider = new BasicTracerProvider({ ...config, spanProcessors: [new SimpleSpanProcessor(this.#exporter)] })
  }

  /** Those that have ended, in the order in which they did. */
  get spans(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  /** Those of this name. */
  named(name: string): ReadableSpan[] {
    return this.spans.filter((span) => span.name === name)
  }

  /** Runs something in a span, as a program does. */
  within<Output>(name: string, run: (span: Span) => Promise<Output>, parent: Context = ROOT_CONTEXT): Promise<Output> {
    const span = this.tracerProvider.getTracer('test').startSpan(name, { kind: SpanKind.INTERNAL }, parent)
    return context.with(trace.setSpan(parent, span), () => run(span)).finally(() => span.end())
  }

  async resource() {
    return (await this.#reader.collect()).resourceMetrics
  }

  async metrics(): Promise<Record<string, Told>> {
    const { scopeMetrics } = await this.resource()
    const told: Record<string, Told> = {}
    for (const { descriptor, dataPointType, dataPoints } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
      const points = (dataPoints as DataPoint<number | Histogram>[]).map(({ attributes, value }): [Attributes, number] => [
        attributes,
        typeof value === 'number' ? value : value.count,
      ])
      told[descriptor.name] = { unit: descriptor.unit, type: DataPointType[dataPointType], points }
    }
    return told
  }
}

/** A server for the file, and clients that tell an SDK of a test. */
export function useOtel() {
  let server: TestRedis
  beforeAll(async () => {
    server = await useRedis()
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  })
  afterAll(() => context.disable())
  beforeEach(() => server.redis.flushall())

  const plain = (options: ConstructorParameters<typeof RapidFire>[0] = {}) => {
    const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'salon', ...options })
    onTestFinished(() => rapidfire.close())
    return rapidfire
  }

  return {
    server: () => server,
    plain,
    client: (sdk: Sdk, options: InstrumentOptions = {}, more: Parameters<typeof plain>[0] = {}) =>
      instrument(plain(more), { tracerProvider: sdk.tracerProvider, meterProvider: sdk.meterProvider, ...options }),
    /** The messages of a key as they stand in Redis. */
    stored: (key: string) => server.redis.lrange(`rapid-fire:{salon}:messages:${key}`, 0, -1),
  }
}

/** The context of a span as a message has it. */
export const traceparentOf = (span: ReadableSpan | Span) => {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags}`
}

/** The spans that it has links to. */
export const linked = (span: ReadableSpan | undefined) => span?.links.map(({ context: { traceId, spanId } }) => `${traceId}-${spanId}`)
export const nameOf = (span: ReadableSpan) => `${span.spanContext().traceId}-${span.spanContext().spanId}`
