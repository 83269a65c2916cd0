import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'
import { type Block, REPOSITORY } from './blocks.ts'

const repository = fileURLToPath(REPOSITORY)

/** What a block may use that does not import the library itself: the client that the text speaks of. */
const PREAMBLE = `import { joinText, RapidFire, RapidfireError, RefusedMessagesError } from 'rapidfire'
const rapidfire = new RapidFire<{ text: string }>({ redis: 'redis://127.0.0.1:6379', queue: 'salon' })
`

/** Fails when a reply has not all that the text says. */
const CHECK = `import assert from 'node:assert/strict'
export function check(actual: unknown, expected: unknown): void {
  const part = (actual: any, expected: any): unknown =>
    Array.isArray(expected)
      ? expected.map((each, n) => part(actual[n], each))
      : expected && typeof expected === 'object'
        ? Object.fromEntries(Object.keys(expected).map((name) => [name, part(actual[name], expected[name])]))
        : actual
  assert.deepEqual(part(actual, expected), expected)
}
`

/** What a reader installs beside the library. */
const PACKAGES = [
  'ioredis',
  'zod',
  'bullmq',
  '@opentelemetry',
  '@hono',
  'hono',
  'express',
  'fastify',
  '@nestjs',
  'standardwebhooks',
  '@types',
]

/** What a user's own folder holds who has installed the package: a project for each document stands in it. */
export interface Workspace {
  folder: string
  remove(): Promise<void>
}

export interface Project {
  folder: string
  /** The program of a block, or the file that it is. */
  fileOf(block: Block): string
}

/** The name of the file that a block is, for others to use: it stands in its first line. */
export const nameOf = (block: Block): string | undefined => /^\/\/ ([\w./[\]-]+\.ts)\n/.exec(block.text)?.[1]

/** Server and port of the tests, in place of the usual ones. */
export interface Places {
  url: string
  port: number
  /** Of a node of a cluster, when there is one. */
  cluster?: number | undefined
  /** Of a server that is reached by TLS, when there is one. */
  tls?: number | undefined
}

export const placed = (text: string, { url, port, cluster, tls }: Places): string =>
  text
    .replaceAll('redis.example.com:6380', `localhost:${tls}`)
    .replaceAll("host: 'redis.example.com', port: 6380", `host: 'localhost', port: ${tls}`)
    .replaceAll('port: 7000', `port: ${cluster}`)
    .replaceAll('redis://127.0.0.1:6379', url)
    .replaceAll('127.0.0.1:6379', new URL(url).host)
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`)
    .replaceAll('listen(3000,', `listen(${port},`)
    .replaceAll('port: 3000', `port: ${port}`)

/** As NestJS has them. */
const DECORATORS = { experimentalDecorators: true }

/** As TypeScript for its types to be checked, and as what Node runs. */
async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path.replace(/js$/, 'ts'), text)
  await writeFile(path, (await transform(text, { loader: 'ts', target: 'node20', tsconfigRaw: { compilerOptions: DECORATORS } })).code)
}

export async function createWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-docs-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(repository, join(folder, 'node_modules', 'rapidfire'))
  for (const name of PACKAGES) await symlink(join(repository, 'node_modules', name), join(folder, 'node_modules', name))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const options = {
    ...DECORATORS,
    target: 'ES2023',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    strict: true,
    noEmit: true,
    types: ['node'],
  }
  const compilerOptions = { ...options, skipLibCheck: true }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.ts'] }))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** The blocks of a document, one file for each. */
export async function createProject(workspace: Workspace, document: string, blocks: Block[], places: Places): Promise<Project> {
  const folder = join(workspace.folder, document)
  const fileOf = (block: Block) => join(folder, nameOf(block) ?? `line-${block.line}.js`)
  await write(join(folder, 'check.js'), CHECK)
  for (const block of blocks) {
    if (nameOf(block)) await write(fileOf(block).replace(/ts$/, 'js'), placed(block.text, places))
    else await write(fileOf(block), placed(toProgram(block.text), places))
  }
  return { folder, fileOf }
}

/** `await call // { value }` becomes a check; the rest stays as it is. */
function toProgram(text: string): string {
  const checked = text.replace(/^( *)(await .+?) \/\/ ([[{'].*)$/gm, '$1check($2, $3)')
  const whole = text.includes("from 'rapidfire'") ? checked : `${PREAMBLE}${checked}\nawait rapidfire.close()\n`
  return `import { check } from './check.js'\n${whole}`
}

/** What a block says that it prints: the comments behind its calls of console.log. */
export const printedBy = (block: Block): string[] =>
  [...block.text.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map((found) => found[1] as string)
