// What the bench uses of packages that `make check` does without: they are installed by `make bench` alone.

declare module 'bee-queue' {
  interface Job {
    id: string
    data: { key: string }
    delayUntil(at: number): this
    retries(times: number): this
    save(): Promise<this>
  }
  export default class BeeQueue {
    constructor(name: string, settings: Record<string, unknown>)
    ready(): Promise<this>
    createJob(data: { key: string }): Job
    saveAll(jobs: Job[]): Promise<Map<Job, Error>>
    process(concurrency: number, handler: (job: Job) => Promise<void>): void
    on(event: 'succeeded', listener: (job: Job) => void): this
    close(): Promise<void>
  }
}

declare module 'groupmq' {
  import type { Redis } from 'ioredis'

  interface Job<T> {
    id: string
    data: T
  }
  export class Queue<T> {
    constructor(options: {
      redis: Redis
      namespace: string
      autoBatch: { size: number; maxWaitMs: number }
      schedulerLockTtlMs: number
    })
    add(job: { groupId: string; data: T; delay: number; maxAttempts: number }): Promise<unknown>
    close(): Promise<void>
  }
  export class Worker<T> {
    constructor(options: {
      queue: Queue<T>
      concurrency: number
      schedulerIntervalMs: number
      handler: (job: Job<T>) => Promise<void>
    })
    on(event: 'completed', listener: (job: Job<T>) => void): this
    run(): Promise<void>
    close(): Promise<void>
  }
}

declare module 'autocannon' {
  interface Options {
    url: string
    connections: number
    duration: number
    overallRate?: number
    requests: { method: 'POST'; path: string; headers: Record<string, string>; setupRequest: (request: { body?: string }) => object }[]
  }
  interface Result {
    duration: number
    non2xx: number
    errors: number
    timeouts: number
    requests: { total: number }
    latency: { p50: number; p99: number }
  }
  export default function autocannon(options: Options): Promise<Result>
}

declare module 'echarts' {
  interface Chart {
    setOption(option: object): void
    renderToSVGString(): string
    dispose(): void
  }
  export function init(dom: null, theme: null, options: { renderer: 'svg'; ssr: true; width: number; height: number }): Chart
}
