import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders whose test files each need modules of their own: they load the product from elsewhere, or take minutes. */
const ALONE = ['docs', 'property', 'tools'].map((folder) => `test/${folder}/**/*.test.ts`)

/** These take longest. They begin first, so that none of them runs alone at the end. */
const LONGEST = ['tools/chaos/chaos', 'property/history', 'docs/blocks', 'tools/bench/bench', 'tools/mutants/mutants', 'fault/redis-faults']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`)) + 1 || LONGEST.length + 1
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}

export default defineConfig({
  test: {
    projects: [
      // What they import is the same, and nothing of it remembers anything but connections that are open: it is loaded once.
      {
        extends: true,
        test: { name: 'alike', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false, typecheck: { enabled: false } },
      },
      { extends: true, test: { name: 'others', include: ALONE } },
    ],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], ignoreSourceErrors: true },
    setupFiles: ['test/support/setup.ts'],
    sequence: { sequencer: LongestFirst },
    // Each file starts servers of its own, and waits for them now and then, so two cores have work for three. A server that was given serves one
    // file after the other.
    maxWorkers: process.env.REDIS_URL ? 1 : 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
    env: process.env.PROCESS_COVERAGE ? { NODE_V8_COVERAGE: process.env.PROCESS_COVERAGE } : {},
    coverage: {
      provider: 'custom',
      customProviderModule: 'test/tools/cover/provider.ts',
      include: ['src/**', 'cli/**'],
      exclude: ['test/**', 'src/redis/generated/**'],
      reporter: ['text'],
      reportsDirectory: 'coverage/typescript',
    },
  },
})
