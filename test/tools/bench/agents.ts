import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { ended } from '../../../cli/demo/private-redis.ts'
import type { Tasks } from './tasks.ts'

const folder = new URL('.', import.meta.url)

/** Where a program of this folder lies once it has been built: processes that are measured run no compiler. */
export const built = (name: string) => fileURLToPath(new URL(`dist/${name}.js`, folder))

export async function buildPrograms(): Promise<void> {
  await build({
    absWorkingDir: fileURLToPath(folder),
    entryPoints: ['agent.ts', 'bare-server.ts'],
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  })
}

/** A process that runs one system. It does one task at a time. */
export class Agent {
  readonly #child: ChildProcess

  constructor() {
    // With the flags of our own process, that is the compiler's, it would be another program.
    this.#child = fork(built('agent'), { execArgv: [] })
    this.#child.setMaxListeners(0)
  }

  async do<T extends keyof Tasks>(task: T, input: Parameters<Tasks[T]>[0]): Promise<Awaited<ReturnType<Tasks[T]>>> {
    const { output, error } = await new Promise<{ output?: unknown; error?: string }>((resolve, reject) => {
      const exit = (code: number | null) => reject(new Error(`the process ended with ${code} in ${task}`))
      this.#child.once('exit', exit)
      this.#child.once('message', (message) => {
        this.#child.off('exit', exit)
        resolve(message as object)
      })
      this.#child.send({ task, input })
    })
    if (error) throw new Error(`${task}: ${error}`)
    return output as Awaited<ReturnType<Tasks[T]>>
  }

  stop(): Promise<void> {
    return ended(this.#child, 'SIGKILL')
  }
}
