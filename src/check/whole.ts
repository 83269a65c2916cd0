import { checkFlag, checkNames } from '../given.ts'
import type { Partitioning } from '../partitions/change.ts'
import type { Caller } from '../redis/caller.ts'
import { type CheckReport, checkQueue } from './check.ts'
import { checkListed } from './listed.ts'

/** Judges a queue with all of its roots, and that it is listed. */
export function checkWhole(caller: Caller, queue: string, partitioning: Partitioning, options: { repair?: boolean }): Promise<CheckReport> {
  return caller.underway.run(async () => {
    checkNames('check', options, { repair: true })
    checkFlag('repair', options.repair)
    const roots = await partitioning.layout.everyRoot()
    const report = await checkQueue(caller, queue, roots, { ...options, restore: (told) => partitioning.restore(told) })
    report.violations.push(...(await checkListed(caller.connection, queue, roots, options.repair === true)))
    return report
  })
}
