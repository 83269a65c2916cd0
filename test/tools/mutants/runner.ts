/** The process of a judge: it runs one test file after the other in one vitest, which is what spares most of the time. */
import { createVitest } from 'vitest/node'

const vitest = await createVitest('test', {
  watch: false,
  maxWorkers: 1,
  bail: 1,
  reporters: [{}],
  typecheck: { enabled: false },
  // Both bindings run the same Lua: one of them will do.
  testNamePattern: '^(?!.*, scripts )',
  testTimeout: Number(process.env.TEST_TIMEOUT),
})

/** What a test waits for may never come back, and be refused when nobody waits any more. */
const OF_TESTS = ['Unhandled Rejection', 'Uncaught Exception']

/** What became of a test file. Neither: all passed. */
export interface Answer {
  /** The test that failed. */
  failure?: string
  /** What kept the tests from being run. No fault of the Lua files does that. */
  broken?: string
}

async function run(path: string): Promise<Answer> {
  const specifications = await vitest.globTestSpecifications([path])
  if (specifications.length === 0) return { broken: 'there is no such test file' }
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
  const modules = testModules.filter(({ moduleId }) => moduleId === path)
  for (const module of modules) for (const test of module.children.allTests('failed')) return { failure: test.fullName }
  const unhandled = unhandledErrors as (Error & { type?: string })[]
  const errors = [...unhandled, ...modules.flatMap((module) => [module, ...module.children.allSuites()]).flatMap((each) => each.errors())]
  const [error] = errors
  if (errors.length > 0 && errors.every(({ type }) => OF_TESTS.includes(String(type)))) return { failure: error?.message ?? '' }
  if (error) return { broken: error.message }
  return modules.length > 0 && modules.every((module) => module.ok()) ? {} : { broken: 'no test was run' }
}

process.on('message', async (path: string) => {
  process.send?.(await run(path).catch((error: Error) => ({ broken: error.message })))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
