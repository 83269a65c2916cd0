import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built command line, as package.json names it. */
export const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** The environment of a command: ours, without what would change what it prints or which server it finds. */
export function environment(changes: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { REDIS_URL: _, RAPIDFIRE_QUEUE: __, FORCE_COLOR: ___, ...env } = process.env
  return { ...env, NO_COLOR: '1', ...changes }
}

/** Runs a program to its end. */
export async function run(program: string, args: string[], env: Record<string, string> = {}, cwd?: string): Promise<Ended> {
  const child = spawn(program, args, { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'], ...(cwd ? { cwd } : {}) })
  const printed = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => (printed.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (printed.stderr += text))
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  return { code, ...printed }
}

/** Runs the command line. */
export const rapidfire = (args: string[], env?: Record<string, string>): Promise<Ended> => run(process.execPath, [CLI, ...args], env)

/** redis-cli or valkey-cli on PATH, or undefined. */
export function findRedisCli(): string | undefined {
  for (const name of ['redis-cli', 'valkey-cli']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name)
      try {
        accessSync(file, constants.X_OK)
        return file
      } catch {}
    }
  }
  return undefined
}

/**
 * A folder for the front of PATH, in which `redis-cli` and `npx rapidfire` mean the given server and the built command line. redis-cli
 * ends with an exit code when the server replies an error. Without a server each command must find its own.
 */
export async function useCommands(url?: string): Promise<{ folder: string; PATH: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-commands-'))
  const command = async (name: string, text: string) => {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`)
    await chmod(join(folder, name), 0o755)
  }
  await command('redis-cli', `exec '${findRedisCli()}' -e ${url ? `--no-auth-warning -u '${url}'` : ''} "$@"`)
  await command('npx', `[ "$1" = rapidfire ] || exit 127\nshift\nexec '${process.execPath}' '${CLI}' "$@"`)
  return {
    folder,
    PATH: `${folder}${delimiter}${process.env.PATH}`,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
