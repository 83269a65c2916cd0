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

/** What failed in the test file, or undefined. */
async function failureOf(path: string): Promise<string | undefined> {
  const specifications = await vitest.globTestSpecifications([path])
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
  for (const module of testModules.filter(({ moduleId }) => moduleId === path)) {
    for (const test of module.children.allTests('failed')) return test.fullName
    for (const error of module.errors()) return error.message
    for (const suite of module.children.allSuites()) for (const error of suite.errors()) return error.message
    if (!module.ok()) return 'the file failed'
  }
  return unhandledErrors.length > 0 ? String((unhandledErrors[0] as Error).message) : undefined
}

process.on('message', async (path: string) => {
  const failure = await failureOf(path)
  process.send?.({ failure })
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
