/**
 * Puts one small fault after the other into a copy of the Lua files and runs the Lua tests against each, up to the first that fails. A fault
 * that none notices is a test that is missing. `only` runs the faults whose file or words match, `histories` is how many the property test
 * tries.
 */
import { type ChildProcess, execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { apply, type Fault } from './fault.ts'
import { FAULTS } from './faults.ts'

const TREE = fileURLToPath(new URL('../../..', import.meta.url))
const COPIED = ['lua', 'src', 'cli', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']
/** Exact tests first: a history that is made by chance may find the fault today and not tomorrow. */
const TESTS = ['test/lua', 'test/check/damage', 'test/property/history']
/** A fault may keep Redis busy for ever: that is noticed too. */
const LIMIT_MS = 180_000

interface Verdict {
  /** The test that failed first; undefined when all passed. */
  caught: string | undefined
  seconds: number
}

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, histories: { type: 'string', default: '20' } } })
const only = new RegExp(values.only, 'i')
const chosen = FAULTS.filter(({ file, what }) => only.test(`${file} ${what}`))

const copy = mkdtempSync(join(tmpdir(), 'rapidfire-mutants-'))
let running: ChildProcess | undefined
process.once('exit', () => {
  running?.kill()
  rmSync(copy, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
for (const name of COPIED) cpSync(join(TREE, name), join(copy, name), { recursive: true })
symlinkSync(join(TREE, 'node_modules'), join(copy, 'node_modules'))

function run(program: string, args: string[]): Promise<{ code: number | string | null; printed: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, HISTORIES: values.histories }
    running = execFile(program, args, { cwd: copy, env, timeout: LIMIT_MS, maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? null) : 0, printed: stdout + stderr }),
    )
  })
}

async function judge(): Promise<Verdict> {
  const began = performance.now()
  const built = await run(process.execPath, ['lua/build/main.mjs'])
  if (built.code !== 0) throw new Error(built.printed)
  let caught: string | undefined
  for (const tests of TESTS) caught ??= await failureOf(tests)
  return { caught, seconds: (performance.now() - began) / 1000 }
}

/**
 * The first test that fails. A report may be cut off: the failure that ends the run can fall into a file whose results are dropped with it.
 * Such a run tells nothing, and is made again, `tries` times at most.
 */
async function failureOf(tests: string, tries = 3): Promise<string | undefined> {
  const report = join(copy, 'report.json')
  rmSync(report, { force: true })
  const vitest = join('node_modules', 'vitest', 'vitest.mjs')
  const args = ['run', tests, '--bail=1', '--typecheck.enabled=false', '--reporter=json', `--outputFile=${report}`]
  const { code, printed } = await run(process.execPath, [vitest, ...args])
  if (code === 0) return undefined
  if (code === null) return `the time: ${tests} did not end within ${LIMIT_MS / 1000} s`
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }: { status: string }) => status === 'failed')
    if (failed) return `${relative(copy, name)}: ${failed.fullName}`
  }
  if (tries === 1) throw new Error(`no test failed, and yet:\n${printed}`)
  return failureOf(tests, tries - 1)
}

const sound = await judge()
if (sound.caught) throw new Error(`the tests fail without a fault: ${sound.caught}`)

const survivors: Fault[] = []
for (const [n, fault] of chosen.entries()) {
  const { file, what } = fault
  const remove = apply(fault, join(copy, 'lua'))
  const { caught, seconds } = await judge()
  remove()
  if (!caught) survivors.push(fault)
  console.log(`${n + 1}/${chosen.length} ${seconds.toFixed(1)} s  ${file}: ${what}\n    ${caught ? `caught by ${caught}` : 'SURVIVED'}`)
}
const share = ((100 * (chosen.length - survivors.length)) / chosen.length).toFixed(1)
console.log(`${chosen.length - survivors.length} of ${chosen.length} faults were caught, ${share} %`)
for (const { file, find, replace, what, equivalent } of survivors) {
  console.log(`\n${file}: ${what}\n- ${find}\n+ ${replace}\n${equivalent ? `cannot be caught: ${equivalent}` : 'a test is missing'}`)
}
if (survivors.some(({ equivalent }) => !equivalent)) process.exitCode = 1
