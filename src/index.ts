export type { Cause, DeadBatch, Peek, State } from './batches/batch.ts'
export { type Batch, joinText, type Message, type Reason } from './batches/batch.ts'
export { Discard, PartialFailure, RetryLater } from './batches/outcomes.ts'
export type { Stats } from './batches/stats.ts'
export type { CheckReport, Found } from './check/check.ts'
export type { Violation } from './check/violations.ts'
export {
  type AddResult,
  type ErrorCode,
  ProcessingError,
  RapidfireError,
  RefusedBatchesError,
  RefusedMessagesError,
} from './errors.ts'
export type { Confirmation, Durability } from './messages/durability.ts'
export type { Schema } from './messages/schema.ts'
export type {
  AddOptions,
  Claimed,
  ClaimOptions,
  FailOptions,
  MessageOptions,
  NewMessage,
  Policy,
  ProcessOptions,
  RapidFireOptions,
  Summary,
} from './options.ts'
export { partitionOf } from './partitions/layout.ts'
export { RapidFire } from './rapidfire.ts'
export type { BindingMode, BindingOptions } from './redis/binding.ts'
export type { RedisInput } from './redis/connection.ts'
export type { Forwarded, ForwardOptions } from './worker/forwarder.ts'
export {
  exponentialBackoff,
  type Handler,
  type HandlerContext,
  type Logger,
  type Outcome,
  type ProcessorOptions,
} from './worker/handler.ts'
export { Worker, type WorkerEvents, type WorkerOptions } from './worker/worker.ts'
