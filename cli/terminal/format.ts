import type { DeadBatch } from '../../src/batches/dead.ts'
import type { Stats } from '../../src/batches/stats.ts'
import type { ArchivedBatch } from '../../src/history/archived.ts'
import type { QueueEvent } from '../../src/history/entry.ts'

/** Colours a text or leaves it as it is; `styleText` of node:util is one. */
export type Paint = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string) => string

const plain: Paint = (_, text) => text

export const count = (value: number) => value.toLocaleString('en-US')

/** `1 message`, `2 messages`. */
export const howMany = (value: number, one: string, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`

/** A line in which nothing steers the terminal, or turns around what is read: others have named and written what is in it. */
export const printable = (line: string) =>
  line.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The same for a text of several lines. */
export const printableLines = (text: string) => text.split('\n').map(printable).join('\n')

/** An object in one line that means the same: JSON itself leaves some of these signs as they are, and reads them either way. */
export const toJson = (value: unknown) => printable(JSON.stringify(value))

/** A span of time with the unit that a person would choose. */
export function formatMs(ms: number): string {
  if (ms >= 60_000) return `${(ms / 60_000).toFixed(1)} min`
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  return `${Number.isInteger(ms) ? ms : ms.toFixed(1)} ms`
}

/** `part` of a bar, 0 to 1. */
export function formatBar(part: number, width: number): string {
  const full = Math.round(Math.min(Math.max(part, 0), 1) * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}

type Row = [label: string, value: string, style?: 'yellow' | 'red']

/** The figures of a queue as a table of three columns. */
export function formatStats(stats: Stats, paint: Paint = plain): string {
  const { totals, lateness, closedBy } = stats
  const late = (ms: number, sign = '') => (totals.batches === 0 ? '-' : sign + formatMs(ms))
  const columns: [string, Row[]][] = [
    [
      'now',
      [
        ['collecting', count(stats.collecting)],
        ['ready', count(stats.ready), stats.ready > 0 ? 'yellow' : undefined],
        ['active', count(stats.active)],
        ['queued behind', count(stats.queued)],
        ['dead', count(stats.dead), stats.dead > 0 ? 'red' : undefined],
        ['messages', count(stats.messages)],
        ...(stats.events > 0 ? [['events kept', count(stats.events)] as Row] : []),
      ],
    ],
    [
      'in all',
      [
        ['messages', count(totals.added)],
        ['duplicates', count(totals.duplicates)],
        ['batches', count(totals.batches)],
        ['completed', count(totals.completed)],
        ['failed', count(totals.failed)],
        ['redelivered', count(totals.redelivered)],
        ['died', count(totals.died)],
      ],
    ],
    [
      'lateness',
      [
        ['mean', late(lateness.mean)],
        // The percentiles are upper bounds.
        ['p50', late(lateness.p50, '≤ ')],
        ['p99', late(lateness.p99, '≤ ')],
        ['max', late(lateness.max)],
      ],
    ],
  ]
  const saved = totals.completedMessages - totals.completed
  const ratio =
    totals.completed === 0
      ? 'no batch is completed yet'
      : `${stats.meanBatchSize.toFixed(1)} messages a batch, ${howMany(saved, 'handler call')} saved (${Math.round(stats.callsSaved * 100)} %)`
  return [
    paint('bold', printable(stats.queue)),
    '',
    ...table(columns, paint),
    '',
    `  ${paint('dim', 'closed by')}   wait ${count(closedBy.wait)}, maxWait ${count(closedBy.maxWait)}, size ${count(closedBy.size)}, flush ${count(closedBy.flush)}, bytes ${count(closedBy.bytes)}`,
    `  ${paint('dim', 'on average')}  ${ratio}`,
  ].join('\n')
}

/** Queues as a table with a row for each. */
export function formatQueues(all: readonly Stats[], paint: Paint = plain): string {
  const rows = all.map((stats) => [
    printable(stats.queue),
    ...[stats.collecting, stats.ready, stats.active, stats.dead, stats.messages, stats.totals.batches].map(count),
    stats.totals.batches === 0 ? '-' : `≤ ${formatMs(stats.lateness.p99)}`,
  ])
  const head = ['queue', 'collecting', 'ready', 'active', 'dead', 'messages', 'batches', 'p99 late']
  const widths = head.map((title, n) => Math.max(title.length, ...rows.map((row) => row[n]?.length ?? 0)))
  const line = (cells: string[]) =>
    cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] as number) : cell.padStart(widths[n] as number)))
  return [line(head).map((cell) => paint('dim', cell)), ...rows.map((row) => line(row))].map((cells) => cells.join('  ')).join('\n')
}

function table(columns: [string, Row[]][], paint: Paint): string[] {
  const height = Math.max(...columns.map(([, rows]) => rows.length))
  const widths = columns.map(([title, rows]) => {
    const value = Math.max(...rows.map((row) => row[1].length))
    return { value, label: Math.max(title.length - value - 2, ...rows.map(([label]) => label.length)) }
  })
  const line = (cells: string[]) => `  ${cells.join('     ')}`.trimEnd()
  const lines = [line(columns.map(([title], n) => paint('dim', title.padEnd((widths[n]?.label ?? 0) + (widths[n]?.value ?? 0) + 2))))]
  for (let n = 0; n < height; n += 1) {
    const cells = columns.map(([, rows], column) => {
      const { label, value } = widths[column] as { label: number; value: number }
      const row = rows[n]
      if (!row) return ' '.repeat(label + value + 2)
      const shown = row[1].padStart(value)
      return `${row[0].padEnd(label)}  ${row[2] ? paint(row[2], shown) : shown}`
    })
    lines.push(line(cells))
  }
  return lines
}

/** A dead batch in two lines. */
export function formatDead(batch: DeadBatch): string {
  const { id, key, diedAt, attempt, size, reason, cause, error } = batch
  const messages = howMany(size, 'message')
  const died = `died ${new Date(diedAt).toISOString()} in attempt ${attempt} (${cause})`
  return [`${id}  key ${JSON.stringify(key)}  ${messages}, closed by ${reason}, ${died}`, `  ${error}`].map(printable).join('\n')
}

/** An event in one line. */
export function formatEvent(event: QueueEvent): string {
  const { at, key } = event
  const line = [new Date(at).toISOString(), event.event.padEnd(9), key === undefined ? '' : JSON.stringify(key), saidOf(event)]
  return printable(line.join('  ').trimEnd())
}

/** What is said of an event, but for its name and the conversation. */
export function saidOf({ ids, ...told }: QueueEvent): string {
  const words = [
    told.batch && `batch ${told.batch}`,
    told.count !== undefined && howMany(told.count, 'message'),
    told.done !== undefined && `${count(told.done)} done`,
    told.attempt !== undefined && `attempt ${told.attempt}`,
    told.reason && `closed by ${told.reason}`,
    told.cause && `(${told.cause})`,
    told.until !== undefined && `again at ${new Date(told.until).toISOString()}`,
    told.worker && `by ${told.worker}`,
    told.stream && `into ${told.stream}`,
    ids.some((id) => id !== undefined) && ids.map((id) => id ?? '-').join(' '),
  ]
  return words.filter(Boolean).join(', ')
}

/** A batch of the archive: what it is in a line, and what was said and answered in one each. */
export function formatArchived({ completedAt, id, key, size, reason, attempts, worker, text, result }: ArchivedBatch): string {
  const words = [
    howMany(size, 'message'),
    `closed by ${reason}`,
    `attempt ${attempts}`,
    worker !== undefined && `by ${worker}`,
    `batch ${id}`,
  ]
  const about = [new Date(completedAt).toISOString(), JSON.stringify(key), words.filter(Boolean).join(', ')].join('  ')
  const said = [text !== undefined && `  said    ${JSON.stringify(text)}`, result !== undefined && `  result  ${JSON.stringify(result)}`]
  return [about, ...said.filter((line) => line !== false)].map(printable).join('\n')
}
