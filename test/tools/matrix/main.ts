// `make test-matrix`: the tests against other servers. Those that Debian has are fetched as packages, and all tests run on them; those that are there
// as images alone run in containers, with the tests that talk to one server. ONLY=valkey chooses those with that in their name.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { getContainerRuntimeClient } from 'testcontainers'
import { startContainer } from '../../support/container.ts'
import { fetchPackages, versionOf } from './packages.ts'

/** Suites of Debian, and the servers in them. */
const PACKAGES = [
  { suite: 'trixie', servers: ['redis-server', 'valkey-server'] },
  { suite: 'sid', servers: ['valkey-server'] },
]

interface Image {
  image: string
  /** It has no Functions: only the twins of the tests that use scripts. */
  scripts?: true
}

const IMAGES: Image[] = [
  { image: 'redis:6.2', scripts: true },
  { image: 'redis:7.2' },
  { image: 'redis:8' },
  { image: 'valkey/valkey:8' },
  { image: 'docker.dragonflydb.io/dragonflydb/dragonfly:latest', scripts: true },
]

/** Those whose tests use the server that is given, and need no other of their own. */
const ONE_SERVER = ['test/lua', 'test/client', 'test/worker', 'test/property', 'test/check', 'test/pipeline']

/** What is fetched is kept until `make clean`. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/servers', import.meta.url))

const { ONLY = '' } = process.env
const results: [server: string, result: string][] = []

for (const { suite, servers } of PACKAGES) {
  const wanted = servers.filter((server) => `${server} ${suite}`.includes(ONLY))
  if (wanted.length === 0) continue
  try {
    for (const program of await fetchPackages(suite, servers, CACHE)) {
      if (!wanted.some((server) => program.endsWith(server))) continue
      const name = `${await versionOf(program)} (package of Debian ${suite})`
      console.log(`\n${name}`)
      results.push([name, await test({ REDIS_BINARY: program }, [])])
    }
  } catch (error) {
    results.push([`${wanted.join(', ')} of Debian ${suite}`, `skipped: ${firstLine(error)}`])
  }
}

const images = IMAGES.filter(({ image }) => image.includes(ONLY))
const noDocker = await getContainerRuntimeClient().then(
  () => undefined,
  (error: Error) => `skipped: no Docker: ${firstLine(error)}`,
)
for (const { image, scripts } of images) {
  if (noDocker) results.push([image, noDocker])
  else {
    console.log(`\n${image}`)
    results.push([image, await testContainer(image, scripts ? ['--testNamePattern', 'scripts'] : [])])
  }
}

if (results.length === 0) throw new Error(`ONLY must be part of the name of a server, got '${ONLY}'`)
console.log('')
for (const [server, result] of results) console.log(`${server}: ${result}`)
if (results.some(([, result]) => !/^(passed|skipped)/.test(result))) process.exitCode = 1

async function testContainer(image: string, named: string[]): Promise<string> {
  try {
    const container = await startContainer(image)
    try {
      return await test({ REDIS_URL: container.url }, [...ONE_SERVER, ...named])
    } finally {
      await container.stop()
    }
  } catch (error) {
    return `cannot be started: ${firstLine(error)}`
  }
}

async function test(server: Record<string, string>, which: string[]): Promise<string> {
  const { REDIS_URL: _, REDIS_BINARY: __, ...env } = process.env
  const vitest = spawn('npx', ['vitest', 'run', ...which], { env: { ...env, ...server }, stdio: 'inherit' })
  const [code] = (await once(vitest, 'exit')) as [number | null]
  return code === 0 ? 'passed' : 'FAILED'
}

function firstLine(error: unknown): string {
  const { message, stderr } = error as Error & { stderr?: string }
  return (stderr || message).trim().split('\n')[0] as string
}
