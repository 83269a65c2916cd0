// `make test-matrix`: the tests that talk to one server, against each of these servers in a container. ONLY=valkey runs those whose image has that in its name.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { getContainerRuntimeClient } from 'testcontainers'
import { startContainer } from '../../support/container.ts'

interface Server {
  image: string
  /** It has no Functions: only the twins of the tests that use scripts. */
  scripts?: true
}

const SERVERS: Server[] = [
  { image: 'redis:6.2', scripts: true },
  { image: 'redis:7.2' },
  { image: 'redis:8' },
  { image: 'valkey/valkey:8' },
  { image: 'docker.dragonflydb.io/dragonflydb/dragonfly:latest', scripts: true },
]

/** Those whose tests use the server that is given, and need no other of their own. */
const TESTS = ['test/lua', 'test/client', 'test/worker', 'test/property', 'test/check', 'test/pipeline']

const why = await getContainerRuntimeClient().then(
  () => undefined,
  (error: Error) => error.message,
)
if (why !== undefined) {
  console.log(`Skipped: ${SERVERS.map(({ image }) => image).join(', ')}. They run in containers, and Docker cannot be used here: ${why}`)
  process.exit()
}

const servers = SERVERS.filter(({ image }) => image.includes(process.env.ONLY ?? ''))
if (servers.length === 0)
  throw new Error(`ONLY must be part of one of ${SERVERS.map(({ image }) => image).join(', ')}, got '${process.env.ONLY}'`)
const results: [image: string, result: string][] = []
for (const server of servers) {
  console.log(`\n${server.image}`)
  const result = await test(server).catch((error: Error) => `cannot be started: ${error.message}`)
  results.push([server.image, result])
}
console.log('')
for (const [image, result] of results) console.log(`${result.padEnd(10)}  ${image}`)
if (results.some(([, result]) => result !== 'passed')) process.exitCode = 1

async function test({ image, scripts }: Server): Promise<string> {
  const container = await startContainer(image)
  try {
    const named = scripts ? ['--testNamePattern', 'scripts'] : []
    const vitest = spawn('npx', ['vitest', 'run', ...TESTS, ...named], {
      env: { ...process.env, REDIS_URL: container.url },
      stdio: 'inherit',
    })
    const [code] = (await once(vitest, 'exit')) as [number | null]
    return code === 0 ? 'passed' : 'FAILED'
  } finally {
    await container.stop()
  }
}
