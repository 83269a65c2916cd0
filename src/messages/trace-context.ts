import { RapidfireError } from '../errors.ts'
import { checkNames, kindOf, type Names } from '../given.ts'

/** By which step of which trace a message came to be, as the headers of W3C Trace Context have it. It means nothing to Redis, and is handed over as it came. */
export interface TraceContext {
  /** @example '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' */
  traceparent: string
  /** What tracing systems add of their own, at most 512 printable ASCII characters. @example 'congo=t61rcWkgMzE' */
  tracestate?: string | undefined
}

const MEMBERS: Names<TraceContext> = { traceparent: true, tracestate: true }

const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/
const TRACESTATE = /^[ -~]{0,512}$/

/**
 * As it stands in front of a message in Redis, where blanks and commas part what stands there.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function encodeContext(context: TraceContext): string {
  checkNames('traceContext', context, MEMBERS)
  const { traceparent, tracestate = '' } = context
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) {
    throw new RapidfireError(
      'BAD_OPTION',
      `traceparent must be one of W3C Trace Context, 00-<32 hex>-<16 hex>-<2 hex>; got ${kindOf(traceparent)}`,
    )
  }
  if (typeof tracestate !== 'string' || !TRACESTATE.test(tracestate)) {
    throw new RapidfireError('BAD_OPTION', `tracestate must have at most 512 printable ASCII characters, got ${kindOf(tracestate)}`)
  }
  return tracestate === '' ? traceparent : `${traceparent};${tracestate.replace(/[ ,%]/g, encodeURIComponent)}`
}

/** Undefined when it is none: another program may have put anything there. */
export function decodeContext(text: string): TraceContext | undefined {
  const [traceparent = '', state = ''] = text.split(/;(.*)/)
  if (!TRACEPARENT.test(traceparent)) return undefined
  const tracestate = state.replace(/%(20|2C|25)/g, decodeURIComponent)
  return tracestate !== '' && TRACESTATE.test(tracestate) ? { traceparent, tracestate } : { traceparent }
}
