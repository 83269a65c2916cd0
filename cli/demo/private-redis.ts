import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** A Redis server of our own: no file of it outlives it, and nobody else knows its port and password. */
export interface PrivateRedis {
  /** With the password. */
  url: string
  port: number
  password: string
  /** Where it keeps its files. */
  folder: string
  process: ChildProcess
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
}

/** The first of REDIS_BINARY, redis-server and valkey-server that can be run, or undefined. */
export function findServer(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.REDIS_BINARY) return env.REDIS_BINARY
  const folders = (env.PATH ?? '').split(delimiter)
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of folders) {
      const file = join(folder, name)
      try {
        accessSync(file, constants.X_OK)
        return file
      } catch {}
    }
  }
  return undefined
}

/** A port of 127.0.0.1 that nobody uses just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Without it anybody on this machine might use the servers. */
export const PASSWORD = randomUUID()

/**
 * Starts a server on a free port of 127.0.0.1.
 *
 * @param options more options of redis-server, such as `['--appendonly', 'yes']`
 * @param at port and folder of a server that was ended before, to start it again with its data, a password of its own, and what is run instead of
 * what `findServer` finds
 */
export async function startRedis(
  options: string[] = [],
  at: { port?: number; folder?: string; password?: string; binary?: string } = {},
): Promise<PrivateRedis> {
  const { password = PASSWORD, binary = findServer() } = at
  if (!binary) throw new Error('no redis-server found: install it (apt-get install redis-server, brew install redis) or set REDIS_BINARY')
  const folder = at.folder ?? (await mkdtemp(join(tmpdir(), 'rapidfire-redis-')))
  for (let attempt = 1; ; attempt += 1) {
    const port = at.port ?? (await freePort())
    const server = spawn(
      binary,
      // The password comes in by a pipe: others can see a command line.
      ['-', '--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', ...options],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    )
    server.stdin?.on('error', () => {})
    server.stdin?.end(`requirepass ${password}\nmasterauth ${password}\n`)
    const failure = await started(server)
    if (failure === undefined) {
      server.once('exit', endTogether([server.pid], at.folder ? [] : [folder]))
      return {
        url: `redis://default:${password}@127.0.0.1:${port}`,
        port,
        password,
        folder,
        process: server,
        stop: async () => {
          await ended(server, 'SIGKILL')
          await rm(folder, { recursive: true, force: true })
        },
      }
    }
    // Somebody else may have taken the port in between.
    if (at.port || attempt === 3 || !failure.includes('in use')) throw new Error(`${binary} did not start: ${failure}`)
  }
}

/**
 * Sees to it that processes end when this one does, even by `kill -9`, and folders go with them: a shell waits at the other end of a pipe. Returns
 * what calls that off.
 */
export function endTogether(pids: (number | undefined)[], folders: string[] = []): () => void {
  const script = 'read -r _; kill -9 $PIDS 2>/dev/null; rm -rf "$@"'
  // Detached: Ctrl-C reaches every other process of the terminal.
  const guard = spawn('/bin/sh', ['-c', script, 'guard', ...folders], {
    env: { ...process.env, PIDS: pids.join(' ') },
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  guard.stdin.on('error', () => {})
  ;(guard.stdin as Socket).unref()
  return () => void guard.kill('SIGKILL')
}

/** Sends `signal` and waits until the process has ended. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await exit
}

/** Waits for the line that says it accepts connections; returns what it printed if it ended instead. */
function started(server: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let printed = ''
    const read = (chunk: Buffer) => {
      printed += chunk
      if (printed.includes('eady to accept connections')) resolve(undefined)
    }
    server.stdout?.on('data', read)
    server.stderr?.on('data', read)
    server.once('error', (error) => resolve(error.message))
    server.once('exit', () => resolve(printed || 'it ended at once'))
  })
}
