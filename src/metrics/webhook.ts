import type { EventEmitter } from 'node:events'
import type { WebhookEvents } from '../events.ts'
import { exposition } from './exposition.ts'

/**
 * What only a process with a webhook knows, from now on: what it has stored and refused.
 *
 * @example
 * const events = new EventEmitter<WebhookEvents>()
 * const metrics = new WebhookMetrics('whatsapp', events)
 * createWebhook(rapidfire, { events, … })
 */
export class WebhookMetrics {
  readonly #queue: string
  readonly #messages = new Map<string, { added: number; duplicate: number; changed: number }>()
  readonly #refused = new Map<string, number>()
  #errors = 0

  /** @param events the option of the same name of the webhook; whoever listens to `error` there is still told */
  constructor(queue: string, events: EventEmitter<WebhookEvents>) {
    this.#queue = queue
    events.on('stored', ({ source, added, duplicates, changed }) => {
      const before = this.#messages.get(source) ?? { added: 0, duplicate: 0, changed: 0 }
      const all = { added: before.added + added, duplicate: before.duplicate + duplicates, changed: before.changed + changed }
      this.#messages.set(source, all)
    })
    events.on('refused', ({ code }) => void this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1))
    events.on('error', () => void (this.#errors += 1))
  }

  /** The text of a scrape. */
  render(): string {
    const queue = this.#queue
    const messages = [...this.#messages].flatMap(([source, counts]) =>
      Object.entries(counts).map(([result, value]) => ({ labels: { queue, source, result }, value })),
    )
    return exposition([
      {
        name: 'rapidfire_webhook_messages_total',
        type: 'counter',
        help: 'Messages of requests that were stored, now or before.',
        samples: messages,
      },
      {
        name: 'rapidfire_webhook_refused_total',
        type: 'counter',
        help: 'Requests that were answered 4xx, by the code of the answer.',
        samples: Array.from(this.#refused, ([code, value]) => ({ labels: { queue, code }, value })),
      },
      {
        name: 'rapidfire_webhook_errors_total',
        type: 'counter',
        help: 'Requests that were answered 5xx.',
        samples: [{ labels: { queue }, value: this.#errors }],
      },
    ])
  }
}
