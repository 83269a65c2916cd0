import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended, endTogether } from '../../../cli/demo/private-redis.ts'
import type { RapidFire } from '../../../src/rapidfire.ts'
import { type Entry, type Fact, History, nameOf } from '../history.ts'
import { runnable } from './bundle.ts'
import type { Task } from './worker.ts'

/** A process that has a part in a run; when it ends, another one can take that. */
export interface Part<Role extends string = string> {
  role: Role
  pid: number
  script: URL
  setup: object
}

/** A process that has not ended so long after it was asked to is killed, ms. */
const CLOSE_WITHIN = 60_000

/** Processes that use a queue, and can be stopped and killed. They write what happens to them into one history. */
export class Processes {
  readonly history: History
  readonly parts: Part[] = []
  readonly #children: ChildProcess[] = []

  /** @param file of the history */
  constructor(file: string) {
    this.history = new History(file)
  }

  /** Starts processes that run a script with their setup, and waits until they say that they run; their pids. */
  async spawn(script: URL, setup: object, count = 1): Promise<number[]> {
    const args = await runnable(script)
    const started = Array.from({ length: count }, () => {
      const child = spawn(process.execPath, args, {
        env: { ...process.env, SETUP: JSON.stringify(setup) },
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      child.once('exit', endTogether([child.pid]))
      return child
    })
    this.#children.push(...started)
    const pids = started.map(({ pid }) => pid as number)
    await this.until((entries) => pids.every((pid) => entries.some((entry) => entry.pid === pid && entry.what === 'running')))
    return pids
  }

  /** Starts a process that has a part from now on. */
  async enter(role: string, script: URL, setup: object): Promise<Part> {
    const [pid] = (await this.spawn(script, setup)) as [number]
    const part = { role, pid, script, setup }
    this.parts.push(part)
    return part
  }

  /** Starts another process for one that has ended. */
  async recast(part: Part): Promise<void> {
    const [pid] = (await this.spawn(part.script, part.setup)) as [number]
    part.pid = pid
  }

  of(role: string): Part[] {
    return this.parts.filter((part) => part.role === role)
  }

  /** The processes that have not ended. */
  get alive(): number[] {
    const alive = this.#children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    return alive.map(({ pid }) => pid as number)
  }

  #child(pid: number): ChildProcess {
    return this.#children.find((child) => child.pid === pid) as ChildProcess
  }

  signal(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child(pid).kill(signal)
    this.history.write({ what: signal === 'SIGSTOP' ? 'stopped' : 'continued' }, pid)
  }

  /** Kills a process on the spot. */
  async kill(pid: number): Promise<void> {
    await ended(this.#child(pid), 'SIGKILL')
    this.history.write({ what: 'killed' }, pid)
  }

  /** Asks processes to close and waits until they have ended by themselves; their exit codes, null of one that had to be killed. */
  terminate(pids: number[]): Promise<(number | null)[]> {
    return Promise.all(
      pids.map(async (pid) => {
        const timer = setTimeout(() => this.#child(pid).kill('SIGKILL'), CLOSE_WITHIN)
        await ended(this.#child(pid), 'SIGTERM')
        clearTimeout(timer)
        return this.#child(pid).exitCode
      }),
    )
  }

  /** Waits until the history has it. */
  async until(found: (entries: Entry[]) => unknown, most = 30_000): Promise<void> {
    for (const end = Date.now() + most; ; await sleep(20)) {
      const entries = this.history.read()
      if (found(entries)) return
      if (Date.now() > end)
        throw new Error(`not in the history after ${most} ms:\n${entries.map((entry) => JSON.stringify(entry)).join('\n')}`)
    }
  }

  /** Waits for an entry. */
  async entry<What extends Fact['what']>(what: What, about: Partial<Entry> = {}): Promise<Extract<Entry, { what: What }>> {
    const found = (entries: Entry[]) =>
      entries.find((entry) => Object.entries({ what, ...about }).every(([field, value]) => entry[field as 'what'] === value))
    await this.until(found)
    return found(this.history.read()) as Extract<Entry, { what: What }>
  }

  /** Notes the dead batches that Redis keeps. */
  async noteDead(client: RapidFire<Task>): Promise<void> {
    for (const { id } of await client.dead({ limit: 1000 })) {
      const [batch] = await client.dead({ id })
      if (!batch) continue
      const messages = batch.messages.map(({ data, id }) => nameOf(data as Task, id))
      this.history.write({ what: 'buried', key: batch.key, batch: id, attempt: batch.attempt, messages, cause: batch.cause })
    }
  }

  /** Ends all processes. */
  async end(): Promise<void> {
    for (const child of this.#children) await ended(child, 'SIGKILL')
  }
}
