/** The process of a judge: it runs test files in one vitest, one behind the other, up to the first that fails, which is what spares most of the time. */
import { BaseSequencer, createVitest, type TestSpecification } from 'vitest/node'

/** The files in the order in which they were named. */
class AsGiven extends BaseSequencer {
  override sort = (files: TestSpecification[]) => Promise.resolve(files)
}

const vitest = await createVitest('test', {
  // Its projects would start workers of their own, each of which loads all again, and one that ends late cancels the next run.
  config: false,
  watch: false,
  // What the files import is loaded once for all of them. Each run begins anew with that, and so with the Lua files as they are then.
  isolate: false,
  pool: 'threads',
  maxWorkers: 1,
  bail: 1,
  reporters: [{}],
  sequence: { sequencer: AsGiven },
  typecheck: { enabled: false },
  // Both bindings run the same Lua: one of them will do.
  testNamePattern: '^(?!.*, scripts )',
  testTimeout: Number(process.env.TEST_TIMEOUT),
  hookTimeout: 60_000,
})

/** What a test waits for may never come back, and be refused when nobody waits any more. */
const OF_TESTS = ['Unhandled Rejection', 'Uncaught Exception']

/** What became of test files. Neither: all passed. */
export interface Answer {
  /** The test that failed, behind the path of its file. */
  failure?: string
  /** What kept the tests from being run. No fault of the Lua files does that. */
  broken?: string
}

async function run(paths: string[]): Promise<Answer> {
  const found = await Promise.all(paths.map((path) => vitest.globTestSpecifications([path])))
  const missing = paths.find((_, n) => found[n]?.length === 0)
  if (missing !== undefined) return { broken: `there is no test file ${missing}` }
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(found.flat())
  const modules = testModules.filter(({ moduleId }) => paths.includes(moduleId))
  for (const module of modules) {
    for (const test of module.children.allTests('failed')) return { failure: `${module.moduleId}: ${test.fullName}` }
  }
  const unhandled = unhandledErrors as (Error & { type?: string })[]
  const errors = [...unhandled, ...modules.flatMap((module) => [module, ...module.children.allSuites()]).flatMap((each) => each.errors())]
  const [error] = errors
  if (errors.length > 0 && errors.every(({ type }) => OF_TESTS.includes(String(type)))) return { failure: error?.message ?? '' }
  if (error) return { broken: error.message }
  return modules.length === paths.length && modules.every((module) => module.state() === 'passed')
    ? {}
    : { broken: 'not all tests were run' }
}

process.on('message', async (paths: string[]) => {
  process.send?.(await run(paths).catch((error: Error) => ({ broken: error.message })))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
