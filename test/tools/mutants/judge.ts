import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findServer } from '../../../cli/demo/private-redis.ts'
import type { Answer } from './runner.ts'

export const TREE = fileURLToPath(new URL('../../..', import.meta.url))

/** A test may wait for what never comes. That is noticed too, after this time at most. */
const LIMIT_MS = 300_000

/** A fault may make a server take all memory. */
const SERVER_KILOBYTES = 2_000_000

/** Runs tests against Lua files of its own, in a process of its own. */
export class Judge {
  /** Its copy of lua/. */
  readonly lua: string
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  #process: ChildProcess | undefined

  /**
   * @param env what else the tests find in their environment
   * @param seconds of a processor that a server gets, since a fault may keep it busy for ever; a test may take three times as long
   */
  constructor(env: Record<string, string> = {}, seconds = 10) {
    this.#folder = mkdtempSync(join(tmpdir(), 'rapidfire-mutants-'))
    this.lua = join(this.#folder, 'lua')
    cpSync(join(TREE, 'lua'), this.lua, { recursive: true })
    const server = join(this.#folder, 'server')
    const limits = `ulimit -t ${seconds}; ulimit -v ${SERVER_KILOBYTES} 2>/dev/null`
    writeFileSync(server, `#!/bin/sh\n${limits}\nexec '${findServer()}' "$@"\n`)
    chmodSync(server, 0o755)
    // Neither the server that a user has named, nor what the vitest says in which this may run itself.
    const ours = Object.entries(process.env).filter(([name]) => name !== 'REDIS_URL' && !name.startsWith('VITEST') && name !== 'NODE_ENV')
    this.#env = { ...Object.fromEntries(ours), LUA_ROOT: this.lua, REDIS_BINARY: server, TEST_TIMEOUT: String(3000 * seconds), ...env }
  }

  /**
   * The test of those files which fails first, in words; undefined when all pass. Throws when they could not be run: that says nothing about a
   * fault.
   */
  async failureOf(...tests: string[]): Promise<string | undefined> {
    const running = this.#process ?? (await this.#start())
    running.send(tests.map((test) => join(TREE, test)))
    const answer = await this.#answer(running)
    if (answer === undefined) {
      this.#end()
      return `no end within ${LIMIT_MS / 1000} s`
    }
    const { failure, broken } = answer
    if (broken !== undefined) throw new Error(`${tests.join(' ')} could not be run: ${broken}`)
    return failure?.replace(TREE, '')
  }

  /** Ends its process, and all that this has started. */
  close(): void {
    this.#end()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #start(): Promise<ChildProcess> {
    // A group of its own, so that all can be ended together.
    this.#process = fork(fileURLToPath(new URL('runner.ts', import.meta.url)), {
      cwd: TREE,
      env: this.#env,
      execArgv: ['--import', 'tsx'],
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const started = await this.#answer(this.#process)
    if (started === undefined) {
      this.#end()
      throw new Error(`the process of a judge was not ready within ${LIMIT_MS / 1000} s`)
    }
    return this.#process
  }

  /** What the process says next; undefined when it says nothing in time. Throws when it ends. */
  async #answer(running: ChildProcess): Promise<Answer | undefined> {
    const waiting = new AbortController()
    const timer = setTimeout(() => waiting.abort(), LIMIT_MS)
    const { signal } = waiting
    try {
      return await Promise.race([
        once(running, 'message', { signal }).then(([answer]) => answer),
        once(running, 'exit', { signal }).then(([code, by]) => {
          throw new Error(`the process of a judge has ended, by ${by ?? `exit code ${code}`}`)
        }),
      ])
    } catch (error) {
      if (signal.aborted) return undefined
      this.#end()
      throw error
    } finally {
      clearTimeout(timer)
      waiting.abort()
    }
  }

  #end(): void {
    const pid = this.#process?.pid
    this.#process = undefined
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}
