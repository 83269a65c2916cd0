import type { Report } from './chaos.ts'

/** The table that `make chaos` prints. */
export function formatReport({ stage, seed, redis, seconds, faults, checks, figures, broken, logs }: Report): string {
  const rows = [...faults, ...figures, ['checks of the queues while in use', checks] as const]
  const width = Math.max(...rows.map(([name]) => name.length))
  const line = ([name, value]: readonly [string, string | number]) => `  ${name.padEnd(width)}  ${String(value).padStart(6)}`
  return [
    `Chaos of ${seconds} s on ${stage === 'cluster' ? 'a cluster of' : 'one server of'} Redis ${redis}, seed ${seed}`,
    '',
    'What went wrong, and was seen to',
    ...[...faults].map(line),
    '',
    'What became of it',
    ...rows.slice(faults.size).map(line),
    '',
    ...broken.slice(0, 50).map((each) => `BROKEN: ${each}`),
    ...(broken.length > 50 ? [`BROKEN: ${broken.length - 50} more`] : []),
    broken.length === 0 ? 'Every promise was kept.' : `${broken.length} promises were broken. The logs are kept in ${logs}.`,
    `make chaos STAGE=${stage} SEED=${seed} strikes the same faults in the same order; how the processes interleave, nobody can replay.`,
  ].join('\n')
}
