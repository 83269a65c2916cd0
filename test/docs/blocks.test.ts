import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ended, freePort, PASSWORD } from '../../cli/demo/private-redis.ts'
import manifest from '../../package.json' with { type: 'json' }
import { SECRET } from '../http/receiver.ts'
import { TestCluster } from '../support/cluster.ts'
import { START, TEST_SOURCE } from '../support/lua.ts'
import { findRedisPy } from '../support/python.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { type Ended, environment, findRedisCli, run, useCommands } from '../support/shell.ts'
import { type Block, blocksOf, DOCUMENTS, linesOf, REPOSITORY, read } from './blocks.ts'
import { createProject, createWorkspace, nameOf, type Places, type Project, placed, printedBy, type Workspace } from './project.ts'
import { startTlsRedis, type TlsRedis } from './tls.ts'

const TSC = fileURLToPath(new URL('node_modules/typescript/bin/tsc', REPOSITORY))

const lacksCli = !findRedisCli() || spawnSync('curl', ['--version']).error !== undefined
if (lacksCli) console.warn('skipped: the blocks of every README: no curl, or no redis-cli or valkey-cli, on PATH')

const lacksGo = spawnSync('go', ['version']).error !== undefined
if (lacksGo) console.warn('skipped: the block of Go of lua/README.md: no go on PATH')

/** Of a document that a reader may well go through again: it must not matter. */
const PASSES: Record<string, number[]> = { 'README.md': [1, 2], 'src/bullmq/README.md': [1, 2] }

let workspace: Workspace
beforeAll(async () => {
  workspace = await createWorkspace()
})
afterAll(() => workspace.remove())

// A reader goes from top to bottom: the blocks of a document run in order, on one server.
describe.skipIf(lacksCli).each(DOCUMENTS)('%s', (file) => {
  const blocks = blocksOf(read(file))
  const typescript = blocks.filter(({ kind }) => kind === 'ts')
  const [picture] = file === 'README.md' ? blocks : []
  let server: TestRedis
  let cluster: TestCluster | undefined
  let tls: TlsRedis | undefined
  let certificates: string
  let places: Places
  let commands: Awaited<ReturnType<typeof useCommands>>
  let project: Project

  beforeAll(async () => {
    server = await useRedis()
    await server.redis.flushall()
    if (read(file).includes('port: 7000')) cluster = await TestCluster.start({ primaries: 1, replicas: 0 })
    certificates = await mkdtemp(join(tmpdir(), 'rapidfire-tls-'))
    if (read(file).includes('rediss://')) tls = await startTlsRedis(certificates)
    places = { url: server.url, port: await freePort(), cluster: cluster?.nodes[0]?.port, tls: tls?.port }
    commands = await useCommands(server.url)
    project = await createProject(workspace, file, typescript, places)
    if (tls) await copyFile(join(certificates, 'ca.pem'), join(project.folder, 'ca.pem'))
    expect((await run(process.execPath, ['dist/cli/main.js', 'load', '--redis', server.url], {}, fileURLToPath(REPOSITORY))).code).toBe(0)
  })
  afterAll(async () => {
    for (const child of started) await ended(child, 'SIGKILL')
    await cluster?.stop()
    await tls?.server.stop()
    await rm(certificates, { recursive: true, force: true })
    await commands?.remove()
  })

  let printed = ''
  /** Whether what would have printed was not run. */
  let skipped = false
  /** A server that the next block talks to. */
  let serving: { program: Program; block: Block } | undefined
  const passes = (PASSES[file] ?? [1]).flatMap((pass) => blocks.map((block) => ({ pass, kind: block.kind, line: block.line, block })))
  it.for(passes)('$kind block of line $line, pass $pass', { timeout: 60_000 }, async ({ pass, kind, block }, { skip }) => {
    if (block.text.includes('redis.example.com') && !tls) return skip()
    // What a public certificate authority is to a machine, ours is to these programs.
    const env: Record<string, string> = {
      RAPIDFIRE_RECEIVER_SECRET: SECRET,
      ...(tls && { NODE_EXTRA_CA_CERTS: join(project.folder, 'ca.pem') }),
    }
    if (block === picture) {
      if (pass === 1) await expectPicture(block.text, server)
    } else if (kind === 'ts' && nameOf(block)) {
      if (/\bcron\/route\.ts$/.test(nameOf(block) as string)) await expectCronRoute(project, block, server)
      else if (/\broute\.ts$/.test(nameOf(block) as string)) await expectRoute(project, block)
    } else if (kind === 'ts') {
      const program = start(
        process.execPath,
        [project.fileOf(block)],
        environment({ ...env, REDIS_URL: server.url, REDIS_PASSWORD: PASSWORD }),
        project.folder,
      )
      if (/\blisten\(|\bserve\(/.test(block.text)) {
        serving = { program, block }
        return expectListening(places.port, program)
      }
      if (block.text.includes("'SIGINT'")) await expectAtWork(program, block, server)
      await expectWell(program, block)
    } else if (kind === 'sh') {
      const { program, block: served } = serving ?? {}
      serving = undefined
      const hasServed = async () => {
        if (program && served) await expect.poll(() => missingFrom(program, served), { timeout: 20_000 }).toEqual([])
      }
      const shell = { PATH: commands.PATH, REDIS_URL: server.url, RAPIDFIRE_PORT: String(places.port), ...env }
      skipped = false
      printed = await runCommands(placed(block.text, places), shell, project.folder, hasServed)
      if (!program || !served) return
      program.child.kill('SIGINT')
      await expectWell(program, served)
    } else if (kind === 'python') {
      const python = await findRedisPy()
      skipped = python === undefined
      if (!python) return skip()
      const ended = await run('python3', ['-c', placed(block.text, places)], { ...python, PYTHONIOENCODING: 'utf8' })
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      printed = ended.stdout
    } else if (kind === 'go') {
      skipped = lacksGo
      if (skipped) return skip()
      const program = join(project.folder, 'main.go')
      await writeFile(program, placed(block.text, places))
      const ended = await run('go', ['run', program])
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      printed = ended.stdout
    } else if (kind === 'text') {
      if (skipped) return skip()
      expectOutput(block.text, printed)
    } else throw new Error(`blocks of the kind '${kind}' cannot be run`)
  })
})

it.skipIf(lacksCli)('every block of TypeScript is of the right types', { timeout: 120_000 }, async () => {
  const { code, stdout } = await run(process.execPath, [TSC, '-p', workspace.folder])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
})

/** A program that runs, and what it has printed so far. */
interface Program {
  child: ChildProcess
  stdout: string
  stderr: string
  closed: Promise<unknown>
}

const started: ChildProcess[] = []

function start(command: string, args: string[], env: NodeJS.ProcessEnv, cwd: string): Program {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  const program = { child, stdout: '', stderr: '', closed: once(child, 'close') }
  child.stdout.setEncoding('utf8').on('data', (text) => (program.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (program.stderr += text))
  return program
}

const missingFrom = ({ stdout }: Program, block: Block) => printedBy(block).filter((line) => !stdout.split('\n').includes(line))

async function expectListening(port: number, { child }: Program): Promise<void> {
  const answers = () =>
    child.exitCode === null
      ? fetch(`http://127.0.0.1:${port}/`)
          .then(() => true)
          .catch(() => false)
      : 'it ended'
  await expect.poll(answers, { timeout: 20_000 }).toBe(true)
}

/** Ends a program that waits for SIGINT, once it has printed what its comments say, or else is connected. */
async function expectAtWork(program: Program, block: Block, { redis }: TestRedis): Promise<void> {
  const listening = async () => ((await redis.pubsub('CHANNELS', 'rapid-fire:*:wake')) as string[]).length
  const hasPrinted = () => missingFrom(program, block).length === 0
  const isAtWork = async () => (printedBy(block).length > 0 ? hasPrinted() : (await listening()) > 0)
  // One that has ended says why in what is expected next.
  await expect.poll(async () => program.child.exitCode !== null || (await isAtWork()), { timeout: 20_000 }).toBe(true)
  program.child.kill('SIGINT')
}

/** The program ends well, by itself or at the signal for which it has no listener, and has printed what its comments say. */
async function expectWell(program: Program, block: Block): Promise<void> {
  const [code, signal] = (await program.closed) as [number | null, string | null]
  const isStopped = signal === 'SIGINT' && !block.text.includes('SIGINT')
  expect({ code: isStopped ? 0 : code, stderr: program.stderr }).toEqual({ code: 0, stderr: '' })
  expect(missingFrom(program, block)).toEqual([])
}

/** A route handler of Next.js: what it exports takes a request and answers it. */
async function expectRoute(project: Project, block: Block): Promise<void> {
  const url = `http://127.0.0.1:3000/${nameOf(block)?.replace(/^app\/|\/\[\[.*$/g, '')}`
  const body = JSON.stringify({ key: 'next', id: 'wamid.next', data: { text: 'Hi' } })
  const script = `
    const { GET, POST } = await import(${JSON.stringify(project.fileOf(block).replace(/ts$/, 'js'))})
    const answers = [await POST(new Request('${url}', { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(body)} })), await GET(new Request('${url}/stats'))]
    for (const answer of answers) console.log(answer.status, await answer.text())
    process.exit()
  `
  const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {}, project.folder)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^200 {"added":1,"duplicates":0}\n200 {"queue":"\w+"/)
}

/** A route that handles what is due, for who knows the secret, and tells what it has done. */
async function expectCronRoute(project: Project, block: Block, { redis }: TestRedis): Promise<void> {
  await redis.fcall('rapidfire_add', 1, 'rapid-fire:{whatsapp}', 'cron', '{"text":"Hi"}', 'FLUSH')
  const script = `
    const { GET } = await import(${JSON.stringify(project.fileOf(block).replace(/ts$/, 'js'))})
    for (const bearer of [undefined, 'undefined', 'wrong', 'right']) {
      if (bearer === 'wrong') process.env.CRON_SECRET = 'right'
      const headers = bearer ? { authorization: 'Bearer ' + bearer } : {}
      const answer = await GET(new Request('http://127.0.0.1:3000/api/cron', { headers }))
      console.log(answer.status, await answer.text())
    }
    process.exit()
  `
  const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {}, project.folder)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^401 \n401 \n401 \n(\S+ .*\n)*cron Hi\n(\S+ .*\n)*200 \{"batches":\d+,"messages":\d+,"completed":\d+,/)
}

/**
 * Runs the lines of a block. Those that go on until they are stopped are started first, and stopped in the end; `make` and `npm install`
 * are compared with what they would do. `done` is waited for before the end. Returns what the others have printed.
 */
async function runCommands(text: string, env: Record<string, string>, cwd: string, done: () => Promise<void>): Promise<string> {
  const variables: string[] = []
  const program: string[] = []
  const services: Program[] = []
  for (const line of linesOf(text)) {
    const [make, target] = /^make ([a-z-]+)(?: [A-Za-z_]+=\S+)*$/.exec(line) ?? []
    const [npm, packages] = /^npm install (.*)$/.exec(line) ?? []
    const [service] = /^npx rapidfire (?:serve|work|forward) [^&]*/.exec(line) ?? []
    if (make) expect(read('Makefile')).toMatch(new RegExp(`^${target}:.* ## `, 'm'))
    else if (npm) expectPackages(packages?.split(' ') ?? [])
    else if (service) services.push(start('bash', ['-c', [...variables, `exec ${service}`].join('\n')], environment(env), cwd))
    else if (/^export [A-Z_]+=/.test(line)) variables.push(line)
    else if (/^(redis-cli|npx rapidfire|curl|say|say\(\) \{ curl|[a-z]+=\$\(redis-cli) /.test(line)) program.push(line)
    else throw new Error(`'${line}' is no command that can be run`)
  }
  for (const service of services) {
    await expect.poll(() => service.stdout + service.stderr, { timeout: 20_000 }).toContain('"msg":"ready"')
  }
  const { code, stdout, stderr }: Ended = await run('bash', ['-euo', 'pipefail', '-c', [...variables, ...program].join('\n')], env, cwd)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await done()
  for (const service of services) {
    service.child.kill('SIGTERM')
    const [code] = (await service.closed) as [number]
    expect({ code, stderr: service.stderr }).toEqual({ code: 0, stderr: '' })
    expect(service.stdout).toContain('"msg":"stopped"')
  }
  return stdout
}

/** The library and what it cannot do without; more only if it is an optional part of it, or needed by one. */
function expectPackages([name, ...packages]: string[]): void {
  const needed = Object.keys(manifest.peerDependencies).filter((each) => !(each in manifest.peerDependenciesMeta))
  expect([name, ...packages.slice(0, needed.length)]).toEqual([manifest.name, ...needed])
  const optional = [...Object.keys(manifest.peerDependenciesMeta), '@hono/node-server', 'hono']
  expect(packages.slice(needed.length).filter((each) => !optional.includes(each))).toEqual([])
}

/** The lines stand in what was printed, in this order, apart from figures, their units and blanks. */
function expectOutput(text: string, printed: string): void {
  const lines = (output: string) =>
    output
      .split('\n')
      .map((line) =>
        line
          .replace(/\d[\d,.]*( (ms|s|min)\b)?/g, '0')
          .replace(/ +/g, ' ')
          .trim(),
      )
      .filter((line) => line !== '')
  const left = lines(printed)
  const missing = lines(text).filter((line) => {
    const at = left.indexOf(line)
    left.splice(0, at + 1)
    return at < 0
  })
  expect({ missing, printed: missing.length > 0 ? printed : '' }).toEqual({ missing: [], printed: '' })
}

/** The picture at the top is what happens: its messages at its times become the batch of its last line, and not a moment earlier. */
async function expectPicture(text: string, { redis }: TestRedis): Promise<void> {
  const lines = text.trimEnd().split('\n')
  const messages = [...text.matchAll(/^ *(\d+) s +"(.*)"/gm)].map(([, at, said]) => [START + Number(at) * 1000, said as string] as const)
  const [, end] = /^(\d+) s +quiet for 10 s/m.exec(text) as RegExpExecArray
  const [, merged] = /"(.*)"/.exec(lines.at(-1) as string) as RegExpExecArray
  expect(lines).toHaveLength(6)
  expect(messages).toHaveLength(4)
  const call = (name: 'add' | 'claim_ready', ...args: string[]) =>
    redis.eval(TEST_SOURCE.scripts[name].text, 1, 'rapid-fire:{picture}', ...args) as Promise<any>
  for (const [at, said] of messages) {
    await redis.set('test:clock', at)
    await call('add', 'client', said)
  }
  await redis.set('test:clock', START + Number(end) * 1000 - 1)
  expect((await call('claim_ready')).slice(2)).toEqual([])
  await redis.set('test:clock', START + Number(end) * 1000)
  const [, , batch] = await call('claim_ready')
  await redis.del('test:clock')
  expect(batch[5].map((message: string) => message.slice('2000000000000 0 '.length)).join(' ')).toBe(merged)
}
