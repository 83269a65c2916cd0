/**
 * Puts one small fault after the other into the Lua files and runs the tests that run the changed statement, up to the first that fails. A
 * fault that none notices is a test that is missing. What is thought of by hand is always tried, and must be noticed; of what the operators make, a
 * sample: --sample <number> or `all`, --seed <text> for another one, --only <pattern> for those whose name matches.
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { startRedis } from '../../../cli/demo/private-redis.ts'
import { testSource } from '../../support/source.ts'
import { EQUIVALENT } from './equivalent.ts'
import { BY_HAND } from './hand.ts'
import { Judge, TREE } from './judge.ts'
import { byHand, diffOf, type Mutant, madeBy, mutantsOf, readLua, shuffled, textOf } from './mutants.ts'
import { Tests } from './tests.ts'

/** So many end within half an hour on two cores. */
const SAMPLE = 800
/** So much of the sample must be noticed, in percent. */
const ENOUGH = 98

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    sample: { type: 'string', default: String(SAMPLE) },
    seed: { type: 'string', default: '1' },
    histories: { type: 'string', default: '100' },
  },
})
const only = new RegExp(values.only, 'i')
const limit = values.sample === 'all' ? Number.POSITIVE_INFINITY : Number(values.sample)

const files = readLua(join(TREE, 'lua'))
const isByHand = ({ name }: Mutant) => name.includes(':hand:')

const hand = byHand(BY_HAND, files).filter(({ name }) => only.test(name))
const made = mutantsOf(files)
const equivalent = new Set<Mutant>()
const stale: string[] = []
for (const edit of EQUIVALENT) {
  const found = madeBy(edit, made, files)
  if (found.length === 0) stale.push(`${edit.within}: ${edit.find}`)
  for (const mutant of found) equivalent.add(mutant)
}
const matching = made.filter(({ name }) => only.test(name))
const waiting = [...hand, ...shuffled(matching, values.seed)]

const judges: Judge[] = []
const began = performance.now()
const killed: Mutant[] = []
const survivors: Mutant[] = []
const counts = { taken: 0, notMade: 0, equivalent: 0 }
process.once('exit', () => {
  for (const judge of judges) judge.close()
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(`by ${signal}`))

const env = { HISTORIES: values.histories, SEED: '1' }
const cores = availableParallelism()
console.log(`${made.length} mutants of ${files.size} files, ${hand.length} by hand; measuring what each test runs`)
// What cannot be run says nothing about a fault.
const tests = await Tests.measure(cores, env).catch((error: Error) => stop(error.message))

const server = await startRedis()
const redis = new Redis(server.url)

/** Whether Redis takes the library. What it does not take would be noticed by every test, and prove nothing. */
async function loads(root: string): Promise<boolean> {
  try {
    await redis.function('LOAD', 'REPLACE', testSource(root).library)
    return true
  } catch {
    return false
  }
}

/** The next one that is to be tried. */
function next(): Mutant | undefined {
  while (waiting.length > 0 && (isByHand(waiting[0] as Mutant) || counts.taken < limit)) {
    const mutant = waiting.shift() as Mutant
    if (equivalent.has(mutant)) {
      counts.equivalent += 1
      continue
    }
    if (!isByHand(mutant)) counts.taken += 1
    return mutant
  }
  return undefined
}

async function judgeAll(): Promise<void> {
  const judge = new Judge(env)
  judges.push(judge)
  for (let mutant = next(); mutant; mutant = next()) {
    const path = join(judge.lua, mutant.file)
    writeFileSync(path, textOf(mutant, files))
    if (await loads(judge.lua)) await tryOne(mutant, judge)
    else {
      counts.notMade += 1
      if (!isByHand(mutant)) counts.taken -= 1
    }
    writeFileSync(path, files.get(mutant.file) as string)
  }
}

async function tryOne(mutant: Mutant, judge: Judge): Promise<void> {
  const started = performance.now()
  const verdict = (await judge.failureOf(...tests.against(mutant, files))) ?? 'SURVIVED'
  ;(verdict === 'SURVIVED' ? survivors : killed).push(mutant)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${killed.length + survivors.length} ${seconds} s  ${mutant.name}\n    ${verdict.split('\n')[0]}`)
}

/** Ends a run that cannot go on. */
function stop(why: string): never {
  if (killed.length + survivors.length > 0) report()
  console.error(`stopped: ${why}`)
  process.exit(1)
}

/** What came of it so far. */
function report(): void {
  for (const mutant of survivors) console.log(`\n${mutant.name}\n${diffOf(mutant, files)}`)
  const caught = { hand: killed.filter(isByHand).length, sample: killed.filter((mutant) => !isByHand(mutant)).length }
  const tried = {
    hand: caught.hand + survivors.filter(isByHand).length,
    sample: caught.sample + survivors.filter((mutant) => !isByHand(mutant)).length,
  }
  const share = tried.sample > 0 ? (100 * caught.sample) / tried.sample : 100
  console.log(`
by hand: ${caught.hand} of ${tried.hand} killed
by operators: ${caught.sample} of ${tried.sample} killed, ${share.toFixed(1)} %; a sample of ${matching.length}${values.only ? ` that match, of ${made.length}` : ''}, seed ${values.seed}
not made: ${counts.notMade} whose library does not load; passed over: ${counts.equivalent} that change nothing, see equivalent.ts
${((performance.now() - began) / 60_000).toFixed(1)} minutes`)
  for (const edit of stale) console.log(`no mutant any more, and to be taken out of equivalent.ts: ${edit}`)
  if (caught.hand < tried.hand || share < ENOUGH) process.exitCode = 1
}

await Promise.all(Array.from({ length: cores }, judgeAll)).catch((error: Error) => stop(error.message))
redis.disconnect()
await server.stop()
report()
process.exit()
