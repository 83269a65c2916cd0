export { type Batch, joinText, type Message, type Reason } from './batch.ts'
export type { BindingMode, BindingOptions } from './binding.ts'
export type { MessageOptions, Peek, Policy, State } from './commands.ts'
export type { RedisInput } from './connection.ts'
export { type AddResult, type ErrorCode, RapidfireError, RefusedMessagesError } from './errors.ts'
export { exponentialBackoff, type Handler, type HandlerContext, type Outcome, type ProcessorOptions } from './processor.ts'
export {
  type Claimed,
  type ClaimOptions,
  type NewMessage,
  type ProcessOptions,
  RapidFire,
  type RapidFireOptions,
  type Summary,
} from './rapidfire.ts'
export type { Schema } from './schema.ts'
export type { Stats } from './stats.ts'
