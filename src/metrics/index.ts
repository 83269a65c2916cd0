import type { Stats } from '../batches/stats.ts'
import { exposition } from './exposition.ts'
import { queueFamilies } from './queue.ts'

export { CONTENT_TYPE } from './exposition.ts'
export { WebhookMetrics } from './webhook.ts'
export { WorkerMetrics } from './worker.ts'

/**
 * The figures of queues in the text format of Prometheus, 0.0.4. They are true of the queue, whoever asks: let one process export them, and not each worker.
 *
 * @param stats of one queue, or of several
 * @returns lines to answer a scrape with, with `CONTENT_TYPE`
 * @example response.setHeader('content-type', CONTENT_TYPE).end(renderMetrics(await rapidfire.getStats()))
 */
export const renderMetrics = (stats: Stats | readonly Stats[]): string =>
  exposition(queueFamilies(Array.isArray(stats) ? stats : [stats as Stats]))
