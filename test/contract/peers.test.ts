import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

/**
 * What the ranges of package.json rest on: each version was put in the place of the installed one, and these tests run with it. What is older than
 * the oldest failed, or was not tried.
 */
const TRIED: Record<keyof typeof manifest.peerDependencies, { tests: string; versions: string[]; older: string }> = {
  '@hono/node-server': {
    tests: 'webhook/servers cli/serve',
    versions: ['1.16.0', '1.17.0', '1.19.0', '1.19.19', '2.0.0'],
    older: '1.15.0: the process ends when a sender goes away in the middle of a body',
  },
  '@opentelemetry/api': { tests: 'otel/otel', versions: ['1.9.0', '1.10.0'], older: '1.8.0: the SDK of the tests does not take it' },
  bullmq: { tests: 'bullmq/bullmq', versions: ['2.0.0', '3.0.0', '4.0.0', '5.0.0'], older: '1.91.1 does, and is left to its age' },
  ioredis: { tests: 'client/connection client/add', versions: ['5.4.0'], older: '5.0.0: it does not know FCALL' },
  'rate-limiter-flexible': {
    tests: 'webhook/limits',
    versions: ['2.0.0', '5.0.0', '8.0.0'],
    older: '1.0.1: with the least rights, and in a full Redis, it does not count',
  },
  'redis-om': { tests: 'archive/archive', versions: ['0.4.7'], older: '0.3.6: it keeps entities of another kind' },
  tsx: { tests: 'cli/work', versions: ['4.13.0'], older: '4.10.0: it does not run the handler' },
}

const parse = (version: string) => version.split('.').map(Number) as [number, number, number]

function isBefore(one: string, other: string): boolean {
  const [left, right] = [parse(one), parse(other)]
  const at = left.findIndex((part, n) => part !== right[n])
  return at >= 0 && (left[at] as number) < (right[at] as number)
}

/** The two forms that the ranges have: `^a || ^b` and `>=a <b`. Of each part the first version, and the first that it no longer has. */
const partsOf = (range: string): [from: string, before: string][] =>
  range.split(' || ').map((part) => {
    const [, from, before] = /^>=(\S+) <(\S+)$/.exec(part) ?? []
    if (from && before) return [from, before]
    const [, caret] = /^\^(\S+)$/.exec(part) as RegExpExecArray
    return [caret as string, `${parse(caret as string)[0] + 1}.0.0`]
  })

it.each(Object.entries(TRIED))(
  'the range of %s has what was tried and what is installed, and begins with the oldest',
  (name, { versions }) => {
    const parts = partsOf(manifest.peerDependencies[name as keyof typeof TRIED])
    const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
    const { version } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'))
    const outside = [...versions, version].filter(
      (each) => !parts.some(([from, before]) => !isBefore(each, from) && isBefore(each, before)),
    )
    expect(outside).toEqual([])
    expect(parts[0]?.[0]).toBe(versions[0])
    // A major that nobody has tried is not promised.
    const majors = new Set([...versions, version].map((each) => parse(each)[0]))
    expect(majors).toContain(parse(parts.at(-1)?.[1] as string)[0] - 1)
  },
)

it('all peers but the client of Redis are optional', () => {
  const needed = Object.keys(manifest.peerDependencies).filter((name) => !(name in manifest.peerDependenciesMeta))
  expect(needed).toEqual(['ioredis'])
})
