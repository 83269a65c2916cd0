import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the figures were measured on. */
export function machineOf(redisInfo: string): string {
  const [{ model } = { model: 'unknown CPU' }, ...others] = cpus()
  const version = /redis_version:(\S+)/.exec(redisInfo)?.[1]
  return `Redis ${version}, Node ${process.versions.node}, ${others.length + 1} × ${model.trim()}`
}

/** Which build of Redis it is: on each the same call takes other instructions. */
export const buildOf = (redisInfo: string) => `${/redis_version:(\S+)/.exec(redisInfo)?.[1]} ${/redis_build_id:(\S+)/.exec(redisInfo)?.[1]}`

/** How much of the CPU other processes take, percent: looked at for a second in which the bench does nothing. */
export async function busyElsewhere(): Promise<number> {
  const before = spent()
  await sleep(1000)
  const after = spent()
  return Math.round((100 * (after.busy - before.busy)) / (after.all - before.all))
}

function spent(): { busy: number; all: number } {
  let [busy, all] = [0, 0]
  for (const { times } of cpus()) {
    const total = Object.values(times).reduce((sum, part) => sum + part, 0)
    all += total
    busy += total - times.idle
  }
  return { busy, all }
}
