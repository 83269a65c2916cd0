import { execFile, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ended, endTogether, freePort } from '../../cli/demo/private-redis.ts'
import { eventually } from '../cli/processes.ts'
import { debian } from './packages.ts'

const ROOM = new URL('../../src/metrics/', import.meta.url)

/** A file that comes with the metrics. */
export const shipped = (name: string) => readFile(new URL(name, ROOM), 'utf8')

/** The folder with `prometheus` and `promtool`, of the package of Debian; undefined, and a reason is printed, where it cannot be had. */
export async function findPrometheus(): Promise<string | undefined> {
  const folder = await debian('Prometheus itself', 'prometheus')
  return folder && join(folder, 'usr/bin')
}

/** What promtool says, with the exit code. */
export async function promtool(programs: string, args: string[], input = ''): Promise<{ code: number; said: string }> {
  const running = promisify(execFile)(join(programs, 'promtool'), args)
  running.child.stdin?.end(input)
  return running.then(
    ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, said: stdout + stderr }),
  )
}

export interface Prometheus {
  /** What its HTTP API answers. */
  ask(path: string): Promise<any>
  stop(): Promise<void>
}

/** Starts it in a folder that has its configuration, `prometheus.yaml`. */
export async function startPrometheus(programs: string, folder: string): Promise<Prometheus> {
  const port = await freePort()
  const args = ['--config.file=prometheus.yaml', '--storage.tsdb.path=data', `--web.listen-address=127.0.0.1:${port}`]
  const server = spawn(join(programs, 'prometheus'), args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  server.stderr.on('data', (text) => (said += text))
  const callOff = endTogether([server.pid])
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).json()
  const stop = async () => {
    await ended(server, 'SIGKILL')
    callOff()
  }
  try {
    await eventually(() => server.exitCode !== null || ask('/api/v1/status/config').catch(() => false))
    if (server.exitCode !== null) throw new Error(`Prometheus did not start: ${said}`)
  } catch (error) {
    await stop()
    throw error
  }
  return { ask, stop }
}

/** Writes the shipped files of Prometheus into a folder, with changes of the texts. */
export async function writeShipped(folder: string, change: (text: string) => string): Promise<void> {
  for (const name of ['prometheus.yaml', 'alerts.yaml']) await writeFile(join(folder, name), change(await shipped(name)))
}
