import type { Cluster, Redis } from 'ioredis'

/** Somebody who hears messages. */
export interface Hearing {
  message(message: string): void
  /** It hears from now on; messages may have been sent before. */
  subscribed(): void
  /** The connection is lost, and is being made anew. */
  lost(): void
  failed(error: unknown): unknown
}

/** What is heard by one connection: any number of channels, each by any number of those who share it. It connects when the first of them comes. */
export class Subscriptions {
  readonly #client: Redis | Cluster
  readonly #explain: (error: unknown) => unknown
  readonly #hearing = new Map<Hearing, readonly string[]>()
  readonly #channels = new Map<string, Set<Hearing>>()
  #begun = false

  /** @param explain makes of what the client has failed with what is told */
  constructor(client: Redis | Cluster, explain: (error: unknown) => unknown) {
    this.#client = client
    this.#explain = explain
  }

  /** Hears these channels, named without the client's key prefix, on this connection and on each one that is made after it. Returns what ends that. */
  add(names: readonly string[], hearing: Hearing): () => void {
    const channels = names.map((name) => `${this.#client.options.keyPrefix ?? ''}${name}`)
    this.#hearing.set(hearing, channels)
    for (const channel of channels) this.#channels.set(channel, (this.#channels.get(channel) ?? new Set()).add(hearing))
    if (!this.#begun) this.#begin()
    else if (this.#client.status === 'ready') this.#subscribe(channels, [hearing])
    return () => this.#remove(hearing)
  }

  #begin(): void {
    this.#begun = true
    const client = this.#client
    client.on('message', (channel: string, message: string) => {
      for (const hearing of this.#channels.get(channel) ?? []) hearing.message(message)
    })
    client.on('close', () => {
      for (const hearing of this.#hearing.keys()) hearing.lost()
    })
    client.on('ready', () => this.#subscribe([...this.#channels.keys()], [...this.#hearing.keys()]))
    client.connect().catch((error) => this.#failed(error, [...this.#hearing.keys()]))
  }

  #subscribe(channels: readonly string[], told: readonly Hearing[]): void {
    if (channels.length === 0) return
    this.#client.subscribe(...channels).then(
      () => {
        for (const hearing of told) if (this.#hearing.has(hearing)) hearing.subscribed()
      },
      (error) => this.#failed(error, told),
    )
  }

  #failed(error: unknown, told: readonly Hearing[]): void {
    const explained = this.#explain(error)
    for (const hearing of told) if (this.#hearing.has(hearing)) hearing.failed(explained)
  }

  #remove(hearing: Hearing): void {
    const channels = this.#hearing.get(hearing) ?? []
    this.#hearing.delete(hearing)
    const unheard = channels.filter((channel) => {
      const others = this.#channels.get(channel)
      others?.delete(hearing)
      return others?.size === 0 && this.#channels.delete(channel)
    })
    // Of a connection that is being made anew only what is left is heard.
    if (unheard.length > 0 && this.#client.status === 'ready') this.#client.unsubscribe(...unheard).catch(() => {})
  }
}
