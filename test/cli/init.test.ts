import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../cli/demo/private-redis.ts'
import { useRedis } from '../support/redis.ts'
import { type Ended, rapidfire, run } from '../support/shell.ts'
import { sign } from '../webhook/webhook.ts'
import { command } from './command.ts'
import { eventually } from './processes.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const PM2 = createRequire(import.meta.url).resolve('pm2/bin/pm2')

/** A folder that has rapidfire in its node_modules, and a file that `init` printed. */
async function folderWith(name: string, ...args: string[]): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-init-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'node_modules'))
  await symlink(REPOSITORY, join(folder, 'node_modules', 'rapidfire'))
  const { code, stdout } = await rapidfire(['init', ...args])
  expect(code).toBe(0)
  const file = join(folder, name)
  await writeFile(file, stdout)
  return { folder, file }
}

describe('init', () => {
  it('init prints a file that real pm2 starts, scales, reloads and stops without a loss', async () => {
    const { redis, url } = await useRedis()
    const [port, health] = [await freePort(), await freePort()]
    const { folder, file } = await folderWith(
      'ecosystem.config.cjs',
      'pm2',
      '--queue',
      'sal"on',
      '--port',
      String(port),
      '--source',
      'generic',
      '--health-port',
      String(health),
      '--work',
      '--to stream:batches',
    )
    const env = { PM2_HOME: join(folder, 'pm2'), REDIS_URL: url, PM2_DISCRETE_MODE: 'true', RAPIDFIRE_SENDER_SECRET: 'of our own' }
    const pm2 = (...args: string[]): Promise<Ended> => run(process.execPath, [PM2, ...args], env, folder)
    onTestFinished(async () => {
      const daemon = Number(await readFile(join(env.PM2_HOME, 'pm2.pid'), 'utf8').catch(() => '0'))
      await pm2('kill')
      await eventually(() => !daemon || !alive(daemon))
    })
    const post = async (id: string) => {
      const body = JSON.stringify({ key: id, id, data: { text: 'Hi' } })
      const path = `http://127.0.0.1:${port}/webhook/whatsapp/batched`
      const response = await fetch(path, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'x-hub-signature-256': sign(body, env.RAPIDFIRE_SENDER_SECRET) },
      })
      expect(response.status).toBe(200)
    }
    const arrived = async (count: number) => {
      await redis.call('FCALL', 'rapidfire_policy', 1, 'rapid-fire:{sal"on}', 'WAIT', 50)
      await eventually(async () => (await redis.xlen('rapid-fire:{sal"on}:stream:batches')) === count)
    }
    const statuses = async () => {
      const { stdout } = await pm2('jlist')
      const list: { name: string; pid: number; pm2_env: { status: string } }[] = JSON.parse(stdout.slice(stdout.indexOf('[{')))
      return list.map(({ name, pid, pm2_env }) => ({ name, pid, status: pm2_env.status }))
    }

    expect(await pm2('start', file)).toMatchObject({ code: 0 })
    const first = await statuses()
    expect(first.map(({ name, status }) => `${name} ${status}`)).toEqual(['rapidfire-serve online', 'rapidfire-work online'])
    for (const each of [port, health]) expect((await fetch(`http://127.0.0.1:${each}/readyz`)).status).toBe(200)
    await post('ann')
    await arrived(1)

    process.kill(first[1]?.pid as number, 'SIGKILL')
    await eventually(async () => (await statuses()).every(({ pid, status }) => status === 'online' && pid !== first[1]?.pid))
    await post('bob')
    await arrived(2)

    expect(await pm2('reload', file)).toMatchObject({ code: 0 })
    expect((await statuses()).every(({ pid }) => first.every((each) => each.pid !== pid))).toBe(true)
    await post('cid')
    await arrived(3)
    expect(await pm2('delete', 'all')).toMatchObject({ code: 0 })
    // What ended by itself wrote that it had; what pm2 had to kill did not.
    for (const name of ['rapidfire-serve', 'rapidfire-work']) {
      expect(await readFile(join(env.PM2_HOME, 'logs', `${name}-out.log`), 'utf8')).toMatch(/"msg":"stopped"}\n$/)
    }
  }, 60_000)

  it('init prints a unit a file, which systemd takes, and which counts as started when it is healthy', async ({ skip }) => {
    const both = await rapidfire(['init', 'systemd'])
    expect(both).toMatchObject({ code: 2, stdout: '' })
    expect(both.stderr).toMatch(/init systemd serve > rapidfire-serve\.service, rapidfire init systemd work > rapidfire-work\.service\n$/)
    const { folder, file } = await folderWith('rapidfire-serve.service', 'systemd', 'serve')
    const text = await readFile(file, 'utf8')
    expect(text.match(/^\[Service\]$/gm)).toHaveLength(1)
    expect(text).toMatch(/^ExecStart=.+main\.js serve --port 3000 --source whatsapp$/m)
    const { stdout } = await rapidfire(['init', 'systemd', 'work'])
    await writeFile(join(folder, 'rapidfire-work.service'), stdout)
    expect(stdout).toMatch(/^# handler\.mjs exports [\s\S]+^ExecStart=.+main\.js work --health-port 3001 handler\.mjs$/m)
    // Whatever PATH the manager has: this Node, and this folder.
    expect(stdout).toContain(`\nExecStart="${process.execPath}" node_modules/`)
    expect(stdout).toContain(`\nWorkingDirectory=${process.cwd()}\n`)
    expect((await startedBy(stdout, 4_194_305)).code).toBe(1)

    if (await absent('systemd-analyze')) skip('systemd-analyze is not installed')
    const units = ['rapidfire-serve.service', 'rapidfire-work.service']
    const { stderr } = await run('systemd-analyze', ['verify', ...units.map((name) => join(folder, name))])
    expect(stderr.split('\n').filter((line) => units.some((name) => line.includes(`${name}:`)))).toEqual([])
  })

  it('a unit for what is in a home runs as its owner, whom alone it lets in', async () => {
    const units = await Promise.all([dirname(process.cwd()), process.cwd()].map((HOME) => rapidfire(['init', 'systemd', 'work'], { HOME })))
    for (const { stdout } of units) {
      expect(stdout).toContain(`\nUser=${userInfo().username}\n`)
      expect(stdout).not.toContain('DynamicUser')
    }
    expect((await rapidfire(['init', 'systemd', 'work'], { HOME: '/nowhere' })).stdout).toContain('\nDynamicUser=yes\n')
  })

  it('init prints a file for docker compose, in which each service is asked for its health', async () => {
    const { stdout } = await rapidfire(['init', 'compose', '--work', 'own.mjs', '--port', '8080'])
    expect(stdout).toMatch(
      /"serve","--host","0\.0\.0\.0","--port","8080","--source","whatsapp"[\s\S]+'127\.0\.0\.1:8080:8080'[\s\S]+"work","--health-port","3001","own\.mjs"/,
    )
    expect(stdout.match(/^ {4}healthcheck:$/gm)).toHaveLength(3)
    const server = createServer((request, response) => response.writeHead(request.url === '/readyz' ? status : 404).end())
    let status = 200
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const [, test = ''] = /test: (\["CMD","node".*:8080.*\])$/m.exec(stdout) ?? []
    const [, , ...args] = JSON.parse(test.replace(':8080', `:${port}`)) as string[]
    const healthy = async () => (await run(process.execPath, args)).code
    expect(await healthy()).toBe(0)
    status = 503
    expect(await healthy()).toBe(1)
    await new Promise((resolve) => server.close(resolve))
    expect(await healthy()).toBe(1)
  })

  it('init knows no other kind', async () => {
    expect((await rapidfire(['init', 'cron'])).code).toBe(2)
  })

  it('init prints files that do not start without the secrets of their sources', async () => {
    const { file, folder } = await folderWith('ecosystem.config.cjs', 'pm2', '--source', 'telegram', 'generic')
    const started = (env: Record<string, string>) =>
      run(process.execPath, ['-e', `console.log(JSON.stringify(require(${JSON.stringify(file)}).apps))`], env, folder)
    expect((await started({})).stderr).toContain('RAPIDFIRE_TELEGRAM_SECRET must be set')
    expect((await started({ RAPIDFIRE_TELEGRAM_SECRET: 't', RAPIDFIRE_SENDER_SECRET: '' })).stderr).toContain(
      'RAPIDFIRE_SENDER_SECRET must be set',
    )
    const [serve, work] = JSON.parse((await started({ RAPIDFIRE_TELEGRAM_SECRET: 't', RAPIDFIRE_SENDER_SECRET: 's' })).stdout)
    expect(serve.env).toMatchObject({ RAPIDFIRE_TELEGRAM_SECRET: 't', RAPIDFIRE_SENDER_SECRET: 's' })
    expect(Object.keys(work.env)).toEqual(['RAPIDFIRE_QUEUE', 'REDIS_URL', 'RAPIDFIRE_HEALTH_PORT'])
    const units = (await rapidfire(['init', 'systemd', 'serve'])).stdout
    expect(units).toContain('RAPIDFIRE_APP_SECRET=... RAPIDFIRE_VERIFY_TOKEN=...\nEnvironmentFile=/etc/rapidfire.env\n')
    expect((await rapidfire(['init', 'compose'])).stdout).toMatch(
      /RAPIDFIRE_APP_SECRET: \$\{RAPIDFIRE_APP_SECRET:\?.*\n.*RAPIDFIRE_VERIFY_TOKEN:\?/,
    )
  })

  it('init prints files in which a worker that posts has its secret, and no other', async () => {
    const to = ['--source', 'generic', '--work', '--to https://bot.example.com/batches --lease 60000']
    const { file, folder } = await folderWith('ecosystem.config.cjs', 'pm2', ...to)
    const env = { RAPIDFIRE_SENDER_SECRET: 's', RAPIDFIRE_RECEIVER_SECRET: 'r' }
    const apps = await run(process.execPath, ['-p', `JSON.stringify(require(${JSON.stringify(file)}).apps)`], env, folder)
    const [serve, work] = JSON.parse(apps.stdout)
    expect([serve.env.RAPIDFIRE_RECEIVER_SECRET, serve.env.RAPIDFIRE_SENDER_SECRET]).toEqual([undefined, 's'])
    expect([work.env.RAPIDFIRE_RECEIVER_SECRET, work.env.RAPIDFIRE_SENDER_SECRET]).toEqual(['r', undefined])
    expect((await command(['init', 'systemd', 'work', ...to])).stdout).toContain('; RAPIDFIRE_RECEIVER_SECRET=...\nEnvironmentFile=')
    const [, receiver] = (await command(['init', 'compose', ...to])).stdout.split(/^ {2}work:$/m)
    expect(receiver).toContain('      RAPIDFIRE_RECEIVER_SECRET: ${RAPIDFIRE_RECEIVER_SECRET:?must be set')
    expect(receiver).not.toContain('SENDER_SECRET')
  })

  it('init writes what a format takes for something else so that it does not', async () => {
    const odd = ['--queue', 'a%n$b"c\\', '--work', 'handler.mjs --queue 100%$x']
    const units = (await rapidfire(['init', 'systemd', 'work', ...odd])).stdout
    expect(units).toContain('Environment="RAPIDFIRE_QUEUE=a%%n$b\\"c\\\\"\n')
    expect(units).toContain('main.js work --health-port 3001 handler.mjs --queue 100%%$$x\n')
    const services = (await rapidfire(['init', 'compose', ...odd])).stdout
    expect(services).toContain('RAPIDFIRE_QUEUE: "a%n$$b\\"c\\\\"\n')
    expect(services).toContain('"handler.mjs","--queue","100%$$x"]\n')
    for (const bad of [
      ['--work', 'a.mjs\nExecStart=/bin/true'],
      ['--queue', 'a\nExecStartPre=/bin/true'],
      ['--source', 'anybody'],
    ]) {
      expect(await rapidfire(['init', 'systemd', 'work', ...bad])).toMatchObject({ code: 2, stdout: '' })
    }
  })
})

/** Runs what a unit runs after its start, as systemd would; `main` is the process that was started. */
function startedBy(unit: string, main: number): Promise<Ended> {
  const [, script = ''] = /^ExecStartPost="[^"]+" -e "([^"]+)"$/m.exec(unit) ?? []
  return run(process.execPath, ['-e', script.replaceAll('%%', '%').replaceAll('$$', '$')], { MAINPID: String(main) })
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const absent = (program: string) =>
  new Promise<boolean>((resolve) => {
    const child = spawn(program, ['--version'], { stdio: 'ignore' })
    child.once('error', () => resolve(true)).once('exit', () => resolve(false))
  })
