import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import { CALLS, type Input, withNonce } from '../../src/protocol/calls.ts'
import type { Argument } from '../../src/redis/connection.ts'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { SCRIPTS } from '../../src/redis/generated/scripts.ts'
import { SOURCE } from '../../src/redis/source.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

const { functions } = assemble()
const headers = Object.fromEntries(functions.map((each) => [each.name, each.header]))
const header = (name: FunctionName) => headers[name] as (typeof functions)[number]['header']

const isToken = (name: string) => /^[A-Z]+$/.test(name)

/** What each function is sent when every option of its input is given; values are no capitals, so that they look unlike tokens. */
const message = {
  key: 'k',
  data: 'd',
  id: 'i',
  wait: 1,
  maxWait: 1,
  maxSize: 1,
  flush: true,
  edits: 'e',
  withdraws: 'w',
  context: 'c',
  requeued: '1:n',
}
const policy = {
  wait: 1,
  maxWait: 1,
  maxSize: 1,
  maxBacklog: 1,
  maxMessageBytes: 1,
  maxBatchBytes: 1,
  dedupe: 1,
  maxDead: 1,
  maxDeadAge: 1,
  maxKeys: 1,
  events: 1,
  archive: 1,
  maxArchived: 1,
}
const layout = { state: 'draining' as const, generation: 1, serving: { first: 0, count: 1 }, other: { first: 0, count: 0 } }
const watching = { worker: 'w', echo: true, rest: 1 }
const pair = { key: 'k', token: '1-1:1' }
const failure = { ...pair, delay: 1, attempts: 1, error: 'e', keep: '1' }
const release = { ...pair, reason: 'r' }
const taker = { watching, drain: true, generation: 1 }
const INPUTS: { [Name in FunctionName]: Input<Name>[] } = {
  add: [{ messages: [message, message], generation: 1 }],
  claim_ready: [{ ...taker, limit: 1, lease: 1, attempts: 1, before: 1 }],
  archived: [{ after: '1-1', limit: 1, key: 'k', id: 'i', batch: 'b' }],
  check: [{ parts: [] }],
  complete: [[{ ...pair, text: 't', result: 'r', worker: 'w' }, pair]],
  dead: [{ limit: 1, offset: 1, id: 'i' }],
  drop: [{ ids: ['i'] }],
  erase: [{ key: 'k', after: Buffer.from('1-1:dead:0:') }],
  events: [{ after: '1-1', limit: 1, key: 'k', id: 'i', batch: 'b' }],
  extend: [{ lease: 1, claims: [pair] }],
  fail: [[failure, failure]],
  forward: [{ ...taker, stream: 's', limit: 1, maxLength: 1, keep: 1 }],
  layout: [{}],
  leave: [{ worker: 'w' }],
  repartition: [{ prepare: 1, fresh: true, commit: 1, drained: true, settle: 1, restore: layout, policy }],
  partition: [{ state: 'OPEN', policy, layout }, { state: 'RETIRE' }],
  peek: [{ key: 'k', limit: 1 }],
  policy: [{ members: policy, given: { program: 'p', again: true } }],
  present: [{ worker: 'w', rest: 1 }],
  release: [[release, release]],
  repair: [{ parts: [] }],
  requeue: [{ ids: ['i'], generation: 1 }],
  rights: [{ commands: [] }],
  stats: [{}],
  trace: [{ key: 'k', id: 'i', batch: 'b', after: 'list:1:' }],
  version: [{}],
}

const sentTo = (name: FunctionName): Argument[] => {
  const { write } = CALLS[name] as { write(input: unknown): Argument[] }
  return (INPUTS[name] as unknown[]).flatMap((input) => write(input))
}

it('has one entry in calls.ts for each file of lua/functions', () => {
  expect(Object.keys(CALLS).sort()).toEqual(functions.map((each) => each.name).sort())
})

describe.each(functions.map((each) => each.name as FunctionName))('the header of %s', (name) => {
  it('names the tokens that calls.ts sends, and nothing else', () => {
    const { nonce } = CALLS[name]
    const args = nonce ? withNonce(nonce, sentTo(name), { name: 'w', number: 1 }) : sentTo(name)
    const sent = args.map(String).filter(isToken)
    expect([...new Set(sent)].sort()).toEqual(header(name).ARGV.filter(isToken).sort())
  })

  it('names the arguments that calls.ts sends in front of the tokens', () => {
    const sent = sentTo(name).map(String)
    const first = sent.findIndex(isToken)
    const positional = header(name).ARGV.filter((argument) => !isToken(argument) && !argument.endsWith('...'))
    expect(first === -1 ? sent.length : first).toBe(positional.length)
  })
})

/** read_tokens is for all: the policy has a code of its own for a bad value, and stats has no tokens. */
const IMPOSSIBLE: Partial<Record<FunctionName, string[]>> = {
  layout: ['BAD_ARGUMENT', 'MISSING_ARGUMENT'],
  stats: ['BAD_ARGUMENT', 'MISSING_ARGUMENT'],
}

it.each(functions.map((each) => each.name as FunctionName))(
  'names in the header of %s the codes of the lib functions that it uses',
  (name) => {
    const script = SCRIPTS[name].text
    const reachable = new Set([...script.matchAll(/\bfail\(\s*(?:token\.code or )?'([A-Z_]+)'/g)].map(([, code]) => code as string))
    const unnamed = [...reachable].filter((code) => !header(name).ERRORS.includes(code))
    expect(unnamed.sort()).toEqual(IMPOSSIBLE[name] ?? [])
  },
)

describe('a server', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await useRedis()
    await server.redis.function('LOAD', 'REPLACE', SOURCE.library)
  })
  const call = (name: FunctionName, ...args: (string | number)[]) =>
    server.redis.call('FCALL', `rapidfire_${name}`, 1, 'rapid-fire:{orders}', ...args) as Promise<unknown[]>

  it('lists the functions as their headers describe them', async () => {
    const [library] = (await server.redis.function('LIST', 'LIBRARYNAME', 'rapidfire')) as [unknown[]]
    const listed = (library[library.indexOf('functions') + 1] as unknown[][]).map((fields) => ({
      name: fields[1],
      description: fields[3],
      flags: [...(fields[5] as string[])].sort(),
    }))
    const described = functions.map((each) => ({
      name: `rapidfire_${each.name}`,
      description: each.header.sentence,
      flags: [...each.flags].sort(),
    }))
    expect(listed.sort((a, b) => String(a.name).localeCompare(String(b.name)))).toEqual(described)
  })

  it('replies the values that the headers name', async () => {
    expect(await call('peek', 'ann')).toHaveLength(header('peek').RETURNS.length)
    expect(header('add').RETURNS).toEqual(['status', 'size'])
    expect(await call('add', 'ann', 'one', 'FLUSH', 'NEXT', 'bob', 'two')).toHaveLength(2 * header('add').RETURNS.length)
    expect(header('claim_ready').RETURNS).toEqual(['now', 'next', 'dead', 'batch...'])
    const [, , dead, batch] = (await call('claim_ready', 'DEAD')) as [number, number, [], [string, string]]
    expect(dead).toEqual([])
    expect(await call('extend', 1000, 'ann', batch[1])).toHaveLength(header('extend').RETURNS.length)
    expect(await call('complete', 'ann', batch[1])).toHaveLength(header('complete').RETURNS.length)
  })

  it('has the members of the policy that the header, calls.ts and the type name', async () => {
    const fields = Object.keys(CALLS.policy.read(await call('policy')))
    expect(fields).toEqual(Object.keys(policy))
    expect([...fields.map((field) => field.toUpperCase()), 'GIVEN', 'AGAIN']).toEqual(header('policy').ARGV)
  })

  it('gives each script the sha1 that is computed beforehand', async () => {
    for (const { sha1, text } of Object.values(SCRIPTS)) expect(await server.redis.script('LOAD', text)).toBe(sha1)
  })
})

it('has src/redis/generated/ committed as lua/ gives it', () => {
  const main = fileURLToPath(new URL('../../lua/build/main.mjs', import.meta.url))
  expect(() => execFileSync(process.execPath, [main, '--check'], { stdio: 'pipe' })).not.toThrow()
  const { library, scripts, lines, version } = assemble()
  expect({ ...SOURCE, scripts: SCRIPTS }).toEqual({ library, scripts, lines, version })
})
