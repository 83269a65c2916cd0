export { type Batch, joinText, type Message } from './batches/batch.ts'
export type { Claimed, ClaimOptions, FailOptions } from './batches/claims.ts'
export type { CompleteOptions } from './batches/completion.ts'
export type { DeadBatch } from './batches/dead.ts'
export type { Erased } from './batches/erase.ts'
export type { Forwarded, ForwardOptions } from './batches/forward.ts'
export type { Peek } from './batches/peek.ts'
export type { Stats } from './batches/stats.ts'
export type { CheckReport } from './check/check.ts'
export type { Found, Violation } from './check/violations.ts'
export { RapidFire } from './constructor.ts'
export {
  type ErrorCode,
  ProcessingError,
  RapidfireError,
  RefusedBatchesError,
  RefusedMessagesError,
} from './errors.ts'
export type { Run, WorkerEvents } from './events.ts'
export type { ArchivedBatch, ArchivedOptions } from './history/archived.ts'
export type { EventsOptions, QueueEvent } from './history/events.ts'
export type { Trace, Traced, TracePlace, TraceState } from './history/trace.ts'
export type { Durability } from './messages/durability.ts'
export type { AddResult, Confirmation } from './messages/results.ts'
export type { Schema } from './messages/schema.ts'
export type { TraceContext } from './messages/trace-context.ts'
export type { AddAllOptions, AddOptions, MessageOptions, NewMessage, Policy, RapidFireOptions } from './options.ts'
export { partitionOf } from './partitions/roots.ts'
export type { Cause, Reason, State } from './protocol/replies.ts'
export type { RedisInput } from './redis/input.ts'
export type { BindingMode, BindingOptions } from './redis/loader.ts'
export {
  exponentialBackoff,
  type Handler,
  type HandlerContext,
  type Logger,
  type Outcome,
  type ProcessorOptions,
} from './worker/handler.ts'
export type { ProcessOptions } from './worker/pending.ts'
export type { Summary } from './worker/summary.ts'
export { Discard, GiveUp, PartialFailure, RetryLater } from './worker/verdicts.ts'
export { Worker, type WorkerOptions } from './worker/worker.ts'
