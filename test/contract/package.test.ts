import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DOCUMENTS } from '../docs/blocks.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

// The package as `npm publish` would send it. dist/ is that of the last build: `make test` builds first.
const project = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

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
  const foreign = paths.filter(
    (path) => !/^(dist\/.*\.(js|d\.ts|lua)|lua\/.*\.lua|.*\/README\.md|.*\/charts\/\w+\.svg|[A-Z]+(\.md)?|package\.json)$/.test(path),
  )
  expect(foreign).toEqual([])
  expect(paths.filter((path) => path.endsWith('README.md')).sort()).toEqual([...DOCUMENTS].sort())
})

it('is installed into an empty folder and runs', async () => {
  await writeFile(join(folder, 'script.mjs'), SCRIPT)
  expect(await said(folder, 'script.mjs', server.url, 'installed')).toEqual(SAID)
})

it('brings the command', async () => {
  const { stdout } = await run(join(folder, 'node_modules/.bin/rapidfire'), ['load', '--print'], { cwd: folder })
  expect(stdout.trim()).toBe(readFileSync(join(project, 'dist/rapidfire.lua'), 'utf8').trim())
})

it('can be required', async () => {
  const script = "console.log(JSON.stringify(Object.keys(require('rapidfire')).sort()))"
  const names = await said(folder, '--input-type=commonjs', '-e', script)
  expect(names).toEqual([
    ...['Discard', 'PartialFailure', 'ProcessingError', 'RapidFire', 'RapidfireError', 'RefusedBatchesError', 'RefusedMessagesError'],
    ...['RetryLater', 'Worker'],
    ...['exponentialBackoff', 'joinText', 'partitionOf'],
  ])
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
  const attw = join(dirname(createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json')), 'dist/index.js')
  const ran = run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--no-definitely-typed'])
  await ran.catch((error) => expect.unreachable(error.stdout))
})

it('imports nothing from its root but ioredis and what Node has', async () => {
  const { metafile } = await build({
    entryPoints: [join(project, 'dist/src/index.js')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    metafile: true,
    write: false,
  })
  const imports = Object.values(metafile.inputs).flatMap((input) =>
    input.imports.filter((each) => each.external && each.kind === 'import-statement').map((each) => each.path),
  )
  expect([...new Set(imports)].filter((path) => !path.startsWith('node:'))).toEqual(['ioredis'])
  expect(Object.keys(metafile.inputs).filter((path) => !path.startsWith('dist/src/'))).toEqual([])
})
