import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import { OPTIONS, POLICY } from '../../src/redis/generated/limits.ts'

const { functions, constants } = assemble()

it('the members of the policy are told in the order of lib/limits.lua, and what is given stands beside each', () => {
  expect(constants.MEMBERS).toEqual(Object.keys(POLICY))
  expect(constants.GIVEN).toEqual(Object.keys(POLICY).map((member) => `given:${member}`))
  expect(Object.keys(constants.POLICY)).toEqual(Object.keys(POLICY).map((member) => member.toUpperCase()))
})

interface Option {
  least?: number
  most?: number
  default?: number
  bytes?: number
}

/** What a header says of an argument: its line and those that go on with it. */
const said = (text: string, name: string) =>
  new RegExp(`^-- {3}${name} +(\\S.*(?:\\n-- {10,}\\S.*)*)`, 'm').exec(text)?.[1]?.replace(/\n-- +/g, ' ')

/** The ways in which headers say a number. */
const WORDS: Record<number, string> = {
  31536000000: 'a year',
  86400000: 'a day',
  3600000: 'an hour',
  1000000: 'a million',
  16777216: '16 MiB',
}

/** What no person types, and what is said elsewhere. */
const UNSAID = ['BEFORE', 'OFFSET', 'REQUEUED', 'KEEP', 'NONCE', 'LAYOUT', 'COMMIT', 'SETTLE', 'RESTORE']
const ELSEWHERE = /\bas (in [a-z_]+|WAIT)\b|instead of the policy's|number of the change/

const TAKEN = functions.flatMap(({ name, text, options }) =>
  Object.entries(options as Record<string, Option>)
    .map(([token, option]) => ({ name, token, ...option, line: said(text, token) ?? '' }))
    .filter(({ line, token }) => !ELSEWHERE.test(line) && !UNSAID.includes(token)),
)

it.each(TAKEN.filter((each) => each.default !== undefined))('the header of $name says what holds without $token', (option) => {
  expect(option.line).toContain(`(${option.default})`)
})

// The times of the policy are bounded by a year, which nobody comes near.
const BOUNDED = TAKEN.map((option) => ({ ...option, greatest: option.most ?? option.bytes ?? 0 })).filter(
  ({ name, greatest }) => greatest > 0 && !(name === 'policy' && greatest === POLICY.wait.most),
)

it.each(BOUNDED)('the header of $name says how much $token may be', ({ line, greatest }) => {
  expect(line).toMatch(new RegExp(`\\b(${greatest}|${WORDS[greatest] ?? greatest})\\b`))
})

/** The docstrings of options in TypeScript: by file and interface, which option of a call each member is. */
const DOCUMENTED: [file: string, type: string, options: Record<string, Option>][] = [
  ['src/options.ts', 'Policy', POLICY],
  ['src/batches/claims.ts', 'ClaimOptions', { limit: OPTIONS.claimed, lease: OPTIONS.lease, attempts: OPTIONS.attempts }],
  ['src/batches/claims.ts', 'FailOptions<T>', { delay: OPTIONS.delay, attempts: OPTIONS.attempts }],
  ['src/batches/forward.ts', 'ForwardOptions', { limit: OPTIONS.forwarded, maxLength: OPTIONS.entries }],
  ['src/worker/handler.ts', 'ProcessorOptions', { lease: OPTIONS.lease, attempts: OPTIONS.attempts }],
]

it.each(DOCUMENTED)('%s tells the defaults of %s', (file, type, options) => {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
  const body = text.split(`export interface ${type} {`)[1]?.split('\n}')[0] ?? ''
  const found = [...body.matchAll(/@default (\d+)\s*\*\/\s*(\w+)\??:/g)].map(([, value, member]) => [member, Number(value)])
  const expected = Object.entries(options).map(([member, option]) => [member, option.default])
  expect(Object.fromEntries(found)).toMatchObject(Object.fromEntries(expected))
})
