// The text format of Prometheus, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
//
// WHY no package for it: the figures of a queue are counted in Redis already, with their histogram, and only need to be written down. prom-client counts
// by itself: each of its counters would have to be set back and filled anew for each scrape, and a histogram cannot be filled from outside at all.

export type Labels = Readonly<Record<string, string>>

/** A number, or the counts of a histogram, of some labels. */
export interface Sample {
  labels: Labels
  value: number | Counts
}

/** How many were at most so much, and more than the bound before; what is beyond the last bound has the bound Infinity. */
export interface Counts {
  buckets: readonly (readonly [bound: number, count: number])[]
  sum: number
}

export interface Family {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  samples: readonly Sample[]
}

/** What a scrape is answered with, as its `content-type`. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }
const escaped = (text: string, signs: RegExp) => text.replace(signs, (sign) => ESCAPED[sign] as string)

/** Others have named what a label says, and somebody may look at it in a terminal: what would steer that is shown by its number. */
const printable = (text: string) =>
  text.replace(/[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Families in the text format. Each may be there once in all that a scrape is answered with. */
export const exposition = (families: readonly Family[]): string => families.map(familyText).join('')

function familyText({ name, type, help, samples }: Family): string {
  const head = [`# HELP ${name} ${escaped(help, /[\\\n]/g)}`, `# TYPE ${name} ${type}`]
  const lines = samples.flatMap(({ labels, value }) =>
    typeof value === 'number' ? [line(name, labels, value)] : histogramLines(name, labels, value),
  )
  return `${[...head, ...lines].join('\n')}\n`
}

function histogramLines(name: string, labels: Labels, { buckets, sum }: Counts): string[] {
  let count = 0
  const lines = buckets.map(([bound, inside]) => {
    count += inside
    return line(`${name}_bucket`, { ...labels, le: number(bound) }, count)
  })
  return [...lines, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)]
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(printable(text), /[\\"\n]/g)}"`)
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${number(value)}`
}

const number = (value: number) => (value === Number.POSITIVE_INFINITY ? '+Inf' : String(value))
