import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { run } from '../support/shell.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

/** What another apt that runs says, as that of Debian does. */
const LOCKED = "echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)' >&2; exit 100"

/** `make redis` where none is installed, with an apt-get of the test, which is given its turn as $turn. */
async function install(apt: string): Promise<{ code: number | null; stdout: string; calls: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-make-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const command = async (name: string, text: string) => {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`)
    await chmod(join(folder, name), 0o755)
  }
  for (const name of ['sh', 'env', 'seq', 'make', 'wc', 'cat']) {
    await symlink((await run('sh', ['-c', `command -v ${name}`])).stdout.trim(), join(folder, name))
  }
  await command('id', 'echo 0')
  await command('sleep', `echo "sleep $*" >> '${folder}/calls'`)
  await command('apt-get', `echo "apt-get $*" >> '${folder}/calls'\nturn=$(cat '${folder}/calls' | wc -l)\n${apt}`)
  const { code, stdout } = await run('make', ['-C', project, '--no-print-directory', 'redis'], {
    PATH: folder,
    REDIS_BINARY: '',
    REDIS_URL: '',
  })
  return { code, stdout, calls: readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') }
}

it('make waits for another apt that is running, and says so once', async () => {
  const { code, stdout, calls } = await install(`[ $turn -gt 4 ] || { ${LOCKED}; }`)
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Installing redis-server with apt-get\nAnother apt is running: waiting for it\n' })
  const [update, wait] = ['apt-get -qq update', 'sleep 5']
  expect(calls).toEqual([update, wait, update, wait, update, 'apt-get -qq install -y --no-install-recommends redis-server'])
})

it('make says what apt fails for, at once', async () => {
  const { code, stdout, calls } = await install("echo 'E: No network' >&2; exit 100")
  expect({ code, calls }).toEqual({ code: 2, calls: ['apt-get -qq update'] })
  expect(stdout).toContain('E: No network\n')
})

it('make demo installs what the demo imports, what runs TypeScript, and nothing else', () => {
  const [, installed = ''] = /^DEMO_PACKAGES = (.*)$/m.exec(readFileSync(join(project, 'Makefile'), 'utf8')) ?? []
  const files = ['src', 'cli'].flatMap((folder) => {
    const all = readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    return all.filter((name) => name.endsWith('.ts')).map((name) => readFileSync(join(project, folder, name), 'utf8'))
  })
  const imported = files.flatMap((text) => [...text.matchAll(/(?:^import (?!type ).*from |import\()'((?:@[\w-]+\/)?[\w-]+)['/]/gm)])
  const others = ['node', 'bullmq', '@opentelemetry/api', 'redis-om']
  const names = new Set(imported.map(([, name = '']) => name).filter((name) => !others.includes(name)))
  expect(installed.split(' ').sort()).toEqual([...names].sort())
})
