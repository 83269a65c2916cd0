import type { JobsOptions } from 'bullmq'
import { type Batch, joinText, type Message } from '../batches/batch.ts'
import { RapidfireError } from '../errors.ts'
import { checkFunction, checkNames, kindOf, type Names } from '../given.ts'
import type { Reason } from '../protocol/replies.ts'

/** The data of a job: a batch and its text. */
export interface BatchJob<T = unknown> {
  /** Of the batch. */
  id: string
  /** The conversation. */
  key: string
  reason: Reason
  /** When the first message was received, ms since 1970. */
  openedAt: number
  /** When the batch became ready, ms since 1970. */
  deadline: number
  /** `joinText(batch)` */
  text: string
  messages: Message<T>[]
}

/** What is needed of a queue; a `Queue` of BullMQ has it. */
export interface JobQueue<T> {
  add(name: string, data: BatchJob<T>, options: JobsOptions): Promise<unknown>
}

export interface BullmqOptions<T> {
  /** Name of the jobs. @default 'batch' */
  name?: string
  /** Stands before the batch id in a job's id: needed when several queues of rapidfire fill one of BullMQ. No colon. @default '' */
  prefix?: string
  /** More options of a job, such as `attempts` or `priority`. */
  job?: (batch: Batch<T>) => Omit<JobsOptions, 'jobId'>
}

const BULLMQ_OPTIONS: Names<BullmqOptions<unknown>> = { name: true, prefix: true, job: true }

/**
 * A handler that adds each batch as a job of BullMQ. The job's id is the batch's, so a batch that is handed over again (its worker died
 * before it was completed) makes no second job as long as BullMQ keeps the first one: completed jobs are kept for an hour unless `job`
 * says otherwise.
 *
 * @throws RapidfireError `BAD_OPTION`
 * @example const worker = rapidfire.worker(toBullmq(new Queue('messages', { connection })))
 */
export function toBullmq<T = any>(queue: JobQueue<T>, options: BullmqOptions<T> = {}): (batch: Batch<T>) => Promise<void> {
  checkNames('toBullmq', options, BULLMQ_OPTIONS)
  const { name = 'batch', prefix = '', job } = options
  if (typeof queue?.add !== 'function') throw new RapidfireError('BAD_OPTION', `toBullmq takes a Queue of BullMQ, got ${kindOf(queue)}`)
  if (job !== undefined) checkFunction('job', job)
  if (String(prefix).includes(':'))
    throw new RapidfireError('BAD_OPTION', `prefix must have no colon, which BullMQ refuses; got '${prefix}'`)
  return async (batch) => {
    const { id, key, reason, openedAt, deadline, messages } = batch
    const data = { id, key, reason, openedAt, deadline, text: joinText(batch), messages }
    await queue.add(name, data, { removeOnComplete: { age: 3600 }, ...job?.(batch), jobId: prefix + id })
  }
}
