import { type Attributes, createTraceState, isSpanContextValid, type Link, type SpanContext } from '@opentelemetry/api'
import type { TraceContext } from '../messages/trace-context.ts'

/** What is looked at of a message: one of a batch, or of the data of a job. */
interface Traced {
  id?: string | undefined
  traceContext?: TraceContext | undefined
}

/** Longer ones would be refused, and the message with them. */
const TRACESTATE = /^[ -~]{1,512}$/

/** The context of a span as it travels with a message; undefined when nobody traces. */
export function contextOf(span: SpanContext): TraceContext | undefined {
  if (!isSpanContextValid(span)) return undefined
  const traceparent = `00-${span.traceId}-${span.spanId}-${(span.traceFlags & 0xff).toString(16).padStart(2, '0')}`
  const tracestate = span.traceState?.serialize() ?? ''
  return TRACESTATE.test(tracestate) ? { traceparent, tracestate } : { traceparent }
}

function spanOf({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  const [version, traceId = '', spanId = '', flags = ''] = traceparent.split('-')
  const traceState = tracestate ? createTraceState(tracestate) : undefined
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true, ...(traceState && { traceState }) }
  return version !== 'ff' && isSpanContextValid(span) ? span : undefined
}

/**
 * Links to the spans that messages were added in, for a span of your own: of a consumer of BullMQ, or of what `claimReady` has brought. Messages that
 * were added in one span, as by one `addMessages`, have one link.
 *
 * @param options.messageIds whether each link has the id of its message, and each message a link. False by default
 * @example tracer.startActiveSpan('answer', { links: linksOf(job.data.messages) }, answer)
 */
export function linksOf(messages: readonly Traced[], options: { messageIds?: boolean } = {}): Link[] {
  const links = new Map<string, Link>()
  for (const { id, traceContext } of messages) {
    const context = traceContext && spanOf(traceContext)
    if (!context) continue
    const named = options.messageIds ? id : undefined
    const attributes: Attributes = named === undefined ? {} : { 'messaging.message.id': named }
    links.set(`${context.traceId}${context.spanId}${named ?? ''}`, { context, attributes })
  }
  return [...links.values()]
}
