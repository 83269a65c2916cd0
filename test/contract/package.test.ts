import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { DOCUMENTS, read } from '../docs/blocks.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

// The package as `npm publish` would send it. dist/ is that of the last build: `make test` builds first.
const project = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const require = createRequire(import.meta.url)

/** A burst that comes out as one message, a refusal with its code, and an error of Redis. */
const SCRIPT = `
import { RapidFire, RapidfireError, joinText } from 'rapidfire'
async function main([redis, queue]) {
  const rapidfire = new RapidFire({ redis, queue })
  await rapidfire.addMessage('ann', { text: 'Hi' }, { id: 'a' })
  await rapidfire.addMessage('ann', { text: 'book me' }, { flush: true })
  const texts = []
  const { completed } = await rapidfire.processPendingBatches((batch) => texts.push(joinText(batch)))
  const code = (call) => call.catch((error) => error instanceof RapidfireError && error.code)
  const codes = [await code(rapidfire.addMessage('', 1))]
  await rapidfire.close()
  const broken = new RapidFire({ redis, queue: 'broken' })
  codes.push(await code(broken.claimReady()))
  await broken.close()
  console.log(JSON.stringify({ texts, completed, codes }))
}
main(process.argv.slice(2))
`
const SAID = { texts: ['Hi book me'], completed: 1, codes: ['BAD_KEY', 'SERVER'] }

let folder: string
let tarball: string
let server: TestRedis

beforeAll(async () => {
  server = await useRedis()
  await server.redis.set('rapid-fire:{broken}:due', 'mine')
  folder = await mkdtemp(join(tmpdir(), 'rapidfire-package-'))
  // Everything is installed from tarballs, so that no registry is asked.
  const tarballs = await pack([project, ...needed(project)])
  tarball = tarballs[0] as string
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], { cwd: folder })
}, 120_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The folders of all that the package in `from` needs. */
function needed(from: string, found = new Set<string>()): Set<string> {
  const { dependencies, peerDependencies, peerDependenciesMeta = {} } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (peerDependenciesMeta[name]?.optional) continue
    let at = from
    while (!existsSync(join(at, 'node_modules', name))) at = dirname(at)
    const place = join(at, 'node_modules', name)
    if (!found.has(place)) needed(place, found.add(place))
  }
  return found
}

async function pack(folders: string[]): Promise<string[]> {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', ...folders], { cwd: folder, maxBuffer: 1e8 })
  return (JSON.parse(stdout) as { filename: string }[]).map(({ filename }) => join(folder, filename))
}

async function said(cwd: string, ...args: string[]) {
  const { stdout } = await run(process.execPath, args, { cwd })
  return JSON.parse(stdout)
}

it('holds what is promised and nothing else', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], { cwd: project, maxBuffer: 1e8 })
  const paths = (JSON.parse(stdout) as [{ files: { path: string }[] }])[0].files.map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining(['package.json', 'LICENSE', 'dist/rapidfire.lua', 'dist/src/index.js', 'dist/src/index.d.ts']),
  )
  expect(paths).toEqual(expect.arrayContaining(['dist/cli/main.js', 'lua/functions/conversation/add.lua', 'lua/lib/clock.lua']))
  expect(paths).toEqual(expect.arrayContaining(['alerts.yaml', 'dashboard.json', 'prometheus.yaml'].map((name) => `src/metrics/${name}`)))
  expect(paths).toEqual(expect.arrayContaining(['n8n.json', 'receiver.py'].map((name) => `src/http/receivers/${name}`)))
  const foreign = paths.filter(
    (path) =>
      !/^(dist\/.*\.(js|d\.ts|lua)|dist\/src\/package\.json|lua\/.*\.lua|.*\/README\.md|.*\/charts\/\w+\.svg|src\/metrics\/\w+\.(json|yaml)|src\/http\/receivers\/\w+\.(json|py)|[A-Z]+(\.md)?|package\.json)$/.test(
        path,
      ),
  )
  expect(foreign).toEqual([])
  expect(paths.filter((path) => path.endsWith('README.md')).sort()).toEqual([...DOCUMENTS].sort())
  expect(read('README.md')).toContain(`/rapidfire-${manifest.version}.tgz ioredis`)
  const pictures = DOCUMENTS.flatMap((document) =>
    [...read(document).matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, picture]) => join(dirname(document), picture as string)),
  )
  expect(pictures.length).toBeGreaterThan(1)
  expect(pictures.filter((picture) => !paths.includes(picture))).toEqual([])
})

it('is installed into an empty folder and runs', async () => {
  await writeFile(join(folder, 'script.mjs'), SCRIPT)
  expect(await said(folder, 'script.mjs', server.url, 'installed')).toEqual(SAID)
})

it('brings the command', async () => {
  const { stdout } = await run(join(folder, 'node_modules/.bin/rapidfire'), ['load', '--print'], { cwd: folder })
  expect(stdout.trim()).toBe(readFileSync(join(project, 'dist/rapidfire.lua'), 'utf8').trim())
})

it('is the same by require as by import: one class of each name', async () => {
  const script = `
    import * as imported from 'rapidfire'
    import { createRequire } from 'node:module'
    const required = createRequire(import.meta.url)('rapidfire')
    const names = Object.keys(required).sort()
    console.log(JSON.stringify({ names, differ: names.filter((name) => required[name] !== imported[name]) }))
  `
  const names = [
    ...['Discard', 'GiveUp', 'PartialFailure', 'ProcessingError', 'RapidFire', 'RapidfireError', 'RefusedBatchesError'],
    ...['RefusedMessagesError', 'RetryLater', 'Worker'],
    ...['exponentialBackoff', 'joinText', 'partitionOf'],
  ]
  expect(await said(folder, '--input-type=module', '-e', script)).toEqual({ names, differ: [] })
})

it('is compiled and run by a CommonJS project that resolves as Node 10 did, and needs no package that it does not use', async () => {
  const program = `
    import { type Batch, joinText, RapidFire, RapidfireError } from 'rapidfire'
    import { toBullmq } from 'rapidfire/bullmq'
    import { toHttp } from 'rapidfire/http'
    import { renderMetrics } from 'rapidfire/metrics'
    import { type ChatMessage, createWebhook } from 'rapidfire/webhook'

    declare const process: any, Request: any
    const rapidfire = new RapidFire<ChatMessage>({ redis: process.argv[2], queue: 'required' })
    const text = (batch: Batch<ChatMessage>): string => joinText(batch)
    async function main() {
      const code = await rapidfire.addMessage('', { text: '', type: 'text', from: 'ann' }).catch((error: unknown) => error instanceof RapidfireError && error.code)
      const options = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"key":"ann","id":"1","data":{"text":"Hi"}}' }
      const request = () => new Request('http://localhost/webhook/whatsapp/batched', options)
      const stored = await createWebhook(rapidfire, { rateLimit: false, unsigned: ['generic'], rules: () => ({ flush: true }) })(request())
      const warning = new Promise((resolve) => process.once('warning', ({ message }: Error) => resolve(message)))
      const refused = await createWebhook(rapidfire, { redis: {} as any, unsigned: ['generic'] })(request())
      const jobs: string[] = []
      const { batches } = await rapidfire.claimReady()
      for (const batch of batches) await toBullmq({ add: async (_, data) => jobs.push(data.text) })(batch)
      const posted = await Promise.resolve().then(() => toHttp('https://localhost', { secret: 'none' })).catch((error) => error.code)
      const metrics = renderMetrics(await rapidfire.getStats()).includes('rapidfire_messages{queue="required"} 1')
      await rapidfire.close()
      return { code, posted, metrics, texts: batches.map(text), jobs, statuses: [stored.status, refused.status], warning: await warning }
    }
    main().then((said) => process.stdout.write(JSON.stringify(said)))
    // @ts-expect-error: not a message of this queue
    const wrong = () => rapidfire.addMessage('ann', 7)
  `
  const cwd = join(folder, 'commonjs')
  await mkdir(cwd)
  await writeFile(join(cwd, 'package.json'), '{ "type": "commonjs" }')
  await writeFile(join(cwd, 'program.ts'), program)
  // The last compiler that knows this resolution; the one of this project has it no more.
  const attw = createRequire(require.resolve('@arethetypeswrong/cli/package.json')).resolve('@arethetypeswrong/core')
  const old = createRequire(attw).resolve('typescript/bin/tsc')
  const options = ['--strict', '--skipLibCheck', '--target', 'es2021', '--module', 'commonjs', '--moduleResolution', 'node10']
  await run(process.execPath, [old, ...options, 'program.ts'], { cwd }).catch((error) => expect.unreachable(error.stdout))
  expect(await said(cwd, 'program.js', server.url)).toEqual({
    code: 'BAD_KEY',
    posted: 'BAD_OPTION',
    metrics: true,
    texts: ['Hi'],
    jobs: ['Hi'],
    statuses: [200, 500],
    warning: 'rateLimit needs a package more: npm install rate-limiter-flexible, or give rateLimit: false',
  })
})

it('shows editors nothing that is for tests', () => {
  const declared = (file: string) => readFileSync(join(folder, 'node_modules/rapidfire/dist/src', file), 'utf8')
  expect(declared('worker/worker.d.ts')).not.toContain('constructor(')
  expect(declared('worker/handler.d.ts')).not.toContain('timing')
})

it('names a package that a command lacks, and plays the demo when it is there', async () => {
  const command = join(folder, 'node_modules/.bin/rapidfire')
  const lacking = await run(command, ['demo'], { cwd: folder }).catch((error) => error)
  expect([lacking.code, lacking.stderr]).toEqual([
    2,
    'rapidfire: the demo needs @hono/node-server, which is not installed: npm install @hono/node-server hono\n',
  ])
  for (const name of ['@hono', 'hono']) await symlink(join(project, 'node_modules', name), join(folder, 'node_modules', name))
  const { stdout } = await run(command, ['demo'], { cwd: folder })
  expect(stdout).toContain('one batch of 4 messages')
})

it.each([false, true])('is bundled into one file that runs without node_modules, minified: %s', async (minify) => {
  const alone = await mkdtemp(join(tmpdir(), 'rapidfire-bundle-'))
  try {
    await writeFile(join(folder, 'script.mjs'), SCRIPT)
    const outfile = join(alone, 'bundle.cjs')
    await build({
      entryPoints: [join(folder, 'script.mjs')],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      minify,
      outfile,
      logLevel: 'error',
    })
    expect(await said(alone, 'bundle.cjs', server.url, `bundled-${minify}`)).toEqual(SAID)
  } finally {
    await rm(alone, { recursive: true, force: true })
  }
})

it('has types that a strict program can use', async () => {
  const program = `
    import { RapidFire, RapidfireError, type Batch, type ErrorCode } from 'rapidfire'
    const rapidfire = new RapidFire<{ text: string }>({ redis: { host: '127.0.0.1' }, policy: { wait: 5 } })
    export const texts = (batch: Batch<{ text: string }>): string[] => batch.messages.map(({ data }) => data.text)
    export const code = (error: unknown): ErrorCode | undefined => (error instanceof RapidfireError ? error.code : undefined)
    export const summary = await rapidfire.processPendingBatches((batch, { signal }) => signal.aborted || texts(batch))
    // @ts-expect-error: not a message of this queue
    await rapidfire.addMessage('ann', 7)
  `
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    module: 'NodeNext',
    target: 'ES2023',
    noEmit: true,
    types: ['node'],
    typeRoots: [join(project, 'node_modules/@types')],
  }
  await mkdir(join(folder, 'types'))
  await writeFile(join(folder, 'types/program.ts'), program)
  await writeFile(join(folder, 'types/tsconfig.json'), JSON.stringify({ compilerOptions, include: ['program.ts'] }))
  expect(await run(join(project, 'node_modules/.bin/tsc'), ['-p', 'types'], { cwd: folder }).catch((error) => error)).toMatchObject({
    stdout: '',
  })
})

it('is clean for publint', async () => {
  const { messages } = await publint({ pkgDir: join(folder, 'node_modules/rapidfire'), pack: false, strict: true })
  expect(messages).toEqual([])
})

it('is clean for Are The Types Wrong', async () => {
  const attw = join(dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist/index.js')
  const ran = run(process.execPath, [attw, tarball, '--no-definitely-typed'])
  await ran.catch((error) => expect.unreachable(error.stdout))
})

it('loads nothing from its root but ioredis and what Node has', async () => {
  const { metafile } = await build({
    entryPoints: [join(project, 'dist/src/index.js')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    metafile: true,
    write: false,
  })
  const external = Object.values(metafile.inputs).flatMap(({ imports }) => imports.filter((each) => each.external).map(({ path }) => path))
  expect([...new Set(external)].filter((path) => !path.startsWith('node:'))).toEqual(['ioredis'])
  expect(Object.keys(metafile.inputs).filter((path) => !path.startsWith('dist/src/'))).toEqual([])
})
