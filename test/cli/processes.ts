import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { ended } from '../support/redis.ts'
import { CLI, environment } from '../support/shell.ts'

/** A command that runs until it is stopped. */
export class Running {
  readonly child: ChildProcess
  /** What it has logged, a line each. */
  stdout = ''
  stderr = ''
  #ready: Promise<unknown>

  constructor(args: string[], env: Record<string, string>) {
    this.child = spawn(process.execPath, [CLI, ...args], { env: environment(env), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    this.child.stdout?.setEncoding('utf8').on('data', (text) => (this.stdout += text))
    this.child.stderr?.setEncoding('utf8').on('data', (text) => (this.stderr += text))
    this.#ready = Promise.race([once(this.child, 'message'), once(this.child, 'exit')])
  }

  get lines(): Record<string, any>[] {
    return this.stdout
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line))
  }

  /** Waits for the message to its parent that says so. */
  async ready(): Promise<this> {
    const [message] = (await this.#ready) as [unknown]
    if (message !== 'ready') throw new Error(`it ended before it was ready: ${this.stdout}${this.stderr}`)
    return this
  }

  kill(): Promise<void> {
    return ended(this.child, 'SIGKILL')
  }

  /** Stops it and returns its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    await ended(this.child, signal)
    return this.child.exitCode
  }
}

const running: Running[] = []

/** Ends what a test has started. */
export async function endProcesses(): Promise<void> {
  await Promise.all(running.splice(0).map((each) => each.kill()))
}

/** Starts a command; it is ended after the test. */
export function start(args: string[], env: Record<string, string> = {}): Running {
  const process = new Running(args, env)
  running.push(process)
  return process
}

/** Asks until `found` has a value, for a bounded time. */
export async function eventually<T>(found: () => T | undefined | false | Promise<T | undefined | false>, ms = 15_000): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    const value = await found()
    if (value) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`not within ${ms} ms: ${found}`)
}
