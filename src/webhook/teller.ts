import type { EventEmitter } from 'node:events'
import { bare } from '../errors.ts'
import type { WebhookEvents } from '../events.ts'
import type { Refusal } from './problem.ts'

/** Emits the events of a webhook. What a listener throws is a warning of the process: no request is answered otherwise for it. */
export class Teller {
  readonly #events: EventEmitter<WebhookEvents>

  constructor(events: EventEmitter<WebhookEvents>) {
    this.#events = events
  }

  stored(request: WebhookEvents['stored'][0]): void {
    this.#tell(() => this.#events.emit('stored', request))
  }

  refused(refusal: Refusal): void {
    const { status, code, detail: why, cause = refusal } = refusal
    if (status < 500) this.#tell(() => this.#events.emit('refused', { status, code, why }))
    // Without a listener an `error` would end the process.
    else if (this.#events.listenerCount('error') > 0) {
      this.#tell(() => this.#events.emit('error', cause instanceof Error ? (bare(cause) as Error) : new Error(String(cause))))
    }
  }

  #tell(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error))
    }
  }
}
