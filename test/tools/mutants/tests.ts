import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { TEST_SOURCE } from '../../support/source.ts'
import { instrument, ranIn } from '../cover/instrument.ts'
import { Judge, TREE } from './judge.ts'
import { type LuaFiles, type Mutant, statementOf } from './mutants.ts'

/** Tried last: what a history finds that is made by chance should have a test of its own. */
export const HISTORY = 'test/property/history.test.ts'

/** They load what is shipped, with the real clock, and note nothing of what runs. */
const UNMEASURED = ['test/lua/load.test.ts', 'test/lua/moving.test.ts']

const TESTS = [
  ...readdirSync(join(TREE, 'test/lua'))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/lua/${name}`),
  'test/check/damage.test.ts',
  HISTORY,
]

interface Measured {
  test: string
  seconds: number
  /** How many of its tests run a statement, by the place of that. */
  runs: Map<string, number>
}

/** Which tests can notice a fault: those that run the statement that is changed. */
export class Tests {
  readonly #measured: Measured[]

  private constructor(measured: Measured[]) {
    this.#measured = measured
  }

  /** Runs each test once against the Lua files as they are, and throws when one fails or cannot be run. */
  static async measure(judges: number, env: Record<string, string>): Promise<Tests> {
    const folder = mkdtempSync(join(tmpdir(), 'rapidfire-coverage-'))
    const seconds = new Map<string, number>()
    const waiting = [...TESTS]
    const measure = async () => {
      const judge = new Judge({ ...env, LUA_COVERAGE: folder })
      try {
        for (let test = waiting.shift(); test; test = waiting.shift()) {
          const began = performance.now()
          const failure = await judge.failureOf(test)
          if (failure !== undefined) throw new Error(`without a fault, this fails: ${failure}`)
          seconds.set(test, (performance.now() - began) / 1000)
        }
      } finally {
        judge.close()
      }
    }
    await Promise.all(Array.from({ length: judges }, measure))
    const statements = instrument(TEST_SOURCE).statements.map(({ path, line }) => `${path}:${line}`)
    const measured = new Map(
      TESTS.map((test): [string, Measured] => [test, { test, seconds: seconds.get(test) as number, runs: new Map() }]),
    )
    for (const { file, tests } of ranIn(folder)) {
      const runs = measured.get(relative(TREE, file))?.runs
      for (const [n, times] of Object.entries(tests)) {
        const statement = statements[Number(n)] as string
        runs?.set(statement, (runs.get(statement) ?? 0) + times)
      }
    }
    rmSync(folder, { recursive: true })
    return new Tests([...measured.values()])
  }

  /** In the order in which they are tried: the test of the function, then the others, those first that run the statement most often in their time. */
  against(mutant: Mutant, files: LuaFiles): string[] {
    const statement = statementOf(mutant, files)
    const own = `test/lua/${basename(mutant.file, '.lua')}.test.ts`
    const often = ({ runs, seconds }: Measured) => (statement === undefined ? 1 : (runs.get(statement) ?? 0)) / seconds
    const place = ({ test }: Measured) => (test === own ? 0 : test === HISTORY ? 2 : 1)
    return this.#measured
      .filter((each) => often(each) > 0 || UNMEASURED.includes(each.test))
      .sort((a, b) => place(a) - place(b) || often(b) - often(a))
      .map(({ test }) => test)
  }
}
