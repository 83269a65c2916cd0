import type { Trace, TracePlace } from '../../src/history/trace.ts'
import { count, formatMs, howMany, type Paint, printable, saidOf } from './format.ts'

/** A worker that has promised to look, and has not for so long, has none, ms. */
const MISSED = 1000

/** A time as the clock on the wall has it, to the ms; with the day, unless it is that of `now`. */
export function formatTime(at: number, now: number): string {
  const [then, today] = [new Date(at), new Date(now)]
  const two = (value: number) => String(value).padStart(2, '0')
  const time = [then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(':')
  const day = `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`
  return `${then.toDateString() === today.toDateString() ? '' : `${day} `}${time}.${String(then.getMilliseconds()).padStart(3, '0')}`
}

/** What became of a message, a conversation or a batch, for a person: in words, with the figures, and what has happened to it. */
export function formatTrace(trace: Trace, width = 80, paint: Paint = (_, text) => text): string {
  const { key, id, batch, now, events, others } = trace
  const of = key === undefined ? '' : ` of ${JSON.stringify(key)}`
  const subject =
    id !== undefined
      ? `message ${id}${of}`
      : key !== undefined && batch === undefined
        ? `conversation ${JSON.stringify(key)}`
        : `batch ${batch}${of}`
  const lines = [...wrap(subject, '', '  ', width).map((line) => paint('bold', line)), '']
  for (const sentence of explain(trace)) lines.push(...wrap(sentence, '  ', '  ', width))
  const facts = factsOf(trace)
  if (facts.length > 0) lines.push('')
  for (const [label, value] of facts) lines.push(...wrap(`${label.padEnd(9)} ${value}`, '  ', ' '.repeat(12), width))
  if (others.length > 0) lines.push('', `  ${paint('dim', 'besides')}`)
  for (const other of others) lines.push(...wrap(`${otherOf(other, now)}.`, '  ', '    ', width))
  if (events !== undefined)
    lines.push('', `  ${paint('dim', events.length > 0 ? 'what has happened, as far as kept' : 'no event of it is kept')}`)
  for (const event of events ?? [])
    lines.push(...wrap(`${formatTime(event.at, now)}  ${event.event.padEnd(9)} ${saidOf(event)}`.trimEnd(), '  ', '    ', width))
  return lines.join('\n')
}

/** Where it is and why it waits, in sentences. */
export function explain(trace: Trace): string[] {
  const said = where(trace)
  const waits = ['collecting', 'ready', 'retry', 'released'].includes(trace.state)
  if ((waits || trace.state === 'active') && !trace.serves)
    said.push(
      `It is in ${trace.partition === undefined ? 'the root of the queue' : `partition ${trace.partition}`}, which takes no new conversations any more and is being emptied.`,
    )
  return said
}

function where(trace: Trace): string[] {
  const { state, behind, batch, attempt, now, reason, deadline = 0, until = 0, worker, stream } = trace
  const at = (when: number) => `at ${formatTime(when, now)} (${when > now ? `in ${formatMs(when - now)}` : `${formatMs(now - when)} ago`})`
  const it = trace.id === undefined && trace.batch === undefined ? 'Its first batch' : 'It'
  const first = behind ? `It waits behind the first batch of its conversation: one batch is handled at a time.` : ''
  const said = (...sentences: (string | false)[]) =>
    [first, ...sentences].filter((sentence) => sentence !== false && sentence !== '') as string[]
  const that = behind ? 'That' : it
  switch (state) {
    case 'collecting':
      return said(
        reason === 'maxWait'
          ? `${that} is ready ${at(deadline)}, \`maxWait\` after its first message, whatever comes.`
          : `${that} waits until the person has been quiet for a while: it is ready ${at(deadline)}, or later if more comes.`,
      )
    case 'ready':
      return said(`${that} is ready since ${at(deadline).slice(3)} and waits for a worker.`, looks(trace))
    case 'active':
      return said(
        `${that} is with a worker${worker === undefined ? '' : `, ${worker}`}: attempt ${attempt}.`,
        until > now
          ? `The lease ends ${at(until)}, unless the worker makes it longer; then another one takes it.`
          : `The lease has ended ${at(until)}: the worker has gone or hangs, and the next one that looks takes it again.`,
        until <= now && looks(trace),
      )
    case 'retry':
      return said(
        `Attempt ${attempt} has failed.`,
        until > now
          ? `${that} pauses: the next attempt is due ${at(until)}.`
          : `The next attempt is due since ${at(until).slice(3)}, and waits for a worker.`,
        until <= now && looks(trace),
      )
    case 'released':
      return said(
        `A worker has given ${behind ? 'that' : 'it'} back, with attempt ${attempt} not used up. It waits for a worker.`,
        looks(trace),
      )
    case 'done':
      return said(`${that} is completed. Its messages were missing then, and go with the next look.`)
    case 'unindexed':
      return said(`${that} is in no index, so no worker looks at it: \`rapidfire check --repair\` mends that.`)
    case 'dead':
      return [
        `It was given up ${at(until)}: ${whyDead(trace)}.`,
        `\`rapidfire dead requeue ${batch}\` brings it back, \`dead show\` tells what it failed with.`,
      ]
    case 'streamed':
      return [`It was moved into the stream ${stream} ${at(until)}: from then on it is with those who read that.`]
    case 'archived':
      return [
        `It was handled ${at(until)}${worker === undefined ? '' : ` by ${worker}`}.`,
        `\`rapidfire search\` shows the batch, ${batch}, as long as the archive keeps it.`,
      ]
    case 'empty':
      return ['The conversation has no message that waits or is with a worker.']
    default:
      return gone(trace, at)
  }
}

/** Of what is nowhere. */
function gone({ state, id, ended, events }: Trace, at: (when: number) => string): string[] {
  const why = {
    completed: 'It was handled',
    forwarded: 'It was moved into a stream, which has let go of it,',
    dropped: 'It had died, and was dropped',
  }
  if (ended) return [`${why[ended.event]} ${at(ended.at)}.`]
  if (state === 'remembered')
    return [
      'It is nowhere any more: it was handled, dropped or erased.',
      'Its id is remembered, so it was accepted; sent again now, it is a duplicate.',
    ]
  const more =
    events === undefined
      ? 'The policy keeps no events that could tell more (`rapidfire policy events=10000`).'
      : 'The events that are kept do not name it.'
  return [
    id === undefined
      ? 'It is neither with a worker nor dead nor in a stream: it was completed or dropped, or never was.'
      : 'It is nowhere: it never came to this conversation, or it has ended longer ago than ids are remembered.',
    more,
  ]
}

/** Whether a worker looks, as far as that is known. */
function looks({ lookedAt, looksAt, now }: Trace): string {
  if (looksAt !== undefined && looksAt > now - MISSED)
    return `A worker that has a free slot looks ${looksAt > now ? `in ${formatMs(looksAt - now)} at the latest` : 'now'}.`
  const since =
    lookedAt === undefined
      ? 'No worker is known to look at this queue'
      : `No worker with a free slot has looked since ${formatTime(lookedAt, now)}`
  return `${since}: none runs, or all are busy.`
}

const whyDead = ({ attempt, cause }: Pick<TracePlace, 'attempt' | 'cause'>) =>
  cause === 'failed'
    ? `attempt ${attempt} failed, its last`
    : cause === 'lease'
      ? `the lease of attempt ${attempt}, its last, ran out`
      : 'no worker has ever said that it arrived'

function factsOf({
  position,
  receivedAt,
  size,
  batch,
  count: messages,
  reason,
  now,
  state,
  behind,
  key,
  id,
  ...trace
}: Trace): [string, string][] {
  const facts: [string, string | false | undefined][] = [
    [
      'position',
      position !== undefined &&
        `${count(position)} of ${howMany(size ?? messages ?? 0, 'message')}${size === undefined ? ' of the batch' : ''}`,
    ],
    ['received', receivedAt !== undefined && `${formatTime(receivedAt, now)}, ${formatMs(Math.max(now - receivedAt, 0))} ago`],
    ['messages', position === undefined && size !== undefined && count(size)],
    [
      behind ? 'first' : 'batch',
      messages !== undefined && [batch, howMany(messages, 'message'), reason && `closed by ${reason}`].filter(Boolean).join(', '),
    ],
    ['partition', trace.partition !== undefined && String(trace.partition)],
  ]
  return facts.filter((fact): fact is [string, string] => typeof fact[1] === 'string')
}

const otherOf = ({ state, batch, count: messages, until = 0, stream, ...place }: TracePlace, now: number) =>
  `${batch}, ${howMany(messages ?? 0, 'message')}: ${state === 'dead' ? `dead since ${formatTime(until, now)}, ${whyDead(place)}` : `in the stream ${stream} since ${formatTime(until, now)}`}`

/** A text in lines of so many columns, the first behind `first`, the others behind `rest`. A word that is longer is cut. */
function wrap(text: string, first: string, rest: string, width: number): string[] {
  const lines: string[] = []
  let line = first
  let empty = true
  for (const word of printable(text).match(/\s*\S+/g) ?? []) {
    let left = empty ? word.trimStart() : word
    if (!empty && line.length + left.length > width) {
      lines.push(line)
      line = rest
      left = word.trimStart()
    }
    while (line.length + left.length > width && width - line.length > 0) {
      lines.push(line + left.slice(0, width - line.length))
      left = left.slice(width - line.length)
      line = rest
    }
    line += left
    empty = false
  }
  return [...lines, line]
}
