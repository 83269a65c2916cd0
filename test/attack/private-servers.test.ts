import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { PASSWORD, startRedis } from '../../cli/demo/private-redis.ts'
import { eventually } from '../cli/processes.ts'
import { lacksServer } from '../client/clients.ts'
import { expectGuarded } from '../support/guarded.ts'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))

/** The files that start a server or a container, and how. Each gives it a password; that of clusters and sentinels is looked at where they are tested. */
const STARTS = /\b(?:spawn|exec|fork)\w*\(\s*(?:binary|findServer\(\)|['"`](?:redis|valkey)-server)|\bnew GenericContainer\(/

it('whatever starts a server gives it a password', () => {
  const files = ['cli', 'src', 'test'].flatMap((folder) =>
    readdirSync(`${REPOSITORY}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[cm]?[jt]s$/.test(name) && !name.includes('node_modules'))
      .map((name) => `${folder}/${name}`),
  )
  const starting = files.filter((name) => STARTS.test(readFileSync(`${REPOSITORY}${name}`, 'utf8')))
  expect(starting.sort()).toEqual(['cli/demo/private-redis.ts', 'test/support/container.ts', 'test/support/sentinel.ts'])
  for (const name of starting)
    expect(readFileSync(`${REPOSITORY}${name}`, 'utf8')).toMatch(/requirepass \$\{?PASSWORD|requirepass \$\{password/)
})

it.skipIf(lacksServer('the password of private servers'))(
  'a private server takes nobody without the password, which others cannot see',
  async () => {
    const server = await startRedis()
    const redis = new Redis(server.url)
    onTestFinished(async () => {
      redis.disconnect()
      await server.stop()
    })
    expect(await redis.ping()).toBe('PONG')
    await expectGuarded([server.port])
    expect(statSync(server.folder).mode & 0o077).toBe(0)
    const { pid } = server.process
    // Small Linux images have no `ps`.
    const isLinux = process.platform === 'linux'
    const args = isLinux
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      : execFileSync('ps', ['-ww', '-o', 'args=', '-p', `${pid}`], { encoding: 'utf8' })
    expect(args).toContain(String(server.port))
    expect(args).not.toContain(PASSWORD)
  },
)

it.skipIf(lacksServer('what a private server leaves behind'))(
  'a private server and what it has stored go with the process that started it, even by kill -9',
  async () => {
    const script = `import { startRedis } from './cli/demo/private-redis.ts'
    const { url, folder } = await startRedis()
    console.log(JSON.stringify({ url, folder }))`
    const starter = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void starter.kill('SIGKILL'))
    const [said] = await once(starter.stdout, 'data')
    const { url, folder } = JSON.parse(String(said))
    expect(existsSync(folder)).toBe(true)
    starter.kill('SIGKILL')
    await eventually(() => !existsSync(folder))
    await expect(new Redis(url, { lazyConnect: true, retryStrategy: () => null }).on('error', () => {}).connect()).rejects.toThrow()
  },
)
