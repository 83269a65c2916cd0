export type { Cause, DeadBatch, Peek, State } from './batch.ts'
export { type Batch, joinText, type Message, type Reason } from './batch.ts'
export type { BindingMode, BindingOptions } from './binding.ts'
export type { CheckReport, Found } from './check.ts'
export type { RedisInput } from './connection.ts'
export type { Confirmation, Durability } from './durability.ts'
export {
  type AddResult,
  type ErrorCode,
  ProcessingError,
  RapidfireError,
  RefusedBatchesError,
  RefusedMessagesError,
} from './errors.ts'
export type { Forwarded, ForwardOptions } from './forwarder.ts'
export { exponentialBackoff, type Handler, type HandlerContext, type Logger, type Outcome, type ProcessorOptions } from './handler.ts'
export type { Violation } from './invariants.ts'
export { partitionOf } from './layout.ts'
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
export { Discard, PartialFailure, RetryLater } from './outcomes.ts'
export { RapidFire } from './rapidfire.ts'
export type { Schema } from './schema.ts'
export type { Stats } from './stats.ts'
export { Worker, type WorkerEvents, type WorkerOptions } from './worker.ts'
